package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

type crowd bool

func (c *crowd) Crowded() bool { return bool(*c) }

func TestWaitingTakesWhoWasDueFirst(t *testing.T) {
	full, free := crowd(false), crowd(false)
	var w waiting
	for i, lane := range []Lane{&full, nil, &free, &full, nil, &free} {
		w.push(&entry{due: time.Duration(i), Watcher: Watcher{ID: ID(fmt.Sprint(i)), Lane: lane}})
	}
	var got strings.Builder
	take := func(n int) {
		for range n {
			if en := w.pop(); en != nil {
				got.WriteString(string(en.ID))
			} else {
				got.WriteByte('-')
			}
		}
	}
	take(2)
	full = true
	take(4) // the last of them nothing
	full = false
	take(2)
	if got.String() != "01245-3-" || w.n != 0 || len(w.lines) != 0 || len(w.open) != 0 {
		t.Errorf("order = %s, %d left in %d lines, want 01245-3-, none", got.String(), w.n, len(w.open))
	}
}

func TestWaitingKeepsNoRoom(t *testing.T) {
	var w waiting
	w.push(&entry{})
	for range 100_000 {
		w.push(&entry{})
		w.pop()
	}
	if got := cap(w.lines[nil].entries); got > 16 {
		t.Errorf("a line of one or two has room for %d, want a few", got)
	}
}

// A lane cannot count who was let in and has not begun: however many cores could
// take up a run, no more than a few come in before that.
func TestFewEnterALaneAtOnce(t *testing.T) {
	lane := crowd(false)
	e := New(Config{})
	e.gate.limit = 1 << 40
	e.runs = t.Context()
	for i := range 2 * enteringMost {
		e.enqueue(&entry{due: time.Duration(i), Watcher: Watcher{ID: ID(fmt.Sprint(i)), Lane: &lane}}, 0)
	}
	first := e.admit(0)
	if len(first) != enteringMost || len(e.admit(0)) != 0 {
		t.Fatalf("%d runs were let into a lane at once, and others before they began, want %d", len(first), enteringMost)
	}
	e.begin(first[0].run, nil)
	first[0].run.cancel()
	if next := e.admit(0); len(next) != 1 || next[0].run.entry.ID != ID(fmt.Sprint(enteringMost)) {
		t.Errorf("let in when the first had begun: %v, want the one run that was next", next)
	}
}
