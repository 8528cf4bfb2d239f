package luaapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

const (
	minDiscovery = time.Second // between two discoveries of a set
	maxMembers   = 10000       // that limit may allow
)

// finder is a set's function that finds its members. Its calls come one at a
// time.
type finder struct {
	script    *script
	set       string
	find      *lua.LFunction
	discovery engine.Discovery
	needs     []engine.Pattern // of its members
	definer   *definer

	mu    sync.Mutex
	holds map[*lua.LTable]*hold // what the engine has of what it gave
}

// hold is a watcher that was found, once or again, until the engine has let go
// of it as often: then its memory may be forgotten, and it is made anew when it
// is found again.
type hold struct {
	engine.Watcher
	of *watcher
	n  int
}

// discovery reads WatcherSet(name, find, options).
func (d *declaration) discovery(name string, set *lua.LTable, find *lua.LFunction) (*engine.Discovery, error) {
	f := &finder{script: d.script, set: name, find: find, definer: d.definer.freeze(find), holds: make(map[*lua.LTable]*hold)}
	f.discovery.Place, f.discovery.Find = sourceOf(set), f.call
	return &f.discovery, d.setOptions(name, set, f.option)
}

// setOptions reads the options of a WatcherSet.
func (d *declaration) setOptions(name string, set *lua.LTable, option func(name string, v lua.LValue) error) error {
	options, ok := set.RawGetString("options").(*lua.LTable)
	if !ok {
		return nil
	}
	for k, v := range vm.Pairs(options) {
		switch err := option(k.String(), v); {
		case errors.Is(err, errNoOption):
			return d.script.errorAt(sourceOf(set), "cannot use option %q of WatcherSet %s", k.String(), unknownName(k.String(), discoveryOptions))
		case err != nil:
			return d.script.errorAt(sourceOf(set), "cannot use option %q of WatcherSet %q: %s", k.String(), name, err)
		}
	}
	return nil
}

var discoveryOptions = []string{"interval", "limit", "needs", "timeout"}

func (f *finder) option(name string, v lua.LValue) (err error) {
	switch name {
	case "interval":
		if err = setPositive(&f.discovery.Interval, v); err == nil && f.discovery.Interval < minDiscovery {
			err = fmt.Errorf("want at least %s, got %s", minDiscovery, f.discovery.Interval)
		}
	case "timeout":
		err = setPositive(&f.discovery.Timeout, v)
	case "needs":
		err = setPatterns(&f.needs, v)
	case "limit":
		err = setCount(&f.discovery.Limit, v, 1, maxMembers)
	default:
		return errNoOption
	}
	return err
}

// call is the [engine.Discovery]'s Find.
func (f *finder) call(ctx context.Context) ([]engine.Watcher, error) {
	s := f.script
	s.begin()
	defer s.end()
	r := &run{trace: traceOf(ctx)}
	var found []engine.Watcher
	err := s.universe.Call(context.WithValue(ctx, runKey{}, r), f.find, nil, func(L *lua.LState, _ int) (err error) {
		found, err = f.read(L)
		return err
	})
	closeAll(r.conns)
	if err != nil {
		r.explainNil(err)
		e, isScript := errors.AsType[*vm.Error](err)
		switch {
		case r.expired != nil && ctx.Err() != nil:
			err = fmt.Errorf("%s%w", f.prefix(), r.expired)
		case isScript && e.File == "" && e.Cause == nil: // of a tail call nothing is left but what it called
			err = fmt.Errorf("%s%w", f.prefix(), err)
		}
		return nil, errors.New(s.mask.clean(err.Error()))
	}
	return found, nil
}

func (f *finder) prefix() string {
	return fmt.Sprintf("%s:%d: ", f.discovery.Place.File, f.discovery.Place.Line)
}

// read makes watchers of what the function returned, except of those that the
// engine has already: they are what they were.
func (f *finder) read(L *lua.LState) ([]engine.Watcher, error) {
	list := L.Get(1)
	if isNil(list) && !isNil(L.Get(2)) {
		return nil, fmt.Errorf("%s%w", f.prefix(), failureOf(L.Get(2)))
	}
	if _, ok := list.(*lua.LTable); !ok {
		return nil, fmt.Errorf("%sthe function of WatcherSet %q gave a %s: want a list of watchers, or nil and an error", f.prefix(), f.set, typeName(list))
	}
	before := f.holdAll()
	defer func() {
		for t, h := range before {
			f.drop(t, h, false)
		}
	}()
	d := declaration{script: f.script, L: L, definer: f.definer.again(), seen: make(map[*lua.LTable]bool), before: before, needs: f.needs}
	found, err := d.members(f.set, fmt.Sprintf("what the function of WatcherSet %q gave", f.set), f.discovery.Place, list)
	if err != nil {
		return nil, err
	}
	made := make(map[*lua.LTable]*hold, len(d.watchers))
	for _, w := range d.watchers {
		w.found = true
		f.script.memory.adopt(w)
		made[w.self] = &hold{of: w}
	}
	for i, t := range d.listed {
		h := before[t]
		if h == nil {
			h = made[t]
		}
		h.Watcher = found[i]
		found[i].Released = f.keep(t, h)
	}
	return found, nil
}

// holdAll holds what the engine has, so that it is what it was for as long as one
// looks at it, also if the engine lets go of it meanwhile.
func (f *finder) holdAll() map[*lua.LTable]*hold {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.holds {
		h.n++
	}
	return maps.Clone(f.holds)
}

// keep holds h, as the watcher of t, until what it gives is called.
func (f *finder) keep(t *lua.LTable, h *hold) (released func(gone bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h.n++
	f.holds[t] = h
	f.script.retain()
	return func(gone bool) {
		f.drop(t, h, gone)
		f.script.release()
	}
}

// drop holds h once less. gone tells that nobody on the board has its id.
func (f *finder) drop(t *lua.LTable, h *hold, gone bool) {
	f.mu.Lock()
	h.n--
	last := h.n == 0
	if last {
		delete(f.holds, t)
	}
	f.mu.Unlock()
	if !last {
		return
	}
	f.script.memory.leave(h.of, gone)
	for _, part := range h.of.vantages.parts {
		f.script.memory.leave(part, gone)
	}
}
