package vm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// attacks are functions that do all they can not to end, or to take the process
// down. Each ends in an error of its own run.
var attacks = []struct {
	name string
	body string // of check
	want string // in the error's text
	err  error  // its cause
}{
	{"endless loop", `while true do end`, "computed for too long", ErrCPU},
	{"endless loop that counts", `local n = 0 while true do n = n + 1 end`, "", ErrCPU},
	{"endless repeat", `repeat until false`, "", ErrCPU},
	{"endless goto", `::again:: goto again`, "", ErrCPU},
	{"endless for", `for i = 1, math.huge do end`, "", ErrCPU},
	{"for with step 0", `for i = 1, 2, 0 do end`, "", ErrCPU},
	{"loop in pcall", `pcall(function() while true do end end)`, "", ErrCPU},
	{"loop of pcalls", `while true do pcall(function() while true do end end) end`, "", ErrCPU},
	{"loop of pcalls that fail", `while true do pcall(error, "x") end`, "", ErrCPU},
	{"loop of pcalls that fail with nil", `while true do pcall(function() local x = nil; x() end) end`, "", ErrCPU},
	{"loop in a handler", `xpcall(error, function() while true do end end)`, "", ErrCPU},
	{"handler that fails for ever", `local function h() return xpcall(error, h) end while true do h() end`, "", ErrCPU},
	{"loop in a coroutine", `coroutine.wrap(function() while true do end end)()`, "", ErrCPU},
	{"endless generator", `local f = coroutine.wrap(function() while true do coroutine.yield(1) end end) while f() do end`, "", ErrCPU},
	{"endless coroutines", `while true do coroutine.create(function() end) end`, "", ErrCPU},
	{"loop in __index", `local t = setmetatable({}, {__index = function() while true do end end}) return t.x`, "", ErrCPU},
	{"loop in __newindex", `local t = setmetatable({}, {__newindex = function() while true do end end}) t.x = 1`, "", ErrCPU},
	{"loop in __concat", `local t = setmetatable({}, {__concat = function() while true do end end}) return "a" .. t`, "", ErrCPU},
	{"loop in __eq", `local m = {__eq = function() while true do end end} return setmetatable({}, m) == setmetatable({}, m)`, "", ErrCPU},
	{"loop in __tostring", `return tostring(setmetatable({}, {__tostring = function() while true do end end}))`, "", ErrCPU},
	{"loop in a comparator", `table.sort({3, 2, 1}, function() while true do end end)`, "", ErrCPU},
	{"comparator that lies", `local t = {} for i = 1, 50000 do t[i] = i % 7 end table.sort(t, function() return true end)`, "", ErrCPU},
	{"loop in a gsub callback", `("abc"):gsub("%w", function() while true do end end)`, "", ErrCPU},
	{"endless iterator", `for i in function() return 1 end do end`, "", ErrCPU},
	{"endless tail calls", `local function f() return f() end return f()`, "", ErrCPU},
	{"endless tail calls of two", `local f, g function f() return g() end function g() return f() end return f()`, "", ErrCPU},
	{"endless gmatch", `while true do for w in ("a b c"):gmatch("%a") do end end`, "", ErrCPU},
	{"rep of a terabyte", `return ("x"):rep(1e12)`, "string too long", nil},
	{"rep of 2 GB", `return ("x"):rep(2e9)`, "string too long", nil},
	{"rep with a separator", `return ("x"):rep(1e6, ("y"):rep(1e6))`, "string too long", nil},
	{"rep in a loop", `local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end`, "", nil},
	{"doubling", `local s = "x" while true do s = s .. s end`, "too long", nil},                                              // the string, or the computing where copying is slow
	{"doubling in one expression", `local s = ("x"):rep(16e6) return s .. s .. s .. s .. s .. s .. s .. s`, "too long", nil}, // as above
	{"gsub that doubles", `local s = ("x"):rep(1e6) while true do s = s:gsub("x", "xx") end`, "", nil},
	{"format that doubles", `local s = "x" while true do s = string.format("%s%s", s, s) end`, "", nil},
	{"pattern of many choices", `return (("a"):rep(26):find(("a-"):rep(25) .. "b"))`, "", nil},
	{"pattern with back references", `return (("a"):rep(3000):find("(a*)(a*)(a*)%1%2%3b"))`, "", ErrCPU},
	{"pattern on a long text", `while true do (("a"):rep(1e6)):find(".-.-b") end`, "", ErrCPU},
	{"long pattern", `return (("a"):find(("a?"):rep(1e5)))`, "pattern too", nil},
	{"concat of a giant", `local t, s = {}, ("x"):rep(1e6) for i = 1, 100 do t[i] = s end return table.concat(t)`, "string too long", nil},
	{"concat far beyond the end", `return table.concat({}, "x", 1, 1e9)`, "invalid value", nil},
	{"unpack of a giant", `return unpack({}, 1, 1e8)`, "too many results", nil},
	{"unpack in a loop", `local t = {} for i = 1, 8000 do t[i] = i end while true do local a = {unpack(t)} end`, "", ErrCPU},
	{"select in a loop", `local t = {} for i = 1, 8000 do t[i] = i end while true do local a = select("#", unpack(t)) end`, "", ErrCPU},
	{"wide format", `return string.format("%99999d", 1)`, "invalid format", nil},
	{"precise format", `return string.format("%.9999f", 1)`, "invalid format", nil},
	{"sparse index", `local t = {} t[60000000] = 1 t[2^40] = 2 return #t`, "", nil},
	{"sparse indices in a loop", `while true do local t = {} t[262143] = 1 end`, "", ErrCPU},
	{"front insertion", `local t = {} while true do table.insert(t, 1, 1) end`, "", ErrCPU},
	{"front removal", `local t = {} for i = 1, 200000 do t[i] = i end while true do table.remove(t, 1) table.insert(t, 1) end`, "", ErrCPU},
	{"length of a table full of holes", `local t = {} t[262143] = 1 t[262143] = nil while true do local n = #t end`, "", ErrCPU},
	{"next through dead keys", `local t = {} for i = 1, 20000 do t["k" .. i] = i end for i = 1, 20000 do t["k" .. i] = nil end while true do next(t) end`, "", ErrCPU},
	{"recursion", `local function f() return 1 + f() end return f()`, "stack overflow", nil},
	{"recursion in a coroutine", `local function f() return 1 + f() end return coroutine.wrap(f)()`, "stack overflow", nil},
	{"recursion in __index", `local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x`, "stack overflow", nil},
	{"recursion in __tostring", `local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)`, "stack overflow", nil},
	{"__index chain", `local t = {} for i = 1, 200 do t = setmetatable({}, {__index = t}) end return t.x`, "too many recursions", nil},
	{"wide recursion", `local function f(...) return 1 + f(1, 2, 3, 4, 5, ...) end return f()`, "", nil},
	{"nested pcalls", `local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end f()`, "stack overflow", nil},
	{"nested coroutines", `local function f() return coroutine.wrap(f)() end f()`, "stack overflow", nil},
	{"nested xpcalls", `local function f() local ok, e = xpcall(f, function(e) return e end) if not ok then error(e, 0) end end f()`, "stack overflow", nil},
	{"nested sorts", `local function f() table.sort({2, 1}, f) end f()`, "stack overflow", nil},
	{"coroutines in loops that are left", `while true do for x in coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) do break end end`, "", ErrCPU},
	{"kept coroutines", `local keep = {} for i = 1, 1e7 do local co = coroutine.create(function() coroutine.yield(("x"):rep(100)) end) coroutine.resume(co) keep[i] = co end`, "", nil},
	{"two tables that are each other's __index", `local a, b = {}, {} setmetatable(a, {__index = b}) setmetatable(b, {__index = a}) return a.x`, "too many recursions", nil},
	{"__tostring that gives a table", `return tostring(setmetatable({}, {__tostring = function() return {} end}))`, "must return a string", nil},
	{"__tostring that raises itself", `error(setmetatable({}, {__tostring = function(t) error(t) end}))`, "table as its message", nil},
	{"__tostring that catches for ever", `error(setmetatable({}, {__tostring = function(t) while true do pcall(error, t) end end}))`, "table as its message", ErrCPU},
	{"comparator that empties the list", `local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function(a, b) for i = 1, 1000 do t[i] = nil end return a < b end)`, "", nil},
	{"keys added while they are walked over", `local t = {1, 2, 3} for k in pairs(t) do t[k + 10000] = 1 end`, "", nil},
	{"keys renamed while they are walked over", `local t = {} for i = 1, 1000 do t[i] = i end for k, v in pairs(t) do t[k] = nil t["x" .. k] = v end`, "", nil},
	{"frontiers for ever", `local s = ("ab "):rep(1e6) while true do s:gsub("%f[%w]%w+%f[%W]", "%0%0") end`, "", nil},
	{"error without a message", `error()`, "without a message", nil},
	{"error with a table", `error({})`, "table as its message", nil},
	{"error with a message in a table", `error({message = "sorry"})`, "sorry", nil},
	{"error in tostring", `error(setmetatable({}, {__tostring = function() error("again") end}))`, "table as its message", nil},
	{"endless tostring", `error(setmetatable({}, {__tostring = function() while true do end end}))`, "table as its message", ErrCPU},
	{"error with a long message", `error(("x"):rep(1e6))`, "xxx...", nil},
	{"error with a function", `error(print)`, "error with a function", nil},
	{"upper of 16 MB", `local s = ("x"):rep(16e6) while true do s:upper() end`, "", ErrCPU},
	{"lower of 16 MB", `local s = ("X"):rep(16e6) while true do s:lower() end`, "", ErrCPU},
	{"reverse of 16 MB", `local s = ("x"):rep(16e6) while true do s:reverse() end`, "", ErrCPU},
	{"byte of 16 MB", `local s = ("x"):rep(16e6) while true do for i = 1, #s do s:byte(i) end end`, "", ErrCPU},
	{"sub of 16 MB", `local s = ("x"):rep(16e6) while true do local a = s:sub(2) end`, "", ErrCPU},
	{"16 MB as a key", `local s, t = ("x"):rep(16e6), {} while true do t[s] = 1 end`, "", ErrCPU},
	{"comparing 16 MB", `local a, b = ("x"):rep(16e6), ("x"):rep(16e6) while true do if a < b then return end end`, "", ErrCPU},
	{"16 MB as a number", `local s = ("1"):rep(16e6) while true do local n = tonumber(s) end`, "", ErrCPU},
	{"16 MB in arithmetic", `local s = ("1"):rep(16e6) while true do local ok = pcall(function() return s + 1 end) end`, "", ErrCPU},
	{"find in 16 MB", `local s = ("x"):rep(16e6) while true do s:find("y", 1, true) end`, "", ErrCPU},
	{"find of 8 MB in 16 MB", `local s, long = ("a"):rep(16e6), ("a"):rep(8e6) .. "b" while true do s:find(long, 1, true) end`, "", ErrCPU},
	{"quoting of 16 MB", `local s = ("\n"):rep(16e6) while true do string.format("%q", s) end`, "too long", nil}, // the string, or the computing
	{"utf8.len of 16 MB", `local s = ("x"):rep(16e6) while true do utf8.len(s) end`, "", ErrCPU},
	{"tables for ever", `local t = {} while true do t = {t, {}, {}, {}} end`, "", nil},
	{"growing table", `local t = {} for i = 1, math.huge do t[i] = {} end`, "", nil},
	{"growing keys", `local t = {} for i = 1, math.huge do t["k" .. i] = i end`, "", nil},
	{"closures for ever", `local f = function() end while true do local g = f f = function() return g end end`, "", nil},
	{"print for ever", `while true do print("x") end`, "", ErrCPU},
	{"collectgarbage for ever", `while true do collectgarbage() collectgarbage("count") end`, "", ErrCPU},
	{"long date", `local f = ("%c"):rep(4e6) while true do os.date(f) end`, "format too long", nil},
	{"replacement that multiplies", `local s = ("x"):rep(1e6) return (s:gsub(".*", ("%0"):rep(3000)))`, "too long", nil}, // as above
	{"captures that multiply", `local s = ("x"):rep(1e6) return (s:gsub("(.*)", ("%1"):rep(3000)))`, "too long", nil},
	{"16 MB as a numeral of base 16", `local s = ("1"):rep(16e6) while true do local n = tonumber(s, 16) end`, "", ErrCPU},
	{"error with a very long message", `error(("x"):rep(16e6))`, "xxx...", nil},
	{"date for ever", `while true do os.date() end`, "", ErrCPU},
	{"os.exit", `os.exit(1)`, "os.exit: it does not exist here", nil},
	{"os.execute", `os.execute("sleep 10")`, "os.execute: it does not exist here", nil},
	{"changing strings", `getmetatable("").__index = nil`, "index", nil},
	{"metatable of a string", `setmetatable("", {})`, "table expected, got string", nil},
	{"changing the library", `string.format = nil rawset(string, "rep", nil) return ("x"):rep(3)`, "call", nil},
	{"undeclared global", `return undeclared`, `undeclared global "undeclared"`, nil},
	{"yield outside", `coroutine.yield()`, "outside a coroutine", nil},
	{"yield across pcall", `return assert(coroutine.wrap(function() return assert(pcall(coroutine.yield, 1)) end)())`, "outside a coroutine", nil},
	{"yield across a metamethod", `return coroutine.wrap(function() local t = setmetatable({}, {__index = function() coroutine.yield(1) end}) return t.x end)()`, "across", nil},
	{"yield across sort", `return coroutine.wrap(function() table.sort({2, 1}, function() coroutine.yield(1) end) end)()`, "across", nil},
	{"yield across gsub", `return coroutine.wrap(function() ("x"):gsub("x", function() coroutine.yield(1) end) end)()`, "across", nil},
	{"yield from an iterator", `return coroutine.wrap(function() for x in function() coroutine.yield(1) end do end end)()`, "across", nil},
	{"resuming itself", `local co co = coroutine.create(function() return coroutine.resume(co) end) local _, ok, e = coroutine.resume(co) error(e)`, "non-suspended", nil},
}

