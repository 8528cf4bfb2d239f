package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// watcher is one watcher that a script declared. Its runs come one at a time.
type watcher struct {
	script *script
	self   *lua.LTable
	memory *Memory
	kept   *memory // in it, of this watcher

	id         engine.ID
	name       string
	limits     limits
	unit, link string
	timeout    time.Duration
	plan       plan
	vantages   vantages       // empty where it looks from one place
	board      *lua.LUserData // what a derived one's check gets first; nil for any other
	source     engine.Place
	definition string
	stream     *stream         // its option events; nil without
	sse        *probe.SSEState // how far that came, for when it is opened again

	page       string        // the start of the last one it got
	found      bool          // by a discovery
	remembered bool          // self.state was filled from memory
	told       engine.Status // what self.status was set to for the run
	hog        hog
}

// hog is the back-off of a watcher that computed too long: it would take half
// of its file's time from the others.
type hog struct {
	pause time.Duration // 0 while it behaves
	until time.Time
	last  *engine.Result // nil while it behaves: there are thousands of watchers
}

const (
	hogPauseMin = time.Second
	hogPauseMax = time.Minute
)

// check is the watcher's [engine.Check]. Whatever happens is in the result: it
// gives no error.
func (w *watcher) check(ctx context.Context) (engine.Result, error) {
	return *w.enter(ctx), nil
}

// enter is check for who has not entered the script yet, entered for who has.
//
// What a run calls keeps its frames small, with results behind pointers and what
// comes after the Lua code in functions of its own: there are hundreds of runs in
// flight, and a stack that is more than 8 kB deep takes 16.
func (w *watcher) enter(ctx context.Context) *engine.Result {
	if !w.script.enter() {
		return replaced()
	}
	defer w.script.end()
	return w.entered(ctx)
}

func (w *watcher) entered(ctx context.Context) *engine.Result {
	if left := time.Until(w.hog.until); left > 0 {
		return w.leftOut(left)
	}
	if m := engine.MembersOf(ctx); m != nil && m.Total() == 0 {
		return ofNobody()
	}
	return w.perform(ctx, &run{watcher: w, trace: traceOf(ctx)})
}

// perform makes one run: of the check, or of the function for an event. Only
// the latter may come to nothing, which is a pending result.
func (w *watcher) perform(ctx context.Context, r *run) *engine.Result {
	err := w.script.universe.Call(context.WithValue(ctx, runKey{}, r), w.script.step, []lua.LValue{w.self}, nil)
	w.conclude(r, err)
	return &r.result
}

// conclude makes the result of a run that ended with err.
func (w *watcher) conclude(r *run, err error) {
	result := &r.result
	if errors.Is(err, vm.ErrTurn) {
		*result = *missed(err)
		return
	}
	closeAll(r.conns)
	switch {
	case r.journey.result != nil:
		*result = *r.journey.result
	case err != nil:
		*result = w.broken(r, err)
	case r.journey.raised != nil:
		*result = w.caught(r.journey.raised)
	case r.stateErr != nil:
		*result = w.mistaken("cannot keep self.state: " + r.stateErr.Error())
	}
	w.journeyed(r, err, result)
	w.backOff(err, result)
	if result.Status == engine.Pending && result.Failure == nil {
		return
	}
	w.addEvidence(r, result)
	w.memory.ended(w.kept, result.Status, w.script.clock.Now())
}

// stepFunction is the Lua side of a run: it calls self:check(), or the function for an
// event, and makes the result of what comes back.
func (s *script) stepFunction(L *lua.LState) int {
	r := runOf(L)
	w := r.watcher
	w.prepare(L)
	defer w.keepState(r)
	given := 1
	switch {
	case r.event != nil:
		L.Push(w.stream.judge)
		L.Push(w.self)
		L.Push(r.event.value(L))
		given++
	case w.board != nil:
		L.Push(L.GetField(w.self, "check"))
		L.Push(w.board)
		L.Push(w.self)
		given++
	default:
		L.Push(L.GetField(w.self, "check"))
		L.Push(w.self)
	}
	L.Call(given, lua.MultRet)
	w.settle(L, r)
	return 0
}

