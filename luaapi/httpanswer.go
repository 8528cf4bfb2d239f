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
	number("status", func(a *httpAnswer) float64 { return float64(a.Status) }),
	tableField("headers", func(a *httpAnswer) **lua.LTable { return &a.headers }, func(L *lua.LState, a *httpAnswer) *lua.LTable {
		return headersTable(L, a.Header, a.script.headersMeta)
	}),
	tableField("cookies", func(a *httpAnswer) **lua.LTable { return &a.cookies }, func(L *lua.LState, a *httpAnswer) *lua.LTable {
		return textTable(L, a.Cookies)
	}),
	{Name: "body", Of: func(_ *lua.LState, a *httpAnswer) lua.LValue {
		if a.body == nil {
			a.body, a.Body = lua.LString(a.Body), nil
		}
		return a.body
	}},
	number("size", func(a *httpAnswer) float64 { return float64(a.Size) }),
	boolean("truncated", func(a *httpAnswer) bool { return a.Truncated }),
	textField("url", func(a *httpAnswer) string { return a.URL }),
	tableField("timing", func(a *httpAnswer) **lua.LTable { return &a.timing }, func(L *lua.LState, a *httpAnswer) *lua.LTable {
		return timingTable(L, &a.Timing)
	}),
	textField("remote_ip", func(a *httpAnswer) string { return a.RemoteIP }),
	textField("http", func(a *httpAnswer) string { return a.Proto }),
	number("connects", func(a *httpAnswer) float64 { return float64(a.Connects) }),
	maybeText("redirect_url", func(a *httpAnswer) string { return a.RedirectURL }),
	tableField("hops", func(a *httpAnswer) **lua.LTable { return &a.hops }, func(L *lua.LState, a *httpAnswer) *lua.LTable {
		return tables(L, hopFields, a.Hops)
	}),
	tableField("tls", func(a *httpAnswer) **lua.LTable { return &a.tls }, func(L *lua.LState, a *httpAnswer) *lua.LTable {
		return tlsTable(L, a.TLS)
	}),
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

var hopFields = []vm.Field[probe.HTTPHop]{
	textField("url", func(h *probe.HTTPHop) string { return h.URL }),
	number("status", func(h *probe.HTTPHop) float64 { return float64(h.Status) }),
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
