package luaapi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/luaapi/vm"
)

// setOf makes a derive one that is derived from others. To any other class the
// name means what its author wants.
func (d *declaration) setOf(w *watcher, e *engine.Watcher, v lua.LValue) error {
	if !d.is(w.self, "derive") {
		return nil
	}
	e.Derive = &engine.Derive{}
	w.board = &lua.LUserData{Value: w, Metatable: w.script.boardMeta}
	return setPatterns(&e.Derive.Of, v)
}

// ofNobody is the result of a derive whose members are still to be found.
func ofNobody() *engine.Result {
	const why = "nobody that it is derived from was found yet"
	return &engine.Result{Status: engine.Unknown, Value: "nobody", Detail: why}
}

// worstNamed is how many board:worst names at most.
const worstNamed = 20

// boardWords are what a board counts.
var boardWords = append([]string{"pending"}, statusWords...)

// newBoardMeta makes the methods of the board that a derived watcher's check
// gets: what the watcher is derived from, as it is at the moment of asking.
func (s *script) newBoardMeta(L *lua.LState) *lua.LTable {
	method := func(name string, call func(L *lua.LState, m *engine.Members) int) member {
		return member{name, func(L *lua.LState) int { return call(L, membersOf(L, name)) }}
	}
	return s.newMethods(L, "board",
		method("total", func(L *lua.LState, m *engine.Members) int {
			L.Push(lua.LNumber(m.Total()))
			return 1
		}),
		method("count", func(L *lua.LState, m *engine.Members) int {
			L.Push(lua.LNumber(m.Count(checkStatus(L, "count"))))
			return 1
		}),
		method("ratio", func(L *lua.LState, m *engine.Members) int {
			ratio := lua.LNumber(0)
			if n := m.Total(); n > 0 {
				ratio = lua.LNumber(m.Count(checkStatus(L, "ratio"))) / lua.LNumber(n)
			}
			L.Push(ratio)
			return 1
		}),
		method("worst", boardWorst),
		method("sum", func(L *lua.LState, m *engine.Members) int {
			vm.Charge(L, m.Total()/16)
			sum, n := m.Sum()
			L.Push(lua.LNumber(sum))
			L.Push(lua.LNumber(n))
			return 2
		}),
		method("each", s.boardEach),
		method("get", func(L *lua.LState, m *engine.Members) int {
			id := engine.ID(L.CheckString(2))
			v, ok := m.Get(id)
			if !ok {
				L.RaiseError("cannot get %q: it is none of those that this is derived from", string(id))
			}
			L.Push(s.tile(v))
			return 1
		}),
	)
}

// boardWorst is board:worst(most): the worst status, and the names of those in
// trouble.
func boardWorst(L *lua.LState, m *engine.Members) int {
	most := L.OptInt(2, 1)
	if most < 1 || most > worstNamed {
		L.ArgError(2, fmt.Sprintf("want how many to name, 1 to %d", worstNamed))
	}
	worst, _ := m.Worst()
	if worst.Status == engine.Pending { // none has had a result, or there is none
		worst.Status = engine.Unknown
	}
	L.Push(lua.LString(worst.Status.String()))
	if worst.Status == engine.OK {
		return 1
	}
	if most == 1 || !worst.Status.Problem() {
		L.Push(lua.LString(worst.Name))
		return 2
	}
	vm.Charge(L, m.Total()/16)
	troubled := m.Troubled(most)
	for _, v := range troubled {
		L.Push(lua.LString(v.Name))
	}
	return 1 + len(troubled)
}

// membersOf gives what the run that calls the method is derived from.
func membersOf(L *lua.LState, method string) *engine.Members {
	w, ok := object[*watcher](L.Get(1))
	if !ok {
		L.ArgError(1, "want the board of a derive: call its methods with a colon, board:"+method+"(...)")
	}
	m := engine.MembersOf(vm.Context(L))
	if m == nil || runOf(L).watcher != w {
		L.RaiseError("cannot look at the board of %q here: it is for that watcher's own check", string(w.id))
	}
	return m
}

func checkStatus(L *lua.LState, method string) engine.Status {
	word := L.CheckString(2)
	status, ok := engine.ParseStatus(word)
	if !ok {
		L.RaiseError("cannot %s %q %s", method, word, unknownName(word, boardWords))
	}
	return status
}

// boardEach is board:each(): for id, tile in board:each() do ... end.
func (s *script) boardEach(L *lua.LState, m *engine.Members) int {
	next := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		v, ok := m.At(next)
		if !ok {
			return 0
		}
		next++
		L.Push(lua.LString(v.ID))
		L.Push(s.tile(v))
		return 2
	}))
	return 1
}