// maxLook is the most that a run may compute without a look at the clock, and
// maxHeavy where an instruction of gopher-lua's takes long by itself: so late may
// its end be after its deadline. maxHold is the most that it may compute in all,
// while its file's other runs wait; a slice of 50 ms is used up long before, but
// one that fills the memory also collects garbage.
const (
	maxLook  = 10 * time.Millisecond
	maxHeavy = 50 * time.Millisecond
	maxHold  = 200 * time.Millisecond
)

// heavy are the attacks with instructions that make a large table or a long
// string, or read all of it. What a Go function does it can do in parts.
var heavy = []string{
	"sparse index", "sparse indices in a loop", "length of a table full of holes", "growing table", "growing keys",
	"16 MB as a key", "comparing 16 MB", "rep in a loop",
	"doubling", "doubling in one expression", "gsub that doubles", "format that doubles",
	"replacement that multiplies", "captures that multiply", "error with a very long message",
}

// slowness is how much slower than usual the machine is, or a program that looks
// for data races: by what the heaviest instruction takes, t[262143] = 1, which no
// run can be made to do in parts.
func slowness() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const tries = 5
	start := cpuTime()
	for range tries {
		(&lua.LTable{}).RawSetInt(lua.MaxArrayIndex-1, lua.LTrue)
	}
	return max(float64(cpuTime()-start)/float64(tries*maxHeavy/2), 1)
}

