package vm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Defaults of [Options].
const (
	DefaultSlice       = 50 * time.Millisecond
	defaultLoadTimeout = 5 * time.Second
)

// Options say what a universe is made of. Only Name is needed.
type Options struct {
	Name string // chunk name of the main file, as its author knows it: "sites/shop.lua"
	// Find gives a module's source; the name it returns is its chunk name. Nil
	// means there is no require.
	Find func(module string) (name string, src []byte, err error)
	// Builtin begins the chunk names of what Setup loads: errors in it are told at
	// the line of the script that led there. "" = there is none.
	Builtin string
	// Setup puts the API into the global table before any script runs. It is
	// called once, by New.
	Setup       func(L *lua.LState, env *lua.LTable) error
	Globals     []string                                 // globals that a script may set
	Slice       time.Duration                            // longest to compute without a pause; 0 = DefaultSlice
	LoadTimeout time.Duration                            // longest the main chunk may take to compile, to run, and then Declare; 0 = 5 s
	Print       func(ctx context.Context, text string)   // where print goes; nil = nowhere
	Warn        func(Error)                              // findings of Load that do not fail it; nil = ignored
	Called      func(TextCall)                           // calls with a text that files have; nil = ignored
	Passed      func(OptionUse)                          // options that the functions of files pass; nil = ignored
	Read        func(FieldUse)                           // fields that files read; nil = ignored
	Unknown     func(name string, valid []string) string // the end of a message about a name that is none of valid; nil = "(valid: a, b)"
	Assigned    func(global, file string, line int)      // where files set what is in Globals; nil = ignored
	Cache       *Cache                                   // compiled chunks, shared between universes; nil = one of its own
	Watchdog    *Watchdog                                // looks after memory and wedged universes; nil = nobody does
	Now         func() time.Time                         // what the library os tells the time by; nil = time.Now
}

// Universe is one script file: its globals, modules and functions. Its methods
// may be called from any goroutine.
type Universe struct {
	opts      Options
	epoch     time.Time
	made      time.Time   // epoch by Options.Now
	base      *lua.LState // makes the threads; never runs a script
	env       *lua.LTable // the globals
	scope     *lua.LTable // those of Eval; made when first needed
	names     map[string]bool
	libraries map[string]*lua.LTable
	stubs     map[lua.LValue]bool // functions of them that only say that they do not exist
	baton     baton
	dead      atomic.Bool

	// Guarded by the baton.
	free         []*run
	spare        []*lua.LState // threads for protected calls
	low          int           // fewest free runs since the last trim
	trimmed      int64
	sealed       *lua.LTable // what the file set of Options.Globals; nil until they were read
	modules      map[string]*module
	libraryCalls []libraryCall       // in the files, until they ran
	below        map[string]int      // the line of the local that is declared below a use of its name, by that
	locals       map[string][]string // what is in scope where a global that nobody declared is used, by its name
	// Compiled patterns, those for gmatch apart: there ^ is no anchor.
	anchored, unanchored patterns

	// Written by the holder of the baton, read by the watchdog.
	holder atomic.Pointer[run]
}

func init() {
	// t[60000000] = 1 would allocate gigabytes in one instruction otherwise:
	// beyond this index a table's elements are hashed. It is a variable of
	// gopher-lua's that must be set before any table is made.
	lua.MaxArrayIndex = 1 << 18
}

// New makes a universe with nothing in it but the library and what o.Setup puts
// there.
func New(o Options) (*Universe, error) {
	o.Slice = cmp.Or(o.Slice, DefaultSlice)
	o.LoadTimeout = cmp.Or(o.LoadTimeout, defaultLoadTimeout)
	o.Cache = cmp.Or(o.Cache, &Cache{})
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Unknown == nil {
		o.Unknown = func(_ string, valid []string) string { return "(valid: " + strings.Join(valid, ", ") + ")" }
	}
	u := &Universe{opts: o, epoch: time.Now(), made: o.Now(), names: map[string]bool{}, below: map[string]int{}, locals: map[string][]string{}, libraries: map[string]*lua.LTable{}, stubs: map[lua.LValue]bool{}, modules: map[string]*module{}}
	u.base = lua.NewState(lua.Options{
		CallStackSize: callDepth, RegistrySize: 128, RegistryMaxSize: 1 << 16, RegistryGrowStep: 256,
		MinimizeStackMemory: true, SkipOpenLibs: true,
	})
	u.base.G.MainThread = u.base // or the first thread that runs would take itself for it
	u.env = u.base.G.Global
	for _, name := range o.Globals {
		u.names[name] = true
	}
	err := u.Do(context.Background(), func(L *lua.LState) error {
		u.openLibraries(L)
		u.openLazyTables(L)
		if o.Setup != nil {
			if err := o.Setup(L, u.env); err != nil {
				return err
			}
		}
		u.makeStrict(L)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("setting %s up: %w", o.Name, err)
	}
	if o.Watchdog != nil {
		o.Watchdog.add(u)
	}
	return u, nil
}

// Name is the main file's.
func (u *Universe) Name() string { return u.opts.Name }

// Close cancels what runs; from then on every call fails with ErrCancelled.
func (u *Universe) Close() {
	u.dead.Store(true)
	if r := u.holder.Load(); r != nil {
		r.halt(r.generation(), stopCancelled)
	}
	if u.opts.Watchdog != nil {
		u.opts.Watchdog.remove(u)
	}
}

// Dead tells that the universe was closed, or given up by the watchdog.
func (u *Universe) Dead() bool { return u.dead.Load() }

// now is the time since the universe was made, in nanoseconds.
func (u *Universe) now() int64 { return int64(time.Since(u.epoch)) }

// Load compiles the main file and runs it.
func (u *Universe) Load(ctx context.Context, src []byte) error {
	chunk, err := u.compile(u.opts.Name, src)
	if err != nil {
		return err
	}
	return u.withinLoadTimeout(ctx, func(ctx context.Context) error {
		r, err := u.enter(ctx)
		if err != nil {
			return err
		}
		r.loading, r.slice = true, 0
		r.threads[0].Push(r.threads[0].NewFunctionFromProto(chunk.proto))
		return u.finish(r, 0, func(*lua.LState, int) error {
			u.missingFunctions()
			return nil
		})
	})
}

// Declare runs Go code that reads what the file declared, as [Universe.Do] does:
// a script's functions may answer for a field, and must come to an end too.
func (u *Universe) Declare(ctx context.Context, f func(L *lua.LState) error) error {
	return u.withinLoadTimeout(ctx, func(ctx context.Context) error { return u.Do(ctx, f) })
}

func (u *Universe) withinLoadTimeout(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, u.opts.LoadTimeout)
	defer cancel()
	err := f(ctx)
	if e := (*Error)(nil); errors.As(err, &e) && e.Cause == ErrDeadline {
		e.Message = fmt.Sprintf("still loading after %s: a file only declares, what takes time belongs into a function such as check", u.opts.LoadTimeout)
	}
	return err
}

