package luaapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// script is one script file in a universe of its own, with what it declared.
// It is shared by every configuration since the one that loaded it.
type script struct {
	name     string // as its author knows it
	path     string // where it was read
	universe *vm.Universe
	inputs   *inputs
	mask     *mask // of the secrets of all scripts
	own      mask  // of its own: what another has for a secret is a word like any here, and may be in names
	definer  *definer

	logger     *slog.Logger
	primitives primitives
	clock      clock
	lookupEnv  func(string) (string, bool)
	url        string

	json                  jsonKinds
	headersMeta           *lua.LTable
	boardMeta, tileMeta   *lua.LTable
	step                  *lua.LFunction
	baseValue, baseDetail lua.LValue // the base class's own methods
	baseCheck             lua.LValue
	loadedSecrets         map[secretName]string
	pharos                *lua.LTable     // the table of that name
	reads                 map[string]bool // fields that its files read, by name; nil once they were loaded
	made                  []*lua.LTable   // its watchers, as they are made; nil once the files were loaded
	named                 namedFields

	pageTag  *string // nil where the files set none
	sets     []declaredSet
	watchers []*watcher
	warnings []engine.LoadError
	assigned map[string]engine.Place // where the globals of a script are set, the last place of each
	asks     []vm.TextCall           // of pharos.status, for an id that must be there
	steps    []vm.TextCall           // of self:step; nil once the files were loaded
	memory   *Memory                 // of those that are found later

	mu      sync.Mutex
	users   int  // configurations that it is part of
	running int  // runs in flight
	adopted bool // its watchers have hold of their memory
	dropped bool // its secrets are no longer masked on its account
}

// globals are the names that a script may set.
var globals = []string{"page_tag", "metric_watchers", "metric_watcher_sets"}

// newScript makes the universe of a file whose relative paths start in dir.
func newScript(o *Options, name, dir string, fsys fs.FS) (*script, error) {
	s := &script{
		name:          name,
		inputs:        &inputs{fsys: fsys, dir: dir},
		mask:          &o.Probes.mask,
		definer:       newDefiner(),
		logger:        o.Logger,
		primitives:    o.primitives,
		clock:         o.clock,
		lookupEnv:     o.LookupEnv,
		url:           o.URL,
		loadedSecrets: make(map[secretName]string),
		assigned:      make(map[string]engine.Place),
		reads:         make(map[string]bool),
	}
	u, err := vm.New(vm.Options{
		Name:    name,
		Find:    s.find,
		Builtin: builtinPrefix,
		Globals: globals,
		Setup:   func(L *lua.LState, env *lua.LTable) error { return s.setUp(L, env, o) },
		Print:   s.print,
		Slice:   o.slice,
		Warn:    func(e vm.Error) { s.warn(engine.Place{File: e.File, Line: e.Line}, "%s", e.Message) },
		Called: func(c vm.TextCall) {
			switch {
			case c.Function == "pharos.status":
				s.asks = append(s.asks, c)
			case c.Function == ":match" || c.Function == ":gmatch" || c.Function == ":gsub":
				s.pattern(c)
			case c.Function == ":step" && s.reads != nil:
				s.steps = append(s.steps, c)
			}
		},
		Passed:  s.passed,
		Read:    s.read,
		Unknown: unknownName,
		Assigned: func(global, file string, line int) {
			s.assigned[global] = engine.Place{File: file, Line: line}
		},
		LoadTimeout: o.loadTimeout,
		Now:         o.clock.Now,
		Cache:       &o.Probes.compiled,
		Watchdog:    &o.Probes.watchdog,
	})
	s.universe = u
	return s, err
}

// setUp makes the table pharos: primitives in Go, then the classes in Lua.
func (s *script) setUp(L *lua.LState, env *lua.LTable, o *Options) error {
	s.json = newJSONKinds(L)
	s.headersMeta = newHeadersMeta(L)
	s.boardMeta, s.tileMeta = s.newBoardMeta(L), s.newTileMeta(L)
	s.step = L.NewFunction(s.stepFunction)
	s.definer.know("lua", env)
	pharos := s.newModule(L, "pharos")
	s.pharos = pharos
	for _, m := range modules {
		pharos.RawSetString(m.name, m.make(s, L))
	}
	guardColons(L, pharos, "pharos")
	if s.url != "" {
		pharos.RawSetString("url", lua.LString(s.url))
	}
	env.RawSetString("pharos", pharos)
	if o.extend != nil {
		o.extend(s, L, env)
	}
	for _, c := range builtinClasses {
		class, err := s.loadClass(L, o, c.file)
		if err != nil {
			return err
		}
		pharos.RawSetString(c.name, class)
	}
	base := pharos.RawGetString("MetricWatcher")
	s.baseValue, s.baseDetail = L.GetField(base, "value"), L.GetField(base, "detail")
	s.baseCheck = L.GetField(base, "check")
	base.(*lua.LTable).RawSetString("step", L.NewFunction(s.takeStep))
	s.definer.know("pharos", pharos)
	return nil
}

// builtinPrefix begins the chunk names of the classes.
const builtinPrefix = "builtin/"

