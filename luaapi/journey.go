package luaapi

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// maxSteps bounds the steps of one run.
const maxSteps = 64

// errStepFailed is raised by a step that failed, to end the run: what it came
// to is kept in the run's journey.
var errStepFailed = errors.New("a step of the journey failed, which ends the run")

// journey is the steps that a run took, one after the other.
type journey struct {
	steps  []engine.Phase
	inside bool // the last of them is being taken
	// The last step failed: with a result, or because of an error raised in it,
	// which a script may have caught.
	failed bool
	result *engine.Result
	raised lua.LValue
}

// plan is what a watcher's option steps says: how many, or which.
type plan struct {
	count int // 0 = learned from the last run that took all
	names []string
}

func setSteps(to *plan, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return setCount(&to.count, v, 1, maxSteps)
	}
	names, err := stringList(t)
	if err == nil && (len(names) == 0 || len(names) > maxSteps) {
		err = fmt.Errorf("want 1 to %d names, got %d", maxSteps, len(names))
	}
	to.count, to.names = len(names), names
	return err
}

// takeStep is self:step(name, work): it calls work and gives what that gives.
// If it fails, the run ends.
func (s *script) takeStep(L *lua.LState) int {
	r := runOf(L)
	w := r.watcher
	if w == nil || L.Get(1) != lua.LValue(w.self) {
		L.RaiseError("cannot take a step here: write self:step(name, function() ... end) in check")
	}
	name, ok := L.Get(2).(lua.LString)
	work, isFunction := L.Get(3).(*lua.LFunction)
	if !ok || strings.TrimSpace(string(name)) == "" || !isFunction {
		L.RaiseError("cannot take a step with a %s and a %s: write self:step(name, function() ... end)", typeName(L.Get(2)), typeName(L.Get(3)))
	}
	if len(name) > nameMaxBytes {
		L.RaiseError("cannot take a step: want a name of at most %d bytes, got %d", nameMaxBytes, len(name))
	}
	r.startStep(L, s.mask.clean(string(name)))
	started := s.clock.Now()
	defer func() {
		p := recover()
		r.endStep(s.clock.Now().Sub(started), p)
		if p != nil {
			panic(p) // its place is still on L's stack
		}
	}()

	L.SetTop(3)
	recorded := w.self.RawGetString("verdict")
	L.Push(work)
	L.Call(0, lua.MultRet)
	if w.stepFailed(L, 4, recorded) {
		v, err := w.verdictOf(L, 4)
		var result engine.Result
		if err == nil {
			result, err = w.show(L, v)
		}
		if err != nil {
			L.RaiseError("%s", err.Error())
		}
		r.journey.result = &result
		L.Error(vm.NewErrorValue(L, errStepFailed, nil), 1)
	}
	return L.GetTop() - 3
}

// startStep raises where there can be no further step.
func (r *run) startStep(L *lua.LState, name string) {
	j := &r.journey
	names := r.watcher.plan.names
	switch {
	case j.failed: // the script caught what ended the journey
		L.Error(vm.NewErrorValue(L, errStepFailed, nil), 1)
	case j.inside:
		L.RaiseError("cannot take the step %q inside the step %q: steps come one after the other", name, j.steps[len(j.steps)-1].Name)
	case len(j.steps) == maxSteps:
		L.RaiseError("cannot take more than %d steps in a run", maxSteps)
	case names != nil && !slices.Contains(names, name):
		L.RaiseError("cannot take the step %q %s", name, unknownName(name, names))
	}
	j.inside = true
	j.steps = append(j.steps, engine.Phase{Name: name})
}

// endStep takes the time of a step; p is what it panicked with.
func (r *run) endStep(took time.Duration, p any) {
	j := &r.journey
	j.inside = false
	step := &j.steps[len(j.steps)-1]
	step.Duration = max(took, 0)
	outcome := "ok"
	if p != nil {
		j.failed, outcome = true, "failed"
		if raised, ok := p.(*lua.ApiError); ok && j.result == nil {
			j.raised = raised.Object
		}
	}
	if r.trace != nil {
		r.trace(Event{Kind: "step", Text: r.place(), Outcome: outcome, Elapsed: step.Duration})
	}
}

