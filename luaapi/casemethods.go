package luaapi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// caseRun is one case while it runs.
type caseRun struct {
	config *Config
	engine *engine.Engine // keeps what watchers came to, for those that look at others; it does not run
	memory *Memory
	said   string // how the run before failed; "" if it did not

	mu     sync.Mutex // stubs fail on the goroutines of runs
	at     engine.Place
	failed []engine.LoadError
}

// fail notes a failure; one without a place is of what the case is doing now.
// The same one is noted once.
func (r *caseRun) fail(e engine.LoadError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.File == "" {
		e.File, e.Line = r.at.File, r.at.Line
	}
	if !slices.Contains(r.failed, e) {
		r.failed = append(r.failed, e)
	}
}

func (r *caseRun) failures() []engine.LoadError {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.failed)
}

// doing notes what the case is doing: where failures without a place happen.
func (r *caseRun) doing(L *lua.LState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = placeOf(L)
}

// placeOf is the line of the script that called the Go function on L.
func placeOf(L *lua.LState) engine.Place {
	place := strings.TrimRight(L.Where(1), ": ")
	if i := strings.LastIndexByte(place, ':'); i >= 0 {
		if line, err := strconv.Atoi(place[i+1:]); err == nil {
			return engine.Place{File: place[:i], Line: line}
		}
	}
	return engine.Place{File: place}
}

// methods are what t has.
func (f *CaseFile) methods() []member {
	method := func(name string, call func(L *lua.LState) int) member {
		return member{name, func(L *lua.LState) int {
			if self, _ := object[*CaseFile](L.Get(1)); self != f {
				L.ArgError(1, "want the t of the case: call its methods with a colon, t:"+name+"(...)")
			}
			f.current.doing(L)
			return call(L)
		}}
	}
	return []member{
		method("load", f.caseLoad), method("stub", f.caseStub), method("discover", f.caseDiscover),
		method("run", f.caseRun), method("feed", f.caseFeed), method("quiet", f.caseQuiet),
		method("status", f.caseStatus), method("advance", f.caseAdvance),
		method("equal", f.caseEqual), method("match", f.caseMatch), method("ok", f.caseOK),
	}
}

// caseLoad is t:load(path, { env = }): a configuration, in the world of the
// case. A second one is a reload: self.state stays.
func (f *CaseFile) caseLoad(L *lua.LState) int {
	path := L.CheckString(2)
	env := map[string]string{}
	readOptions(L, 3, "t:load", []string{"env"}, func(_ string, v lua.LValue) error { return setMap(&env, v) })
	f.world.mu.Lock()
	f.world.env = env
	f.world.mu.Unlock()
	o := f.options
	o.Path, o.Memory = f.script.inputs.resolve(path), f.current.memory
	var config *Config
	var err error
	vm.Block(L, func(ctx context.Context) { config, err = Load(ctx, o) })
	if err != nil {
		L.RaiseError("cannot load %q: %s", path, err)
	}
	if f.current.config != nil {
		f.current.config.Close()
	}
	f.current.config = config
	f.current.engine.Replace(config.Generation)
	return 0
}

// caseStub is t:stub(primitive, function).
func (f *CaseFile) caseStub(L *lua.LState) int {
	name, function := L.CheckString(2), L.CheckFunction(3)
	if !slices.Contains(stubNames, name) {
		L.RaiseError("cannot stub %q: there is no such primitive %s", name, unknownName(name, stubNames))
	}
	f.world.setStub(name, stub{function, placeOf(L)})
	return 0
}

// caseAdvance is t:advance(duration).
func (f *CaseFile) caseAdvance(L *lua.LState) int {
	d, err := durationOf(L.CheckAny(2))
	if err != nil {
		L.RaiseError("cannot advance the clock: %s", err)
	}
	f.world.advance(payer(vm.Context(L)), d)
	return 0
}

// caseDiscover is t:discover(): each set that finds its members looks for them
// once.
func (f *CaseFile) caseDiscover(L *lua.LState) int {
	config := f.current.config
	if config == nil {
		L.RaiseError("cannot discover: load a configuration first, t:load(\"pharos.lua\")")
	}
	if !slices.ContainsFunc(config.Generation.Sets, func(s engine.Set) bool { return s.Discover != nil }) {
		L.RaiseError("cannot discover: no set of the configuration finds its members")
	}
	var problems []engine.LoadError
	vm.Block(L, func(ctx context.Context) { problems = f.current.engine.DiscoverOnce(ctx) })
	if len(problems) == 0 {
		return 0
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Message
	}
	L.Push(lua.LString(strings.Join(texts, "\n")))
	return 1
}

// caseRun is t:run(id): one run of a watcher, as a table.
func (f *CaseFile) caseRun(L *lua.LState) int {
	id := L.CheckString(2)
	f.current.find(L, "run", id)
	if f.current.fed(id) != nil {
		L.RaiseError("cannot run %q: it is set by events, feed it one with t:feed(%q, event)", id, id)
	}
	var result engine.Result
	vm.Block(L, func(ctx context.Context) { result, _ = f.current.engine.Once(ctx, engine.ID(id)) })
	L.Push(f.resultTable(L, id, result))
	return 1
}

// outcome is what the table of a result shows a case.
type outcome struct {
	engine.Result
	shadow string
	log    *lua.LTable // nil until asked for
}