// witness is the context of a run, which asks it for its error whenever it looks
// at the clock. It takes the CPU time of the run's thread, for that of the wall
// is also other people's, and calls what it is to call in the midst of the run.
type witness struct {
	context.Context
	looks int
	last  time.Duration // the thread's time
	gap   time.Duration // longest from one look to the next
	held  time.Duration // in all
	once  func()        // called at the first look
	often func()        // called at the first, second, fourth, eighth, ...
}

func (w *witness) Err() error {
	w.look()
	w.looks++
	if w.looks == 1 {
		w.once()
	}
	if w.looks&(w.looks-1) == 0 {
		w.often()
	}
	w.last = cpuTime()
	return w.Context.Err()
}

func (w *witness) look() {
	took := cpuTime() - w.last
	w.gap = max(w.gap, took)
	w.held += took
}

// watch does run with its goroutine on one thread.
func (w *witness) watch(run func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w.last = cpuTime()
	run()
	w.look()
}

// processStart is what cpuTime falls back on where threads have no clocks.
var processStart = time.Now()

func cpuTime() time.Duration {
	if ns, ok := threadTime(); ok {
		return time.Duration(ns)
	}
	return time.Since(processStart)
}

func healthy(u *Universe, fn lua.LValue, want int) func() error {
	return func() error {
		return u.Call(context.Background(), fn, nil, func(L *lua.LState, n int) error {
			if got := plainText(L.Get(1)); got != fmt.Sprint(want) {
				return fmt.Errorf("healthy = %s, want %d", got, want)
			}
			return nil
		})
	}
}