// stepFailed tells whether what a step gave, from first on, is a verdict that
// is not ok: false, nil and an error, one of check's words, or what
// self:critical and its like gave or recorded. Any other value is the step's
// own: an answer, a token.
func (w *watcher) stepFailed(L *lua.LState, first int, recorded lua.LValue) bool {
	switch got := L.Get(first).(type) {
	case lua.LString:
		return problemWord(got)
	case lua.LBool:
		return !bool(got)
	case *lua.LTable:
		return w.isProblem(got)
	case *lua.LNilType:
		if !isNil(L.Get(first + 1)) {
			return true
		}
		verdict, ok := w.self.RawGetString("verdict").(*lua.LTable)
		return ok && lua.LValue(verdict) != recorded && w.isProblem(verdict)
	}
	return false
}

// isProblem tells whether t is a result as self:critical gives it, and not some
// data that has a status of its own.
func (w *watcher) isProblem(t *lua.LTable) bool {
	if !problemWord(t.RawGetString("status")) {
		return false
	}
	for k := range vm.Pairs(t) {
		if !slices.Contains(verdictFields, k.String()) {
			return false
		}
	}
	return true
}

func problemWord(v lua.LValue) bool {
	word, ok := v.(lua.LString)
	if !ok {
		return false
	}
	status, known := engine.ParseStatus(string(word))
	return known && status.Problem()
}

// place is the last step's: "3/5 pay", or "3 pay" while nobody knows how many
// there are.
func (r *run) place() string {
	w, steps := r.watcher, r.journey.steps
	n, name := len(steps), steps[len(steps)-1].Name
	total := w.plan.count
	if i := slices.Index(w.plan.names, name); i >= 0 {
		n = i + 1
	} else if total == 0 {
		total = w.memory.get(w.kept).steps
	}
	if n > total {
		return fmt.Sprintf("%d %s", n, name)
	}
	return fmt.Sprintf("%d/%d %s", n, total, name)
}

// arrived makes the verdict of a journey that went well, whose check returned
// nothing: its time, in seconds to a tenth of a millisecond.
func (w *watcher) arrived(L *lua.LState, v *verdict, steps []engine.Phase) error {
	var total time.Duration
	names := make([]string, len(steps))
	for i, step := range steps {
		total += step.Duration
		names[i] = step.Name
	}
	seconds := math.Round(total.Seconds()*1e4) / 1e4
	v.detail = lua.LString(strings.Join(names, ", "))
	if w.unit == "" {
		v.unit = lua.LString("s")
	}
	return w.judge(L, v, lua.LNumber(seconds))
}

// journeyed puts what the run's steps say into its result.
func (w *watcher) journeyed(r *run, err error, result *engine.Result) {
	j := &r.journey
	switch {
	case len(j.steps) == 0:
		return
	case !j.failed:
		if err == nil {
			w.memory.setSteps(w.kept, len(j.steps))
		}
	case result.Failure != nil:
		failure := *result.Failure
		if failure.Phase == "" {
			failure.Phase = j.steps[len(j.steps)-1].Name
		}
		result.Failure, result.Value, result.Unit = &failure, r.place(), ""
	default:
		said := strings.TrimSpace(result.Value + " " + result.Unit)
		if said != "" && result.Detail != "" {
			said += ": "
		}
		result.Detail, result.Value, result.Unit = said+result.Detail, r.place(), ""
	}
	result.Timing = j.steps
}

// caught is the result of a run that went on after an error ended its journey:
// the journey decides.
func (w *watcher) caught(raised lua.LValue) engine.Result {
	if err, ok := vm.ErrorOf(raised); ok {
		return failureResult(err)
	}
	return w.mistaken(failureOf(raised).Error())
}
