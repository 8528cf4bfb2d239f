package vm

import (
	"runtime"
	"time"
)

const (
	maxWindow = 256 // steps from one look at the clock to the next
	minWindow = 4   // also of a slice's first: its instructions may be heavy
	// heavyGap is the time that a window takes when its instructions work on long
	// strings or tables, or when the machine made it wait.
	heavyGap = int64(time.Millisecond)
	// calmWindows is how many windows in a row must be short until the next long
	// one is again taken for the script's: where others want the cores too, some
	// are long all the time.
	calmWindows = 1000
	// countedGap is the most that a window counts for, beyond what its steps
	// explain. A longer gap may be the machine's (a starved box, SIGSTOP), which
	// must not abort the innocent.
	countedGap = int64(5 * time.Millisecond)
	// stepTime is the most that a step may take, in nanoseconds.
	stepTime = 100
	// fullSlice is the least work, in steps, that a slice of estimated time can be
	// used up with.
	fullSlice = 100_000
)

// meter tells how much time a run computed since it was last given the baton.
//
// Wall time is at hand and cheap, but a goroutine has no clock of its own for
// the time it really ran. So as long as windows are short, they count as they
// are. After one that was not, the goroutine keeps its thread, and the thread's
// CPU clock says whether it is the script that takes long or the machine, until
// windows are short again.
type meter struct {
	window int   // steps in a window
	steps  int64 // done in this slice
	last   int64 // time of the last look
	used   int64 // time estimated
	exact  int64 // time measured on the thread's clock
	thread int64 // the thread's clock at the last look
	locked bool  // the goroutine keeps its thread
	calm   int   // windows since the last long one
}

// start begins a slice.
func (m *meter) start(now int64) {
	m.release()
	*m = meter{window: minWindow, last: now}
}

// add counts a window that ended now with so many steps done.
func (m *meter) add(now int64, steps int) {
	gap := now - m.last
	m.last = now
	m.steps += int64(steps)
	if m.locked {
		clock, _ := threadTime()
		m.exact += clock - m.thread
		m.used += clock - m.thread
		m.thread = clock
	} else {
		m.used += min(gap, countedGap+int64(steps)*stepTime)
	}
	switch {
	case gap > heavyGap:
		m.window, m.calm = max(m.window/4, minWindow), 0
		m.hold()
	case gap < heavyGap/8 && m.window < maxWindow:
		m.window *= 4
	case m.calm == calmWindows:
		m.release()
	default:
		m.calm++
	}
}

// over tells whether the slice is used up.
func (m *meter) over(slice int64) bool {
	return m.exact > slice || m.used > slice && m.steps > fullSlice || m.used/2 > slice && !m.locked
}

func (m *meter) hold() {
	if m.locked {
		return
	}
	if clock, ok := threadTime(); ok {
		runtime.LockOSThread()
		m.locked, m.thread = true, clock
	}
}

// release gives the thread up. The goroutine must be the one that held it.
func (m *meter) release() {
	if m.locked {
		m.locked = false
		runtime.UnlockOSThread()
	}
}