// tileFields are what a script can read of another watcher's tile. What changes
// only with the status is free; reading the result makes a derived watcher run when
// that changes.
var tileFields = map[string]struct {
	ofResult bool
	get      func(v *engine.View) lua.LValue
}{
	"id":     {false, func(v *engine.View) lua.LValue { return lua.LString(v.ID) }},
	"name":   {false, func(v *engine.View) lua.LValue { return lua.LString(v.Name) }},
	"set":    {false, func(v *engine.View) lua.LValue { return lua.LString(v.Set) }},
	"status": {false, func(v *engine.View) lua.LValue { return lua.LString(v.Status.String()) }},
	"since":  {false, func(v *engine.View) lua.LValue { return lua.LNumber(float64(v.Since.UnixMilli()) / 1000) }},
	"shadow": {false, func(v *engine.View) lua.LValue { return textOrNil(string(v.Shadow)) }},
	"value":  {true, func(v *engine.View) lua.LValue { return valueOf(&v.Result) }},
	"unit":   {true, func(v *engine.View) lua.LValue { return lua.LString(v.Result.Unit) }},
	"detail": {true, func(v *engine.View) lua.LValue { return lua.LString(v.Result.Detail) }},
	"link":   {true, func(v *engine.View) lua.LValue { return textOrNil(v.Result.Link) }},
}

func textOrNil(text string) lua.LValue {
	if text == "" {
		return lua.LNil
	}
	return lua.LString(text)
}

// valueOf is a value as a script gave it: a number, or text.
func valueOf(r *engine.Result) lua.LValue {
	if n, err := strconv.ParseFloat(r.Value, 64); err == nil {
		return lua.LNumber(n)
	}
	return textOrNil(r.Value)
}

// tile makes a tile that a script can read.
func (s *script) tile(v engine.View) *lua.LUserData {
	return &lua.LUserData{Value: &v, Metatable: s.tileMeta}
}

func (s *script) newTileMeta(L *lua.LState) *lua.LTable {
	meta := L.CreateTable(0, 2)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		v := checkTile(L)
		name := L.CheckString(2)
		field, ok := tileFields[name]
		if !ok {
			L.RaiseError("cannot use tile.%s: there is no such field %s", name, unknownName(name, slices.Collect(maps.Keys(tileFields))))
		}
		if field.ofResult {
			if m := engine.MembersOf(vm.Context(L)); m != nil {
				m.ReadResults()
			}
		}
		L.Push(field.get(v))
		return 1
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		L.RaiseError("cannot set tile.%s: it is another watcher's", L.Get(2))
		return 0
	}))
	return meta
}

// checkTile is self: a script may take a tile's metatable for another's.
func checkTile(L *lua.LState) *engine.View {
	if v, ok := object[*engine.View](L.Get(1)); ok {
		return v
	}
	L.ArgError(1, "want a tile, as board:get gives")
	return nil
}

// status is pharos.status(id): the status of any watcher, its value and
// detail, in the words of check.
func (s *script) status(L *lua.LState) int {
	id := engine.ID(L.CheckString(1))
	if vm.Loading(L) {
		L.RaiseError("cannot call pharos.status while the file loads: call it in a function such as check")
	}
	v, err := look(vm.Context(L), id)
	if ask, ok := vm.Context(L).Value(askKey{}).(func(context.Context, engine.ID)); ok && err == nil && v.Status == engine.Pending {
		late := false
		vm.Block(L, func(ctx context.Context) {
			ask(ctx, id)
			late = ctx.Err() != nil
		})
		if v, err = look(vm.Context(L), id); late && err == nil && v.Status == engine.Pending {
			err = fmt.Errorf("cannot tell the status of %q: the first run of %q did not end within the timeout of who asks", id, id)
		}
	}
	if err != nil {
		L.RaiseError("%s", err)
	}
	if r := runOf(L); r.trace != nil {
		r.trace(Event{Kind: "status", Text: string(id), Outcome: strings.TrimSpace(v.Status.String() + " " + v.Result.Value)})
	}
	L.Push(lua.LString(v.Status.String()))
	L.Push(valueOf(&v.Result))
	L.Push(lua.LString(v.Result.Detail))
	return 3
}

// look finds another watcher on the board that the run under ctx is for.
func look(ctx context.Context, id engine.ID) (engine.View, error) {
	board := engine.BoardOf(ctx)
	if board == nil {
		return engine.View{}, fmt.Errorf("cannot look for %q: there is no board here", id)
	}
	v, ok := board.View(id)
	if ok {
		return v, nil
	}
	return v, fmt.Errorf("there is no watcher %q %s", id, nearestID(string(id), idsOn(board)))
}

// idsOn are those of all watchers on a board.
func idsOn(board *engine.Board) (ids []string) {
	for _, set := range board.Snapshot().Sets {
		for _, w := range set.Watchers {
			ids = append(ids, string(w.ID))
		}
	}
	return ids
}
