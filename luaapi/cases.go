package luaapi

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// caseTimeout is the longest that one test case may take.
const caseTimeout = 10 * time.Second

// CaseFile is a test of scripts: a Lua file that declares cases. They reach
// nothing outside: what a case has no stub for fails it.
type CaseFile struct {
	script  *script
	world   *caseWorld
	options Options // for the configurations that cases load
	self    *lua.LUserData
	cases   []testCase

	current *caseRun // between begin and end of a case
}

type testCase struct {
	name     string
	function *lua.LFunction
	place    engine.Place
}

// CaseResult is what became of one case.
type CaseResult struct {
	Name     string
	Failures []engine.LoadError // none: it passed
	Log      []string           // what it printed
	Elapsed  time.Duration
}

// LoadCases reads the test of scripts at o.Path; of the rest of o it needs
// Classes and Probes. The error is a [*LoadError]. A CaseFile must be closed,
// and used by one goroutine at a time.
func LoadCases(ctx context.Context, o Options) (*CaseFile, error) {
	w := &caseWorld{probes: o.Probes}
	w.begin(&run{}, func(engine.LoadError) {})
	o.primitives, o.clock, o.LookupEnv = w, w, w.lookupEnv
	o.Logger = slog.New(slog.DiscardHandler)
	f := &CaseFile{world: w, options: o}
	o.extend = f.setUp
	l := loader{Options: o, config: &Config{}}
	main := mainFile{name: scriptName(o.Path), path: o.Path}
	s, err := newScript(&o, main.name, filepath.Dir(o.Path), nil)
	if err == nil {
		f.script, w.universe = s, s.universe
		s.retain()
		err = f.load(ctx, main)
	}
	if err == nil {
		return f, nil
	}
	if s != nil {
		s.release()
	}
	l.fail(main, err)
	return nil, &LoadError{LoadError: l.errors[0], More: l.errors[1:]}
}

func (f *CaseFile) load(ctx context.Context, main mainFile) error {
	s := f.script
	defer s.inputs.close()
	source, err := s.inputs.source(main.name, main.path)
	if err != nil {
		return &LoadError{LoadError: engine.LoadError{File: main.name, Message: reason(err)}}
	}
	if err := s.universe.Load(context.WithValue(ctx, runKey{}, &run{}), source); err != nil {
		return err
	}
	s.definer = nil
	if len(f.cases) == 0 {
		return &LoadError{LoadError: engine.LoadError{File: main.name, Message: `it has no case: write test.case("name", function(t) ... end)`}}
	}
	return nil
}

// setUp adds the global table test.
func (f *CaseFile) setUp(s *script, L *lua.LState, env *lua.LTable) {
	env.RawSetString("test", s.newModule(L, "test", member{"case", f.declare}))
	f.self = &lua.LUserData{Value: f, Metatable: s.newMethods(L, "t", f.methods()...)}
}

// declare is test.case(name, function).
func (f *CaseFile) declare(L *lua.LState) int {
	name, function := L.CheckString(1), L.CheckFunction(2)
	if !vm.Loading(L) {
		L.RaiseError("cannot add the case %q: cases are declared while the file loads, not in a case", name)
	}
	for _, c := range f.cases {
		if c.name == name {
			L.RaiseError("cannot use the name %q twice: %s:%d has it already", name, c.place.File, c.place.Line)
		}
	}
	f.cases = append(f.cases, testCase{name, function, placeOf(L)})
	return 0
}

// Cases lists the names of the cases, in the order of the file.
func (f *CaseFile) Cases() []string {
	names := make([]string, len(f.cases))
	for i, c := range f.cases {
		names[i] = c.name
	}
	return names
}

// Run runs the case of that name in a world of its own.
func (f *CaseFile) Run(ctx context.Context, name string) CaseResult {
	for _, c := range f.cases {
		if c.name == name {
			return f.run(ctx, c)
		}
	}
	return CaseResult{Name: name, Failures: []engine.LoadError{{File: f.script.name, Message: "there is no such case"}}}
}

func (f *CaseFile) run(ctx context.Context, c testCase) CaseResult {
	started := time.Now()
	r := &caseRun{memory: NewMemory(), at: c.place, engine: engine.New(engine.Config{Logger: f.options.Logger})}
	f.current = r
	left := &run{}
	f.world.begin(left, r.fail)
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	err := f.script.universe.Call(context.WithValue(ctx, runKey{}, left), c.function, []lua.LValue{f.self}, nil)
	closeAll(left.conns)
	r.engine.Replace(&engine.Generation{}) // lets go of members that were found
	if r.config != nil {
		r.config.Close()
	}
	if err != nil {
		r.fail(brokenAt(c.place, err))
	}
	return CaseResult{Name: c.name, Failures: r.failures(), Log: left.log, Elapsed: time.Since(started)}
}

// Close gives up the file.
func (f *CaseFile) Close() { f.script.release() }
