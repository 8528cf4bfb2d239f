package luaapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

// given is what the chunk of a builtin class gets as its first argument:
// given(names), a list or a table with them as its keys, makes a function that
// reads these fields of a watcher, its class and the classes above, and gives
// those that are there as a new table: the options of a primitive. It is in Go
// because a page has eighteen, almost none of them given, through four classes,
// in every run.
func given(L *lua.LState) int {
	names := namesIn(L.CheckTable(1))
	L.Push(L.NewFunction(func(L *lua.LState) int {
		options := L.CreateTable(0, 0)
		eachGiven(L, L.CheckTable(1), names, options.RawSetString)
		L.Push(options)
		return 1
	}))
	return 1
}

// getting is what it gets as its second: getting(names) makes get(self, url,
// whole), which is pharos.http.get(url, given(self)) and what a page's result
// shows of it, without the tables: page, err, total, status, detail. Unless whole
// is true nobody reads the page: it is true then, and no more of the body is
// kept than the result shows.
func (s *script) getting(L *lua.LState) int {
	names := namesIn(L.CheckTable(1))
	L.Push(L.NewFunction(func(L *lua.LState) int {
		call := s.newHTTPCall(L, "pharos.http.get", L.Get(2))
		call.Method = http.MethodGet
		eachGiven(L, L.CheckTable(1), names, func(name string, v lua.LValue) { setOption(L, call.of, httpOptions, call.set, name, v) })
		call.check(L)
		whole := lua.LVAsBool(L.Get(3))
		if call.MaxBody == 0 && !whole {
			call.MaxBody = outputFromBody
		}
		answer, err := s.fetch(L, call)
		if err != nil {
			return s.pushError(L, err)
		}
		page := lua.LValue(lua.LTrue)
		if whole {
			page = s.answerTable(L, answer)
		}
		L.Push(page)
		L.Push(lua.LNil)
		L.Push(lua.LNumber(answer.Timing.Total.Seconds()))
		L.Push(lua.LNumber(answer.Status))
		L.Push(lua.LString(pageDetail(answer)))
		return 5
	}))
	return 1
}

// decided is what it gets as its third: decided(self, good, self:handle_output(...))
// passes on what the method returned. One that returned nothing leaves the
// verdict to the exit code or the status. So may one that returned nil, but where
// that is good: most often it is a number that was not there, and nobody would
// see that on a green tile.
func decided(L *lua.LState) int {
	const first = 3
	self, good, results := L.CheckTable(1), L.ToBool(2), L.GetTop()-(first-1)
	if good && results > 0 && isNil(L.Get(first)) && isNil(L.Get(first+1)) && isNil(self.RawGetString("verdict")) {
		L.RaiseError("%s", nilVerdict("handle_output", L.GetField(self, "handle_output"), "leave the verdict to the class"))
	}
	return results
}

// nilVerdict says that a function gave nil where nothing would have done.
func nilVerdict(what string, function lua.LValue, otherwise string) string {
	if f, ok := function.(*lua.LFunction); ok && !f.IsG {
		what = fmt.Sprintf("%s at %s:%d", what, f.Proto.SourceName, f.Proto.LineDefined)
	}
	return what + " returned nil: want what check returns, or no value at all to " + otherwise
}

// pageDetail is the original's: curl's "connect first_byte total (code)".
func pageDetail(answer *probe.HTTPResult) string {
	var room [48]byte
	text := room[:0]
	for _, d := range [...]time.Duration{answer.Timing.Connected, answer.Timing.StartTransfer, answer.Timing.Total} {
		text = append(strconv.AppendFloat(text, d.Seconds(), 'f', 6, 64), ' ')
	}
	text = strconv.AppendInt(append(text, '('), int64(answer.Status), 10)
	return string(append(text, ')'))
}

func namesIn(t *lua.LTable) (names []string) {
	t.ForEach(func(k, v lua.LValue) {
		if name, ok := k.(lua.LString); ok {
			names = append(names, string(name))
		} else {
			names = append(names, v.String())
		}
	})
	return names
}

// eachGiven hands every one of these fields that self, its class or a class
// above has to set.
func eachGiven(L *lua.LState, self *lua.LTable, names []string, set func(name string, v lua.LValue)) {
	fields := newFieldReader(L, self)
	for _, name := range names {
		if v := fields.get(name); v != lua.LNil {
			set(name, v)
		}
	}
}

// fieldReader reads many fields of one table: it looks for what that inherits
// from but once.
type fieldReader struct {
	L     *lua.LState
	room  [8]*lua.LTable
	depth int  // of room: the table and those that it inherits from
	plain bool // this is all that a field may come from: no function answers for it
}

func newFieldReader(L *lua.LState, self *lua.LTable) fieldReader {
	r := fieldReader{L: L}
	for r.depth < len(r.room) {
		r.room[r.depth] = self
		r.depth++
		meta, ok := self.Metatable.(*lua.LTable)
		if !ok {
			r.plain = true
			break
		}
		above := meta.RawGetString("__index")
		if self, ok = above.(*lua.LTable); !ok {
			r.plain = above == lua.LNil
			break
		}
	}
	return r
}

// get gives what [lua.LState.GetField] does.
func (r *fieldReader) get(name string) lua.LValue {
	for _, t := range r.room[:r.depth] {
		if v := t.RawGetString(name); v != lua.LNil {
			return v
		}
	}
	if r.plain {
		return lua.LNil
	}
	return r.L.GetField(r.room[0], name)
}