const healthySource = ` result = function() local t = {} for i = 1, 10 do t[i] = i * i end return #table.concat(t, ",") end `

func TestAttacks(t *testing.T) {
	dog := &Watchdog{Limit: heapObjects() + 256<<20}
	other := load(t, Options{Name: "other.lua", Watchdog: dog}, healthySource)
	stranger := healthy(other, global(t, other, "result"), 27)
	slice := time.Duration(float64(DefaultSlice) * slowness()) // or some would end before they do their worst
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			most := maxLook
			if slices.Contains(heavy, a.name) {
				most = maxHeavy
			}
			// Of what it takes the least counts: the system may be slow to give memory,
			// and is so at one time and not at another.
			var late string
			for range 10 {
				u := load(t, Options{Watchdog: dog, Slice: slice}, healthySource+"function check() "+a.body+" end")
				neighbour := healthy(u, global(t, u, "result"), 27)
				var err error
				late, err = underAttack(t, most, u, neighbour, stranger)
				judge(t, a.want, a.err, err)
				if err := neighbour(); err != nil && a.name != "changing the library" {
					t.Errorf("the file's next run failed: %v", err)
				}
				if late == "" {
					return
				}
				runtime.GC() // or the next would end at once, for want of memory
			}
			t.Error(late)
		})
	}
}

