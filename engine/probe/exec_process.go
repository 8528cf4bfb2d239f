package probe

import (
	"context"
	"os"
	"syscall"
	"time"
)

// execProcess is the leader of a command's process group.
type execProcess struct {
	pid int
	execEnd
}

// execEnd knows when a process has ended.
type execEnd interface {
	// await waits for the end until ctx ends or, if limit is positive, for
	// that long. It reports whether the process has ended.
	await(ctx context.Context, limit time.Duration) bool
	// reap gives the status of an ended process and forgets it.
	reap() syscall.WaitStatus
}

// signal sends sig to the whole group. That there is none left is no error.
func (p *execProcess) signal(sig syscall.Signal) { _ = syscall.Kill(-p.pid, sig) }

// execWaiter is the end of a process where there is no pidfd to poll: a thread
// of the runtime waits in the system for each. The process is reaped as it
// ends, so its group's id could in theory be another's by the time the group is
// killed; ids are not reused that soon.
type execWaiter struct {
	ended  chan struct{}
	status syscall.WaitStatus
}

func newExecWaiter(p *os.Process) *execWaiter {
	w := &execWaiter{ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		if state, err := p.Wait(); err == nil {
			w.status = state.Sys().(syscall.WaitStatus)
		}
	}()
	return w
}

func (w *execWaiter) await(ctx context.Context, limit time.Duration) bool {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	select {
	case <-w.ended:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *execWaiter) reap() syscall.WaitStatus { return w.status }
