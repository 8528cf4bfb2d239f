package luaapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// httpAnswer is what the table of an answer shows: the answer itself, and what was
// made of it.
type httpAnswer struct {
	*probe.HTTPResult
	script                *script
	body                  lua.LValue // nil until asked for, as the others
	headers, hops, timing *lua.LTable
	cookies               *lua.LTable
	tls                   *lua.LTable
}

var answerFields = []vm.Field[httpAnswer]{
	{Name: "status", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LNumber(a.Status) }},
	{Name: "headers", Of: func(L *lua.LState, a *httpAnswer) lua.LValue {
		return once(&a.headers, func() *lua.LTable { return headersTable(L, a.Header, a.script.headersMeta) })
	}},
	{Name: "cookies", Of: func(L *lua.LState, a *httpAnswer) lua.LValue {
		return once(&a.cookies, func() *lua.LTable { return textTable(L, a.Cookies) })
	}},
	{Name: "body", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue {
		if a.body == nil {
			a.body, a.Body = lua.LString(a.Body), nil
		}
		return a.body
	}},
	{Name: "size", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LNumber(a.Size) }},
	{Name: "truncated", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LBool(a.Truncated) }},
	{Name: "url", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LString(a.URL) }},
	{Name: "timing", Of: func(L *lua.LState, a *httpAnswer) lua.LValue {
		return once(&a.timing, func() *lua.LTable { return timingTable(L, &a.Timing) })
	}},
	{Name: "remote_ip", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LString(a.RemoteIP) }},
	{Name: "http", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LString(a.Proto) }},
	{Name: "connects", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue { return lua.LNumber(a.Connects) }},
	{Name: "redirect_url", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue {
		if a.RedirectURL == "" {
			return lua.LNil
		}
		return lua.LString(a.RedirectURL)
	}},
	{Name: "hops", Of: func(L *lua.LState, a *httpAnswer) lua.LValue {
		return once(&a.hops, func() *lua.LTable { return hopsTable(L, a.Hops) })
	}},
	{Name: "tls", Of: func(L *lua.LState, a *httpAnswer) lua.LValue {
		if a.TLS == nil {
			return lua.LNil
		}
		return once(&a.tls, func() *lua.LTable { return tlsTable(L, a.TLS) })
	}},
}

// once gives the table kept in t, made when it is first asked for.
func once(t **lua.LTable, make func() *lua.LTable) *lua.LTable {
	if *t == nil {
		*t = make()
	}
	return *t
}

// answerTable makes the table of an answer.
func (s *script) answerTable(L *lua.LState, result *probe.HTTPResult) *lua.LTable {
	return vm.LazyTable(L, answerFields, &httpAnswer{HTTPResult: result, script: s})
}

// textTable makes a table of texts by name.
func textTable(L *lua.LState, texts map[string]string) *lua.LTable {
	t := L.CreateTable(0, len(texts))
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		t.RawSetString(name, lua.LString(texts[name]))
	}
	return t
}

func hopsTable(L *lua.LState, hops []probe.HTTPHop) *lua.LTable {
	t := L.CreateTable(len(hops), 0)
	for _, hop := range hops {
		h := L.CreateTable(0, 2)
		h.RawSetString("url", lua.LString(hop.URL))
		h.RawSetString("status", lua.LNumber(hop.Status))
		t.Append(h)
	}
	return t
}

// headersTable makes the table "headers": names in lower case and in order,
// values sent more than once joined by ", ". With meta, which newHeadersMeta
// makes, a name is found in any case.
func headersTable(L *lua.LState, header http.Header, meta *lua.LTable) *lua.LTable {
	t := L.CreateTable(0, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		t.RawSetString(strings.ToLower(name), lua.LString(strings.Join(header[name], ", ")))
	}
	t.Metatable = meta
	return t
}

// newHeadersMeta makes the metatable that finds a header in any case.
func newHeadersMeta(L *lua.LState) *lua.LTable {
	meta := L.CreateTable(0, 1)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		t, ok := L.Get(1).(*lua.LTable)
		name, isText := L.Get(2).(lua.LString)
		if !ok || !isText {
			return 0
		}
		L.Push(t.RawGetString(strings.ToLower(string(name))))
		return 1
	}))
	return meta
}