var outcomeFields = []vm.Field[outcome]{
	textField("status", func(o *outcome) string { return o.Status.String() }),
	textField("value", func(o *outcome) string { return o.Value }),
	textField("unit", func(o *outcome) string { return o.Unit }),
	textField("detail", func(o *outcome) string { return o.Detail }),
	textField("link", func(o *outcome) string { return o.Link }),
	textField("output", func(o *outcome) string { return o.Output }),
	maybeText("error", func(o *outcome) string { return o.failure().Message }),
	maybeText("kind", func(o *outcome) string { return o.failure().Kind }),
	tableField("log", func(o *outcome) **lua.LTable { return &o.log }, func(L *lua.LState, o *outcome) *lua.LTable { return textList(L, o.Log) }),
	maybeNumber("again", func(o *outcome) (float64, bool) { return o.Again.Seconds(), o.Again > 0 }),
	maybeText("shadow", func(o *outcome) string { return o.shadow }),
}

func (o *outcome) failure() engine.Failure {
	if o.Failure == nil {
		return engine.Failure{}
	}
	return *o.Failure
}

// resultTable is a result as cases see it.
func (f *CaseFile) resultTable(L *lua.LState, id string, result engine.Result) *lua.LTable {
	f.current.said = ""
	if failure := result.Failure; failure != nil && failure.Kind != string(probe.Cancelled) { // of which the case has been told
		f.current.said = id + " failed: " + formatLoadError(engine.LoadError{File: failure.File, Line: failure.Line, Message: failure.Message})
	}
	v, _ := f.current.engine.Board().View(engine.ID(id))
	return vm.LazyTable(L, outcomeFields, &outcome{Result: result, shadow: string(v.Shadow)})
}

// caseStatus is t:status(id, status, value, detail): what a watcher came to,
// for those that look at it.
func (f *CaseFile) caseStatus(L *lua.LState) int {
	id, word := L.CheckString(2), L.CheckString(3)
	f.current.find(L, "give a status to", id)
	result := engine.Result{Value: caseText(L, 4), Detail: caseText(L, 5)}
	v := verdict{}
	if err := v.setStatus(word); err != nil || v.status == engine.Pending {
		L.RaiseError("cannot give %q the status %q %s", id, word, unknownName(word, statusWords))
	}
	result.Status = v.status
	f.current.engine.Report(engine.ID(id), result)
	return 0
}

func caseText(L *lua.LState, n int) string {
	text, ok := textOf(L.Get(n))
	if !ok {
		L.ArgError(n, "want text or a number")
	}
	return text
}

// find raises if there is no watcher of that id.
func (r *caseRun) find(L *lua.LState, what, id string) {
	if r.config == nil {
		L.RaiseError("cannot %s %q: load a configuration first, t:load(\"pharos.lua\")", what, id)
	}
	if _, there := r.engine.Board().View(engine.ID(id)); there {
		return
	}
	if r.config.Generation.MayFind(engine.Pattern(id)) {
		L.RaiseError("cannot %s %q: its set has not found it; t:discover() lets it look", what, id)
	}
	ids := idsOn(r.engine.Board())
	if len(ids) == 0 {
		L.RaiseError("cannot %s a watcher: the configuration has none", what)
	}
	L.RaiseError("cannot %s %q: there is no such watcher %s", what, id, unknownName(id, ids))
}

// caseEqual is t:equal(got, want, why).
func (f *CaseFile) caseEqual(L *lua.LState) int {
	lines := differences(L.Get(2), L.Get(3))
	if len(lines) > 1 || len(lines) == 1 && strings.HasPrefix(lines[0], ".") {
		lines = append([]string{"the tables differ:"}, lines...)
	}
	return f.verdict(L, len(lines) == 0, 4, strings.Join(lines, "\n  "))
}

// caseMatch is t:match(text, pattern, why).
func (f *CaseFile) caseMatch(L *lua.LState) int {
	pattern := L.CheckString(3)
	text, ok := scalarText(L.Get(2))
	if !ok {
		return f.verdict(L, false, 4, fmt.Sprintf("got %s, want text that matches %s", pretty(L.Get(2)), prettyString(pattern)))
	}
	L.Push(L.GetField(L.G.Global.RawGetString("string"), "find"))
	L.Push(lua.LString(text))
	L.Push(lua.LString(pattern))
	L.Call(2, 1)
	found := !isNil(L.Get(-1))
	L.Pop(1)
	return f.verdict(L, found, 4, fmt.Sprintf("got %s, want a match of %s", prettyString(text), prettyString(pattern)))
}

// caseOK is t:ok(condition, why).
func (f *CaseFile) caseOK(L *lua.LState) int {
	return f.verdict(L, lua.LVAsBool(L.Get(2)), 3, "got "+pretty(L.Get(2))+", want what is true")
}

// verdict notes a failed assertion, with the reason given as argument n before
// it; the case goes on either way. It gives what it found.
func (f *CaseFile) verdict(L *lua.LState, ok bool, n int, message string) int {
	if !ok {
		if why, given := scalarText(L.Get(n)); given {
			message = why + ": " + message
		}
		if f.current.said != "" {
			message += "\n  " + f.current.said
		}
		f.current.fail(mistake(placeOf(L), "%s", message))
	}
	L.Push(lua.LBool(ok))
	return 1
}
