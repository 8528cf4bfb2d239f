package vm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Each benchmark runs the same Lua on gopher-lua as it comes ("stock") and here
// ("vm"), and gives the time of a round on both and the ratio.

// compare runs stock and ours in turns, slices of a millisecond or two: whatever
// the machine's mood is, it is the same for both, and the medians leave out the
// slices that it spoilt.
func compare(b *testing.B, stock, ours func(rounds int)) {
	timed := func(f func(int), rounds int) time.Duration {
		start := time.Now()
		f(rounds)
		return time.Since(start)
	}
	rounds := 1
	for timed(ours, rounds) < time.Millisecond {
		rounds *= 2
	}
	allocs := testing.AllocsPerRun(1, func() { ours(rounds) })
	var theirs, own []time.Duration
	for b.Loop() {
		theirs = append(theirs, timed(stock, rounds))
		own = append(own, timed(ours, rounds))
	}
	median := func(of []time.Duration) float64 {
		slices.Sort(of)
		return float64(of[len(of)/2]) / float64(rounds)
	}
	b.ReportMetric(0, "ns/op") // of two slices
	b.ReportMetric(median(theirs), "stock-ns")
	b.ReportMetric(median(own), "vm-ns")
	b.ReportMetric(allocs/float64(rounds), "vm-allocs")
	b.ReportMetric(median(own)/median(theirs), "ratio")
}

// repeated is a function check(n) that does n rounds of body.
func repeated(body string) string { return "function check(n) for i = 1, n do " + body + " end end" }