// Call runs fn with args, and conv with the results still on L's stack and the
// baton held: it copies out what the caller needs, since Lua values may not be
// touched by who does not hold the baton. The deadline of ctx is the run's. The
// error is conv's, or an [*Error].
func (u *Universe) Call(ctx context.Context, fn lua.LValue, args []lua.LValue, conv func(L *lua.LState, n int) error) error {
	r, err := u.enter(ctx)
	if err != nil {
		return err
	}
	L := r.threads[0]
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	return u.finish(r, len(args), conv)
}

// Do runs Go code with the baton held, to make or read Lua values. It is a run
// as any other: f may call Lua functions.
func (u *Universe) Do(ctx context.Context, f func(L *lua.LState) error) error {
	r, err := u.enter(ctx)
	if err != nil {
		return err
	}
	r.slice = 0 // what it computes is ours
	var failed error
	L := r.threads[0]
	L.Push(L.NewFunction(func(L *lua.LState) int {
		failed = f(L)
		return 0
	}))
	if err := u.finish(r, 0, nil); err != nil {
		return err
	}
	return failed
}

// enter takes the baton and a run from the pool.
func (u *Universe) enter(ctx context.Context) (*run, error) {
	start := u.now()
	if u.dead.Load() {
		return nil, &Error{Message: ErrCancelled.Error(), Cause: ErrCancelled}
	}
	if err := u.baton.lock(ctx); err != nil {
		if stopFor(err) == stopDeadline {
			return nil, &Error{Message: ErrTurn.Error(), Cause: ErrTurn}
		}
		return nil, &Error{Message: waitingForOthers + ": " + ErrCancelled.Error(), Cause: ErrCancelled}
	}
	if u.dead.Load() {
		u.baton.unlock()
		return nil, &Error{Message: ErrCancelled.Error(), Cause: ErrCancelled}
	}
	r := u.take()
	r.stop.Store((r.generation() + 1) << 8)
	r.ctx, r.start, r.slice = ctx, start, int64(u.opts.Slice)
	if d, ok := ctx.Deadline(); ok {
		r.deadline = max(int64(d.Sub(u.epoch)), 1)
	}
	r.threads[0].SetContext(r)
	r.rest()
	u.hold(r, r.threads[0])
	return r, nil
}

// hold notes who executes, for coroutines and for the watchdog.
func (u *Universe) hold(r *run, L *lua.LState) {
	u.base.G.CurrentThread = L
	u.holder.Store(r)
	if u.opts.Watchdog != nil {
		u.opts.Watchdog.wake()
	}
}

// finish executes what was pushed and gives run and baton back, also when a Go
// function ends the goroutine.
func (u *Universe) finish(r *run, nargs int, conv func(L *lua.LState, n int) error) (err error) {
	c := &caught{broken: true}
	defer func() {
		r.meter.release()
		u.holder.Store(nil)
		if r.unwait != nil {
			r.unwait()
		}
		u.put(r, c)
		u.baton.unlock()
	}()
	c, err = r.execute(nargs, conv)
	if c != nil {
		err = r.failure(c)
	}
	return err
}

// execute runs the function on the run's own thread.
func (r *run) execute(nargs int, conv func(L *lua.LState, n int) error) (c *caught, err error) {
	L := r.threads[0]
	defer func() {
		if p := recover(); p != nil {
			c = r.catch(L, p, true)
		}
	}()
	L.Call(nargs, lua.MultRet)
	if conv != nil {
		err = conv(L, L.GetTop())
	}
	return nil, err
}