func (s *script) loadClass(L *lua.LState, o *Options, file string) (lua.LValue, error) {
	source, err := fs.ReadFile(o.Classes, file)
	if err != nil {
		return nil, err
	}
	proto, err := o.Probes.compiled.Compile(builtinPrefix+file, source)
	if err != nil {
		return nil, err
	}
	L.Push(L.NewFunctionFromProto(proto))
	L.Push(L.NewFunction(given))
	L.Push(L.NewFunction(s.getting))
	L.Push(L.NewFunction(decided))
	L.Push(L.NewFunction(s.misusing))
	L.Push(L.NewFunction(misdeclaring))
	L.Push(L.NewFunction(s.note))
	L.Call(6, 1)
	class := L.Get(-1)
	L.Pop(1)
	return class, nil
}

// find resolves require(module): in the folder of the script, then in its lib/.
func (s *script) find(module string) (name string, source []byte, err error) {
	if module == "pharos" {
		return "pharos", []byte("return pharos"), nil
	}
	relative := strings.ReplaceAll(module, ".", "/")
	var tried []string
	for _, candidate := range []string{relative + ".lua", relative + "/init.lua", "lib/" + relative + ".lua", "lib/" + relative + "/init.lua"} {
		name := path.Join(path.Dir(s.name), candidate)
		source, err := s.inputs.source(name, s.inputs.resolve(candidate))
		switch {
		case err == nil:
			return name, source, nil
		case errors.Is(err, errLoaded):
			return "", nil, fmt.Errorf("require it while the file loads: %w", err)
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, err
		}
		tried = append(tried, name)
	}
	missing := "no such file: tried " + strings.Join(tried, ", ")
	switch plain, isFile := strings.CutSuffix(module, ".lua"); {
	case isFile:
		return "", nil, fmt.Errorf("write require %q (%s)", plain, missing)
	case modulesElsewhere[module] != "":
		return "", nil, fmt.Errorf("%s is there without it (%s)", modulesElsewhere[module], missing)
	}
	return "", nil, errors.New(missing)
}

// modulesElsewhere are what Lua programmers require for what is here.
var modulesElsewhere = map[string]string{
	"json": "pharos.json", "cjson": "pharos.json", "cjson.safe": "pharos.json", "dkjson": "pharos.json", "rapidjson": "pharos.json",
	"http": "pharos.http", "socket.http": "pharos.http", "ssl.https": "pharos.http", "resty.http": "pharos.http", "http.request": "pharos.http",
	"requests": "pharos.http", "socket": "pharos.tcp", "ssl": "pharos.tls", "lfs": "pharos.file", "posix": "pharos.exec",
	"bit": "bit", "bit32": "bit", "utf8": "utf8", "string": "string", "table": "table", "math": "math", "os": "os",
}

// print is where print and pharos.log go: the run's log lines, and the daemon's
// log while the file loads.
func (s *script) print(ctx context.Context, text string) { s.log(ctx, slog.LevelInfo, text) }

func (s *script) log(ctx context.Context, level slog.Level, text string) {
	r := runFrom(ctx)
	text = s.mask.clean(text)
	id := engine.ID("")
	if r.watcher != nil {
		id = r.watcher.id
	}
	kept := r.logLine(text)
	if r.typed {
		kept = text
	}
	if kept == "" {
		return // the daemon's log is no place for what a loop says either
	}
	if r.trace != nil {
		r.trace(Event{Kind: "log", Text: kept})
	}
	s.logger.Log(ctx, level, kept, "script", s.name, "watcher", string(id))
}

// load runs the file and reads what it declared.
func (s *script) load(ctx context.Context, source []byte) error {
	defer s.inputs.close()
	r := &run{}
	ctx = context.WithValue(ctx, runKey{}, r)
	if err := s.universe.Load(ctx, source); err != nil {
		r.explainNil(err)
		if hint := pythonHint(s.name, source); hint != nil {
			return hint
		}
		return err
	}
	var declared error
	err := s.universe.Declare(ctx, func(L *lua.LState) error {
		declared = s.declare(L)
		s.missteps()
		vm.Seal(L)
		return nil
	})
	s.named = s.inputs.namedFields()
	s.definer, s.reads, s.steps, s.made = nil, nil, nil, nil // it holds on to every function, and their work is done
	return errors.Join(err, declared)
}

// retain and release count the configurations that the script is part of.
func (s *script) retain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

func (s *script) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if s.users == 0 && s.adopted {
		s.adopted = false
		for _, w := range s.watchers {
			s.memory.leave(w, false)
		}
	}
	s.closeUnused()
}

// enter is begin for a script that is part of a configuration still; it tells
// whether it is.
func (s *script) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		return false
	}
	s.running++
	return true
}

// begin and end enclose a run. A run in flight goes on when its configuration
// is closed: its watcher may be the same in the next one.
func (s *script) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
}

func (s *script) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.closeUnused()
}

func (s *script) closeUnused() {
	if s.users == 0 && s.running == 0 {
		s.universe.Close()
		if !s.dropped {
			s.dropped = true
			for _, value := range s.loadedSecrets {
				s.mask.drop(value)
			}
		}
	}
}

// scriptName is how messages name a file: as it was given.
func scriptName(path string) string { return filepath.ToSlash(filepath.Clean(path)) }
