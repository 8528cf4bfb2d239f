package luaapi

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/meta"
)

// Editors know of every name in bit and utf8, and of math.round.
func TestLanguageNames(t *testing.T) {
	got := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(?:function )?([a-z0-9]+\.[a-z0-9]+)(?:\(| =)`).FindAllStringSubmatch(meta.Lua, -1) {
		got[m[1]] = true
	}
	b := newTestBoard(t)
	b.inLua(func(L *lua.LState, _ *lua.LTable) {
		want := map[string]bool{"math.round": true}
		for _, name := range []string{"bit", "utf8"} {
			provided(L, name, L.G.Global.RawGetString(name).(*lua.LTable), want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("names (-here +in lua.lua):\n%s", diff)
		}
		if isNil(L.G.Global.RawGetString("math").(*lua.LTable).RawGetString("round")) {
			t.Error("there is no math.round")
		}
	})
}