// settle makes the result of what check left on L's stack.
func (w *watcher) settle(L *lua.LState, r *run) {
	const first = 2 // above self, the step's own argument
	v, err := w.verdictOf(L, first)
	if err == nil || errors.Is(err, errNoVerdict) {
		err = cmp.Or(w.overwritten(), err)
	}
	switch {
	case r.event == nil:
	case errors.Is(err, errNoVerdict):
		return
	case errors.Is(err, errNilVerdict):
		err = errors.New(nilVerdict("the function of events", w.stream.judge, "leave the status as it is"))
	}
	if err == nil {
		r.result, err = w.show(L, v)
	}
	if err != nil {
		r.result = w.mistaken(err.Error())
	}
}

// mistaken is the result of a run whose script made a mistake that has no line.
func (w *watcher) mistaken(what string) engine.Result {
	return scriptResult(engine.Failure{Message: what, File: w.source.File, Line: w.source.Line})
}

// prepare fills in what self shows of itself.
func (w *watcher) prepare(L *lua.LState) {
	m, named := w.memory.get(w.kept), w.script.named
	if named.state && !w.remembered {
		w.remembered = true
		w.self.RawSetString("state", w.script.restore(L, m.state))
	}
	w.self.RawSetString("verdict", lua.LNil)
	if named.status {
		w.told = m.status
		w.self.RawSetString("status", lua.LString(w.told.String()))
	}
	if named.lastUpdated && !m.last.IsZero() {
		w.self.RawSetString("last_updated", lua.LNumber(float64(m.last.UnixMilli())/1000))
	}
	if named.duration && !m.last.IsZero() {
		w.self.RawSetString("duration", lua.LNumber(w.script.clock.Now().Sub(m.since).Seconds()))
	}
}

// overwritten fails when the run set self.status, as its author thought, to say how
// it went: the tile would show something else, and be green for ever.
func (w *watcher) overwritten() error {
	if !w.script.named.status {
		return nil
	}
	given := w.self.RawGetString("status")
	word, _ := given.(lua.LString)
	if string(word) == w.told.String() {
		return nil
	}
	meant := "ok"
	if slices.Contains(statusWords, string(word)) {
		meant = string(word)
	}
	return fmt.Errorf("cannot set self.status, which is what the run before came to: write return %q, value, detail, or return self:%s(value, detail)", meant, meant)
}

// namedFields tells which of the fields that a run fills in the files of a script
// name at all. Most name none, and each takes 150 bytes of every watcher's self.
type namedFields struct{ state, status, lastUpdated, duration bool }

func (in *inputs) namedFields() namedFields {
	return namedFields{in.name("state"), in.name("status"), in.name("last_updated"), in.name("duration")}
}

// restore makes a fresh self.state of what was kept.
func (s *script) restore(L *lua.LState, state []byte) *lua.LTable {
	if state != nil {
		if v, err := decodeJSON(string(state)); err == nil {
			if t, ok := s.json.toLua(L, v).(*lua.LTable); ok {
				return t
			}
		}
	}
	return L.CreateTable(0, 0)
}

// keepState remembers self.state. It runs also when the check raised.
func (w *watcher) keepState(r *run) {
	if !w.remembered {
		return
	}
	t, ok := w.self.RawGetString("state").(*lua.LTable)
	if !ok {
		r.stateErr = errors.New("it is no table any more: set its fields, not itself")
		return
	}
	if k, _ := vm.Plain(t).Next(lua.LNil); k == lua.LNil {
		w.memory.setState(w.kept, nil)
		return
	}
	e := jsonEncoder{kinds: w.script.json, strict: true, limit: stateMaxBytes, path: make(map[*lua.LTable]bool)}
	if r.stateErr = e.value(t, 0); r.stateErr == nil {
		w.memory.setState(w.kept, e.out)
	}
}

