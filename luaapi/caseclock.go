package luaapi

import (
	"context"
	"math"
	"time"

	"pharos/luaapi/vm"
)

// worldBegins is what the clock of every case shows at its start.
var worldBegins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// forever is longer than anything may take.
const forever = time.Duration(math.MaxInt64)

// caseClock is the time of a case, which stubs, sleeps and the case itself move.
// A watcher's run has no more of it than of the real time: what would not end in
// time on the board does not in a case.
type caseClock struct {
	now   time.Time
	spent map[*run]time.Duration // by runs of watchers, waiting in primitives
}

type askerKey struct{}

// payer is the run whose time passes under ctx: in a stub, that of who asked it.
func payer(ctx context.Context) *run {
	if r, ok := ctx.Value(askerKey{}).(*run); ok {
		return r
	}
	return runFrom(ctx)
}

// Now is the time of the case.
func (w *caseWorld) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock.now
}

// Sleep takes no time: the clock moves.
func (w *caseWorld) Sleep(ctx context.Context, d time.Duration) error {
	if !w.spend(ctx, w.left(ctx), d) {
		return context.DeadlineExceeded
	}
	return nil
}

// advance moves the clock. In a stub it is the run's time that passes.
func (w *caseWorld) advance(r *run, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.now = w.clock.now.Add(d)
	if r.watcher != nil {
		w.clock.spent[r] += d
	}
}

// spent is how much of its time the run of ctx has waited.
func (w *caseWorld) spent(ctx context.Context) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock.spent[payer(ctx)]
}

// left is how long a primitive may take that is called now: what its run has
// left of the case's time, or its own timeout; forever if the case itself calls
// it without one. It is 0 where the run has none left.
func (w *caseWorld) left(ctx context.Context) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := forever
	if r := payer(ctx); r.watcher != nil {
		left = r.watcher.timeout - vm.Reserve(r.watcher.timeout) - w.clock.spent[r]
	}
	if own, ok := ctx.Value(timeoutKey{}).(time.Duration); ok {
		left = min(left, own)
	}
	return max(left, 0)
}

// spend moves the clock by what a primitive took that had so much left. If that
// was more it is false, and the clock at the end of what was left.
func (w *caseWorld) spend(ctx context.Context, left, took time.Duration) bool {
	if took == forever && left == forever {
		return true // only the end of the case would end it
	}
	w.advance(payer(ctx), min(took, max(left, 0)))
	return took <= left
}