// checkOf calls the function check of u.
func checkOf(b *testing.B, u *Universe) func(int) {
	check := global(b, u, "check")
	return func(n int) {
		if err := u.Call(context.Background(), check, []lua.LValue{lua.LNumber(n)}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// both benchmarks rounds of body.
func both(b *testing.B, body string) {
	L := lua.NewState()
	defer L.Close()
	if err := L.DoString(repeated(body)); err != nil {
		b.Fatal(err)
	}
	check := L.GetGlobal("check")
	ours := load(b, Options{Slice: 1 << 62}, repeated(body))
	compare(b, func(n int) {
		if err := L.CallByParam(lua.P{Fn: check, Protect: true}, lua.LNumber(n)); err != nil {
			b.Fatal(err)
		}
	}, checkOf(b, ours))
}

// library benchmarks a library function: both sides run here, so with the same
// hook before every instruction, and on one of them the libraries are
// gopher-lua's as they come.
func library(b *testing.B, body string) {
	stock := load(b, Options{Slice: 1 << 62}, "")
	err := stock.Do(context.Background(), func(L *lua.LState) error { openStock(L); return nil })
	if err == nil {
		err = stock.Load(context.Background(), []byte(repeated(body)))
	}
	if err != nil {
		b.Fatal(err)
	}
	ours := load(b, Options{Slice: 1 << 62}, repeated(body))
	compare(b, checkOf(b, stock), checkOf(b, ours))
}

// openStock puts gopher-lua's libraries in the place of ours.
func openStock(L *lua.LState) {
	env := L.G.Global
	env.Metatable = lua.LNil
	for name, open := range map[string]lua.LGFunction{
		lua.BaseLibName: lua.OpenBase, lua.StringLibName: lua.OpenString, lua.TabLibName: lua.OpenTable, lua.MathLibName: lua.OpenMath,
	} {
		env.RawSetString(name, lua.LNil)
		L.Push(L.NewFunction(open))
		L.Push(lua.LString(name))
		L.Call(1, 0)
	}
}

// BenchmarkRun compares an empty run with a bare PCall.
func BenchmarkRun(b *testing.B) {
	const src = "check = function() end"
	const alive = "result = {} for i = 1, 10000 do result[i] = { name = 'watcher ' .. i, run = function() return i end } end " + src
	for name, src := range map[string]string{"Call": src, "Call10000": alive} {
		b.Run(name, func(b *testing.B) {
			L := lua.NewState()
			defer L.Close()
			if err := L.DoString(src); err != nil {
				b.Fatal(err)
			}
			bare := L.GetGlobal("check")
			u := load(b, Options{Watchdog: &Watchdog{}}, src)
			fn, ctx := global(b, u, "check"), context.Background()
			compare(b, func(n int) {
				for range n {
					L.Push(bare)
					if err := L.PCall(0, lua.MultRet, nil); err != nil {
						b.Fatal(err)
					}
					L.SetTop(0)
				}
			}, func(n int) {
				for range n {
					if err := u.Call(ctx, fn, nil, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkHook compares with no context at all. Most of what it shows is the
// select that gopher-lua does before every instruction where there is one: with
// context.Background, which does nothing, the ratio is 1.16 already.
func BenchmarkHook(b *testing.B) { both(b, "local x = i % 7 if x > 3 then x = x * 2 end") }

func BenchmarkPCall(b *testing.B) { both(b, "pcall(math.abs, i)") }
func BenchmarkPCallLua(b *testing.B) {
	both(b, "pcall(function() return i end)")
}
func BenchmarkPCallError(b *testing.B) { both(b, "pcall(error, 'x')") }
func BenchmarkXPCall(b *testing.B) {
	both(b, "xpcall(function() return i end, debug.traceback)")
}
func BenchmarkXPCallTraceback(b *testing.B) {
	both(b, "xpcall(function() local x = nil + i end, debug.traceback)")
}

func BenchmarkString(b *testing.B) {
	for _, c := range []struct{ name, body string }{
		{"concat2", `local s = "a" .. i`},
		{"concat2s", `local s = "abc" .. "def"`},
		{"concat5", `local s = "a" .. i .. "b" .. i .. "c"`},
		{"append", `local t = {} for j = 1, 10 do t[j] = "x" end local s = table.concat(t, ",")`},
		{"tostring", `local s = tostring(i)`},
		{"tostringfloat", `local s = tostring(i + 0.5)`},
		{"tonumber", `local n = tonumber("123")`},
		{"sub", `local s = ("hello world"):sub(3, 7)`},
		{"upper", `local s = ("hello world"):upper()`},
		{"byte", `local s = ("hello world"):byte(3)`},
		{"char", `local s = string.char(65, 66, 67)`},
		{"rep", `local s = ("ab"):rep(10)`},
		{"reverse", `local s = ("hello world"):reverse()`},
		{"len", `local s = ("hello world"):len()`},
		{"findplain", `local s = ("hello world"):find("wor", 1, true)`},
		{"findliteral", `local s = ("hello world"):find("wor")`},
		{"findclass", `local s = ("hello world"):find("%s%a+")`},
		{"match4", `local a, b, c, d = ("2024-11-22 15:04"):match("(%d+)-(%d+)-(%d+) (%d+)")`},
		{"matchtrim", `local a = ("   some text here   "):match("^%s*(.-)%s*$")`},
		{"gmatch", `for w in ("one two three four five"):gmatch("%a+") do end`},
		{"gsubstring", `local s = ("one two three"):gsub("%a+", "x")`},
		{"gsubfunction", `local s = ("one two three"):gsub("%a+", string.upper)`},
		{"formatd", `local s = string.format("%d", i)`},
		{"formatmix", `local s = string.format("%s: %5.2f %d%% %x", "disk", i / 3, i, i)`},
		{"sort", `local t = {} for j = 1, 50 do t[j] = (j * 7919) % 101 end table.sort(t)`},
		{"sortfunction", `local t = {} for j = 1, 50 do t[j] = (j * 7919) % 101 end table.sort(t, function(a, b) return a > b end)`},
		{"insertremove", `local t = {} for j = 1, 20 do table.insert(t, j) end for j = 1, 20 do table.remove(t) end`},
		{"unpack", `local a, b, c = unpack({1, 2, 3})`},
		{"select", `local n = select("#", 1, 2, 3)`},
		{"ipairs", `for k, v in ipairs({1, 2, 3, 4, 5}) do end`},
		{"pairs", `for k, v in pairs({a = 1, b = 2, c = 3}) do end`},
		{"math", `local n = math.floor(i / 3) + math.max(i, 2)`},
		{"coroutine", `local f = coroutine.wrap(function() coroutine.yield(1) end) f() f()`},
		{"setmetatable", `local t = setmetatable({}, {})`},
	} {
		b.Run(c.name, func(b *testing.B) { library(b, c.body) })
	}
}

func BenchmarkMegabyte(b *testing.B) {
	text := strings.Repeat(strings.Repeat("x", 49)+"\n", 20_000)
	for _, c := range []struct{ name, body string }{
		{"gsub", `text:gsub("\n", "\r\n")`},
		{"gmatch", `for line in text:gmatch("[^\n]+") do end`},
		{"find", `text:find("y", 1, true)`},
		{"findpattern", `text:find("y%d")`},
	} {
		b.Run(c.name, func(b *testing.B) {
			library(b, fmt.Sprintf("local text = %q %s", text, c.body))
		})
	}
}