// broken makes the result of a run that ended in an error: one that a
// primitive gave and the script raised again is the watched thing's, as is
// waiting past the deadline; anything else is the script's.
func (w *watcher) broken(r *run, err error) engine.Result {
	e, ok := errors.AsType[*vm.Error](err)
	if !ok {
		return scriptResult(engine.Failure{Message: err.Error()})
	}
	place := engine.Failure{Message: e.Message, File: e.File, Line: e.Line, Trace: e.Trace}
	if place.File == "" || strings.HasPrefix(place.File, builtinPrefix) { // in a class of ours that no function of the script's called
		place.File, place.Line = w.source.File, w.source.Line
	}
	raised, isRaised := errors.AsType[*probe.Error](err)
	switch {
	case errors.Is(e.Cause, vm.ErrCancelled):
		return failureResult(&probe.Error{Kind: probe.Cancelled, Message: "the run was cancelled", Err: err})
	case errors.Is(e.Cause, vm.ErrDeadline) && (e.Waiting || r.expired != nil):
		return w.timedOut(r, place)
	case errors.Is(e.Cause, vm.ErrDeadline) && e.File != "":
		place.Message = fmt.Sprintf("still computing when its timeout of %s ended", w.timeout)
	case isRaised:
		result := failureResult(raised)
		result.Failure.File, result.Failure.Line, result.Failure.Trace = place.File, place.Line, place.Trace
		return result
	case r.failure != nil && e.Cause == nil && !strings.Contains(e.Message, r.failure.Error()): // its nil, most often, is what the script stumbled over
		place.Message = fmt.Sprintf("%s (just before: %s)", place.Message, r.failure)
	}
	if calls := w.parentCalls(); len(calls) > 0 { // most often the reason
		where := ""
		if call := calls[0]; call.File != place.File || call.Line != place.Line {
			where = fmt.Sprintf("%s:%d: ", call.File, call.Line)
		}
		place.Message = fmt.Sprintf("%s (%s%s)", place.Message, where, calls[0].Message)
	}
	return scriptResult(place)
}

// timedOut is the result of a run that waited in a primitive when its time
// ended, or went on calling primitives after that: the watched thing took too
// long, unless the primitive says otherwise. One that answered did so in its
// own time, which ends before the run's: it was Pharos that went on too late.
func (w *watcher) timedOut(r *run, place engine.Failure) engine.Result {
	switch {
	case r.expired != nil:
	case r.answered:
		r.expired = &probe.Error{Kind: probe.Overload, Message: fmt.Sprintf("Pharos was too late to take the answer within the timeout of %s", w.timeout)}
	default:
		r.expired = &probe.Error{Kind: probe.Timeout, Message: fmt.Sprintf("no answer within its timeout of %s", w.timeout)}
	}
	result := failureResult(r.expired)
	result.Failure.File, result.Failure.Line, result.Failure.Trace = place.File, place.Line, place.Trace
	return result
}

// backOff makes a watcher that was stopped for computing too long pause, twice
// as long each time, and says so on its tile.
func (w *watcher) backOff(err error, result *engine.Result) {
	if !errors.Is(err, vm.ErrCPU) && !errors.Is(err, vm.ErrMemory) {
		w.hog = hog{}
		return
	}
	w.hog.pause = min(max(2*w.hog.pause, hogPauseMin), hogPauseMax)
	w.hog.until = time.Now().Add(w.hog.pause)
	w.hog.last = new(*result)
	*result = *w.resting(w.hog.pause)
}

// leftOut is what a run comes to that the back-off leaves out.
func (w *watcher) leftOut(left time.Duration) *engine.Result {
	result := w.resting(left)
	w.addEvidence(&run{}, result)
	return result
}

// resting is the result of the last run, and of those that are left out after it.
func (w *watcher) resting(left time.Duration) *engine.Result {
	result := *w.hog.last
	result.Value = "paused"
	result.Detail = fmt.Sprintf("%s; paused, next try in %s", result.Detail, left.Round(100*time.Millisecond))
	return &result
}

// addEvidence puts what the run left behind into its result, as clean text and
// with secrets masked.
func (w *watcher) addEvidence(r *run, result *engine.Result) {
	mask := w.script.mask
	for _, text := range [...]*string{&result.Value, &result.Unit, &result.Detail, &result.Link} {
		*text = mask.clean(*text)
	}
	if f := result.Failure; f != nil {
		f.Message, f.Trace, f.File = mask.clean(f.Message), mask.clean(f.Trace), mask.clean(f.File)
	}
	result.Output = mask.start(r.output)
	result.Log, result.Queued = r.log, r.queued
	if r.timing != nil && result.Timing == nil {
		phases := r.timing.Phases()
		result.Timing = make([]engine.Phase, len(phases))
		for i, p := range phases {
			result.Timing[i] = engine.Phase(p)
		}
	}
}
