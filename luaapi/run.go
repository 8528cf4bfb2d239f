package luaapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// Bounds of what one run may log; the rest is dropped and said to be.
const (
	logMaxLines = 50
	logMaxBytes = 4096
)

// run gathers what one run, or the loading of a file, leaves behind. It is
// used with the baton held, so by one goroutine at a time.
type run struct {
	watcher *watcher // nil while the file loads
	event   *event   // what the run is of; nil for a check
	typed   bool     // by a person, who sees all that it logs
	trace   func(Event)

	result   engine.Result // what the step function made of the check
	failure  error         // of the last primitive that failed
	expired  error         // of the primitive that was waiting when the time for primitives ended
	answered bool          // the last primitive did what it was asked for
	timing   *probe.Timing // of the last timed primitive
	output   string        // of the last command, or the start of the last page
	stateErr error         // why self.state could not be kept
	journey  journey

	queued   time.Duration  // waited for leave to start commands
	conns    []conversation // to be closed when the run ends
	log      []string
	logBytes int
}

// explainNil says of an error over a nil what failed before: that gave it, most often.
func (r *run) explainNil(err error) {
	if e, ok := errors.AsType[*vm.Error](err); ok && r.failure != nil && e.Value == nil && strings.Contains(e.Message, "nil") {
		e.Message = fmt.Sprintf("%s (just before: %s)", e.Message, r.failure)
	}
}

// took tells whether that is how many seconds the last timed primitive took.
func (r *run) took(seconds float64) bool {
	return r.timing != nil && seconds == r.timing.Total.Seconds()
}

// startOf gives what a result shows of a page. That is most often what it was
// in the run before, and then not made anew.
func (r *run) startOf(body []byte) string {
	body = body[:min(len(body), outputFromBody)]
	if r.watcher == nil {
		return probe.Clean(body)
	}
	if string(body) != r.watcher.page {
		r.watcher.page = probe.Clean(body)
	}
	return r.watcher.page
}

type runKey struct{}

// runOf gives the run that L is part of.
func runOf(L *lua.LState) *run { return runFrom(vm.Context(L)) }

func runFrom(ctx context.Context) *run {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		return r
	}
	return &run{} // called from outside of any run: nobody will look
}

// logLine keeps one line of what a script logged, and gives what of it was kept:
// "" once more was logged than is kept, which is said once.
func (r *run) logLine(text string) (kept string) {
	if len(r.log) >= logMaxLines || r.logBytes >= logMaxBytes {
		if n := len(r.log); n > 0 && r.log[n-1] != logDropped {
			r.log = append(r.log, logDropped)
			return logDropped
		}
		return ""
	}
	if left := logMaxBytes - r.logBytes; len(text) > left {
		text = strings.ToValidUTF8(text[:left], "") + "..."
	}
	r.logBytes += len(text)
	r.log = append(r.log, text)
	return text
}

const logDropped = "(more was logged than is kept)"

// Event is one thing that a run did: what `pharosd once -v` shows.
type Event struct {
	Kind    string // exec, http, tcp, ..., as the primitive is named; "log" for a logged line
	Host    string // the vantage; "" is here
	Text    string // what was asked, or logged; secrets are masked
	Outcome string // what came of it: "exit 0", "200", ""
	Err     error  // why nothing came of it

	Started time.Time
	Elapsed time.Duration
	Timing  *probe.Timing // nil for what is not timed
}

type traceKey struct{}

// WithTrace lets f hear of every event of the runs under the context, as it
// ends, on the run's goroutine. f must not block.
func WithTrace(ctx context.Context, f func(Event)) context.Context {
	return context.WithValue(ctx, traceKey{}, f)
}

func traceOf(ctx context.Context) func(Event) {
	f, _ := ctx.Value(traceKey{}).(func(Event))
	return f
}

type askKey struct{}

// WithAsk lets f know when a run under the context asks for the status of a
// watcher that has had no result yet, so that it can see to one first. f may
// take until its context ends.
func WithAsk(ctx context.Context, f func(ctx context.Context, id engine.ID)) context.Context {
	return context.WithValue(ctx, askKey{}, f)
}

// timeoutKey is of a primitive's own timeout, for a world whose time is not the real one.
type timeoutKey struct{}

// calling is what the options of all primitives that reach out have.
type calling struct {
	host    string        // the vantage; "" is here
	timeout time.Duration // of the call itself; 0 = the run's is its only one
}

func (c *calling) set(name string, v lua.LValue) error {
	switch name {
	case "timeout":
		return setPositive(&c.timeout, v)
	case "ssh_host":
		return setHost(&c.host, v)
	}
	return errNoOption
}

// reach calls a primitive with the baton released: f must use Go values only.
// timeout, if not 0, ends it before the run's own deadline. While the file
// loads it raises: loading declares, and does nothing.
func reach[T any](s *script, L *lua.LState, e *Event, timeout time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	if vm.Loading(L) {
		L.RaiseError("cannot call pharos.%s while the file loads: loading only declares, so call it in a function such as check", e.Kind)
	}
	if err := s.own.inName(e.Host); err != nil {
		L.RaiseError("cannot call pharos.%s on a host: %s", e.Kind, err)
	}
	var result T
	var err error
	expired := false
	e.Started = time.Now()
	vm.Block(L, func(outer context.Context) {
		ctx := outer
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithValue(ctx, timeoutKey{}, timeout), timeout)
			defer cancel()
		}
		result, err = f(ctx)
		expired = err != nil && over(outer)
	})
	e.Elapsed, e.Err = time.Since(e.Started), err
	if failed, ok := errors.AsType[*probe.Error](err); ok {
		e.Timing = failed.Timing
	}
	if probe.KindOf(err) == probe.Misuse {
		L.RaiseError("%s", err.Error())
	}
	r := runOf(L)
	r.answered = err == nil
	if expired && r.expired == nil {
		r.expired = err
	}
	return result, err
}

// over tells whether ctx has ended: on a busy machine its deadline may have passed
// before its timer says so.
func over(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(end)
}

// done ends a primitive's call: it keeps the evidence, and tells the trace.
func (s *script) done(L *lua.LState, e *Event) {
	r := runOf(L)
	r.failure = e.Err
	if e.Timing != nil {
		r.timing = e.Timing
	}
	if r.trace != nil {
		e.Text, e.Outcome, e.Err = s.mask.clean(e.Text), s.mask.clean(e.Outcome), s.mask.err(e.Err)
		r.trace(*e)
	}
}

// pushError leaves nil, err on the stack: err has kind, phase and timing, and
// its tostring is the message.
func (s *script) pushError(L *lua.LState, err error) int {
	fields := map[string]lua.LValue{"kind": lua.LNil, "phase": lua.LNil, "timing": lua.LNil}
	if e, ok := errors.AsType[*probe.Error](err); ok {
		fields["kind"] = lua.LString(e.Kind)
		if e.Phase != "" {
			fields["phase"] = lua.LString(e.Phase)
		}
		if e.Timing != nil {
			fields["timing"] = timingTable(L, e.Timing)
		}
	}
	fields["message"] = lua.LString(err.Error())
	L.Push(lua.LNil)
	L.Push(vm.NewErrorValue(L, err, fields))
	return 2
}
