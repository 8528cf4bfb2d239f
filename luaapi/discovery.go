package luaapi

import (
	"context"
	"errors"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
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
	definer   *definer
	last      map[*lua.LTable]engine.Watcher // what it gave the last time
}

// discovery reads WatcherSet(name, find, options).
func (d *declaration) discovery(name string, set *lua.LTable, find *lua.LFunction) (*engine.Discovery, error) {
	f := &finder{script: d.script, set: name, find: find, definer: d.definer.freeze(find)}
	f.discovery.Place, f.discovery.Find = sourceOf(set), f.call
	options, ok := set.RawGetString("options").(*lua.LTable)
	if !ok {
		return &f.discovery, nil
	}
	for k, v := options.Next(lua.LNil); k != lua.LNil; k, v = options.Next(k) {
		if err := f.option(k.String(), v); err != nil {
			return nil, d.script.errorAt(f.discovery.Place, "cannot use option %q of WatcherSet %s", k.String(), err)
		}
	}
	return &f.discovery, nil
}

var discoveryOptions = []string{"interval", "limit", "timeout"}

func (f *finder) option(name string, v lua.LValue) (err error) {
	switch name {
	case "interval":
		if err = setPositive(&f.discovery.Interval, v); err == nil && f.discovery.Interval < minDiscovery {
			err = fmt.Errorf("want at least %s, got %s", minDiscovery, f.discovery.Interval)
		}
	case "timeout":
		err = setPositive(&f.discovery.Timeout, v)
	case "limit":
		err = setCount(&f.discovery.Limit, v, 1, maxMembers)
	default:
		return errors.New(unknownName(name, discoveryOptions))
	}
	if err != nil {
		return fmt.Errorf("%q: %w", f.set, err)
	}
	return nil
}

// call is the [engine.Discovery]'s Find.
func (f *finder) call(ctx context.Context) ([]engine.Watcher, error) {
	s := f.script
	s.begin()
	defer s.end()
	r := &run{trace: traceOf(ctx)}
	var found []engine.Watcher
	var made map[engine.ID]*watcher
	err := s.universe.Call(context.WithValue(ctx, runKey{}, r), f.find, nil, func(L *lua.LState, _ int) (err error) {
		found, made, err = f.read(L)
		return err
	})
	for _, conn := range r.conns {
		_ = conn.Close() // the script is done with it
	}
	if err != nil {
		if r.expired != nil && ctx.Err() != nil {
			err = fmt.Errorf("%s%w", f.prefix(), r.expired)
		}
		return nil, errors.New(s.mask.text(err.Error()))
	}
	for i := range found {
		s.retain() // for as long as the engine has the member
		id, w := found[i].ID, made[found[i].ID]
		found[i].Released = func(gone bool) {
			if w != nil {
				s.memory.unfeed(w)
			}
			if gone {
				s.memory.forget(id)
			}
			s.release()
		}
	}
	return found, nil
}

func (f *finder) prefix() string {
	return fmt.Sprintf("%s:%d: ", f.discovery.Place.File, f.discovery.Place.Line)
}

// read makes watchers of what the function returned, and gives those among them
// that it had not returned before.
func (f *finder) read(L *lua.LState) ([]engine.Watcher, map[engine.ID]*watcher, error) {
	list := L.Get(1)
	if isNil(list) && !isNil(L.Get(2)) {
		return nil, nil, fmt.Errorf("%s%w", f.prefix(), failureOf(L.Get(2)))
	}
	if _, ok := list.(*lua.LTable); !ok {
		return nil, nil, fmt.Errorf("%sthe function of WatcherSet %q gave a %s: want a list of watchers, or nil and an error", f.prefix(), f.set, typeName(list))
	}
	d := declaration{script: f.script, L: L, definer: f.definer.again(), seen: make(map[*lua.LTable]engine.Place), before: f.last}
	found, err := d.members(f.set, fmt.Sprintf("what the function of WatcherSet %q gave", f.set), f.discovery.Place, list)
	if err != nil {
		return nil, nil, err
	}
	f.last = d.made
	made := make(map[engine.ID]*watcher, len(d.watchers))
	for _, w := range d.watchers {
		f.script.memory.adopt(w)
		made[w.id] = w
	}
	return found, made, nil
}