// underAttack makes an attack, while a neighbour of the same file waits and a
// stranger of another file goes on. It may compute for most between two looks;
// late tells what took longer than it may.
func underAttack(t *testing.T, most time.Duration, u *Universe, neighbour, stranger func() error) (late string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var waiting sync.WaitGroup
	var slowest time.Duration
	w := &witness{Context: ctx}
	w.once = func() { waiting.Go(func() { _ = neighbour() }) }
	w.often = func() {
		start := cpuTime()
		if err := stranger(); err != nil {
			t.Errorf("a run of another file failed: %v", err)
		}
		slowest = max(slowest, cpuTime()-start)
	}
	w.watch(func() { _, err = call(t, u, w) })
	waiting.Wait()
	t.Logf("held its file for %v, looked after %v at most; another file took %v: %v", w.held, w.gap, slowest, err)
	for _, c := range []struct {
		what      string
		got, most time.Duration
	}{
		{"the run computed without a look at the clock", w.gap, most},
		{"the run computed in all", w.held, maxHold},
		{"a run of another file computed", slowest, maxHeavy},
	} {
		if c.got <= c.most {
			continue
		}
		if slow := slowness(); float64(c.got) > float64(c.most)*slow {
			late = fmt.Sprintf("%s for %v, want at most %v on a machine that is %.1f times as slow as usual", c.what, c.got, c.most, slow)
		}
	}
	return late, err
}

func judge(t *testing.T, want string, cause, err error) {
	t.Helper()
	var e *Error
	if err == nil {
		return // it came to an end, which is as good
	}
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T, want *Error: %v", err, err)
	}
	if !strings.Contains(e.Message, want) {
		t.Errorf("message = %q, want %q in it", e.Message, want)
	}
	if cause != nil && !errors.Is(err, cause) {
		t.Errorf("cause = %v, want %v", e.Cause, cause)
	}
	if strings.Contains(e.Message, "internal error") {
		t.Errorf("message = %q: a Go panic", e.Message)
	}
}
