package vm

import (
	"context"
	"errors"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// universe makes one that is there until the test ends.
func universe(t testing.TB, o Options) *Universe {
	t.Helper()
	u, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

// load makes a universe of a script that sets no globals but result.
func load(t testing.TB, o Options, src string) *Universe {
	t.Helper()
	if o.Name == "" {
		o.Name = "test.lua"
	}
	o.Globals = append(o.Globals, "result", "check")
	u := universe(t, o)
	if err := u.Load(context.Background(), []byte(src)); err != nil {
		t.Fatalf("Load(%s): %v", src, err)
	}
	return u
}

func global(t testing.TB, u *Universe, name string) lua.LValue {
	t.Helper()
	var v lua.LValue
	if err := u.Do(context.Background(), func(*lua.LState) error { v = u.env.RawGetString(name); return nil }); err != nil {
		t.Fatal(err)
	}
	return v
}

// call runs the global check and gives its results as text.
func call(t testing.TB, u *Universe, ctx context.Context) (string, error) {
	t.Helper()
	var out []string
	err := u.Call(ctx, global(t, u, "check"), nil, func(L *lua.LState, n int) error {
		for i := 1; i <= n; i++ {
			out = append(out, plainText(L.Get(i)))
		}
		return nil
	})
	return strings.Join(out, " "), err
}

func TestCall(t *testing.T) {
	u := load(t, Options{}, `
		local n = 0
		function check() n = n + 1 return n, "x", nil end`)
	for _, want := range []string{"1 x nil", "2 x nil"} {
		if got, err := call(t, u, t.Context()); got != want || err != nil {
			t.Errorf("call = %q, %v, want %q", got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	u := load(t, Options{}, `
local function inner() error("boom") end
function check()
  inner()
end`)
	_, err := call(t, u, t.Context())
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("err = %v", err)
	}
	if e.Message != "boom" || e.File != "test.lua" || e.Line != 2 {
		t.Errorf("err = %+v, want boom at test.lua:2", e)
	}
}
