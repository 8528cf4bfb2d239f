package vm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// withSleep gives scripts a primitive: sleep(seconds) waits, and returns true,
// or nil and an error when its context ended first.
func withSleep(L *lua.LState, env *lua.LTable) error {
	env.RawSetString("sleep", L.NewFunction(func(L *lua.LState) int {
		d := time.Duration(checkNumber(L, 1) * float64(time.Second))
		var err error
		Block(L, func(ctx context.Context) {
			select {
			case <-time.After(d):
			case <-ctx.Done():
				err = ctx.Err()
			}
		})
		if err != nil {
			L.Push(lua.LNil)
			L.Push(NewErrorValue(L, err, map[string]lua.LValue{"kind": lua.LString("timeout")}))
			return 2
		}
		L.Push(lua.LTrue)
		return 1
	}))
	return nil
}

// In a primitive a run has a reserve less than its whole time, so that the
// script can look at what became of it.
func TestReserve(t *testing.T) {
	for _, c := range []struct{ timeout, want time.Duration }{
		{100 * time.Millisecond, 90 * time.Millisecond},
		{time.Second, 950 * time.Millisecond},
		{10 * time.Second, 9900 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			u := load(t, Options{Setup: withSleep}, `check = function() local ok, err = sleep(60) return err.kind, tostring(err) end`)
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			start := time.Now()
			got, err := call(t, u, ctx)
			if want := "timeout context deadline exceeded"; got != want || err != nil {
				t.Errorf("call = %q, %v, want %q", got, err, want)
			}
			if took := time.Since(start); took != c.want {
				t.Errorf("with a timeout of %v the primitive took %v, want %v", c.timeout, took, c.want)
			}
		})
	}
}

// The end of a run cannot be caught for good, in a primitive or out of it.
func TestEndWhileWaiting(t *testing.T) {
	const src = `check = function() pcall(function() while true do sleep(60) end end) return "swallowed" end`
	u := load(t, Options{Setup: withSleep}, src)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := call(t, u, ctx); !errors.Is(err, ErrDeadline) {
		t.Errorf("call = %q, %v, want %v", got, err, ErrDeadline)
	}
	synctest.Test(t, func(t *testing.T) {
		u := load(t, Options{Setup: withSleep}, src)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		start := time.Now()
		_, err := call(t, u, ctx)
		var e *Error
		if !errors.As(err, &e) || e.Cause != ErrCancelled || !e.Waiting {
			t.Errorf("err = %v (waiting: %t), want %v while waiting", err, e != nil && e.Waiting, ErrCancelled)
		}
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("the cancelled run ended after %v, want 300ms", took)
		}
	})
}

// A thousand runs of one file wait at once.
func TestBlockGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := load(t, Options{Setup: withSleep}, `local n = 0 check = function() sleep(1) n = n + 1 return n end`)
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := call(t, u, t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("1000 runs that wait a second took %v", took)
		}
		if got, _ := call(t, u, t.Context()); got != "1001" {
			t.Errorf("the count after 1001 runs is %s", got)
		}
	})
}

// A run that waits for the baton gives up when its time is over.
func TestWaitingForTheBaton(t *testing.T) {
	u := load(t, Options{Slice: time.Minute}, `check = function() return 1 end`)
	entered, leave := make(chan struct{}), make(chan struct{})
	go u.Do(context.Background(), func(*lua.LState) error {
		close(entered)
		<-leave
		return nil
	})
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := u.Call(ctx, lua.LNil, nil, nil)
	if !errors.Is(err, ErrDeadline) {
		t.Errorf("Call = %v, want %v", err, ErrDeadline)
	}
	close(leave)
	if got, err := call(t, u, t.Context()); got != "1" || err != nil {
		t.Errorf("the next call = %q, %v", got, err)
	}
}

func TestBatonIsFair(t *testing.T) {
	var b baton
	const goroutines, rounds = 50, 200
	b.relock()
	var order, wg = make(chan int, goroutines*rounds), sync.WaitGroup{}
	for i := range goroutines {
		before := waiting(&b)
		wg.Go(func() {
			for range rounds {
				b.relock()
				order <- i
				b.unlock()
				runtime.Gosched()
			}
		})
		for waiting(&b) == before {
			runtime.Gosched()
		}
	}
	b.unlock()
	wg.Wait()
	for want := range goroutines {
		if got := <-order; got != want {
			t.Fatalf("turn %d went to %d: not first come, first served", want, got)
		}
	}
	if b.held || b.head != nil {
		t.Error("the baton is held when all are done")
	}
}

func waiting(b *baton) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := b.head; w != nil; w = w.next {
		n++
	}
	return n
}

func TestBatonAbandoned(t *testing.T) {
	var b baton
	for range 200 {
		b.relock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.lock(ctx) }()
		for waiting(&b) == 0 {
			runtime.Gosched()
		}
		go cancel()
		b.unlock()
		if err := <-done; err == nil {
			b.unlock()
		}
		b.relock() // nobody has it
		b.unlock()
	}
}

// A stop that comes late hits nobody: not the next run that uses the pooled one.
func TestLateStop(t *testing.T) {
	u := load(t, Options{}, `check = function() return 1 end`)
	if _, err := call(t, u, t.Context()); err != nil {
		t.Fatal(err)
	}
	r := u.free[len(u.free)-1]
	late := r.generation()
	stopped := false
	err := u.Do(t.Context(), func(L *lua.LState) error {
		if runOf(L) != r {
			t.Fatal("the pooled run was not used again")
		}
		r.halt(late, stopCPU)
		stopped = r.stopped()
		r.halt(r.generation(), stopCPU)
		return nil
	})
	if stopped {
		t.Error("a stop of an earlier generation stopped the run")
	}
	if err != nil {
		t.Errorf("Do = %v", err)
	}
	if got, err := call(t, u, t.Context()); got != "1" || err != nil {
		t.Errorf("the next call = %q, %v", got, err)
	}
}

// A coroutine kept between runs belongs to whoever resumes it, and one that
// waits in a primitive cannot be resumed by another.
func TestCoroutinesAcrossRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := load(t, Options{Setup: withSleep}, `
			local gen = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
			local slow = coroutine.create(function() sleep(1) return "slept" end)
			check = function() return gen() end
			result = function() return coroutine.resume(slow) end`)
		for want := 1; want <= 3; want++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if got, err := call(t, u, ctx); got != fmt.Sprint(want) || err != nil {
				t.Errorf("run %d = %q, %v", want, got, err)
			}
			cancel()
		}
		var got [2]string
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				_ = u.Call(t.Context(), global(t, u, "result"), nil, func(L *lua.LState, n int) error {
					got[i] = plainText(L.Get(2))
					return nil
				})
			})
		}
		wg.Wait()
		if want := [2]string{"slept", "cannot resume non-suspended coroutine"}; got != want {
			t.Errorf("resumed twice = %q, want %q", got, want)
		}
	})
}

func TestPanicInPrimitive(t *testing.T) {
	u := load(t, Options{Setup: func(L *lua.LState, env *lua.LTable) error {
		env.RawSetString("waits", L.NewFunction(func(L *lua.LState) int {
			Block(L, func(context.Context) { panic("oh no") })
			return 0
		}))
		env.RawSetString("works", L.NewFunction(func(L *lua.LState) int { panic("oh no") }))
		return nil
	}}, `check = function() local a, b = pcall(waits) local c, d = pcall(works) return a, b, c, d end`)
	got, err := call(t, u, t.Context())
	if want := "false internal error in a primitive: oh no false internal error: oh no"; got != want || err != nil {
		t.Errorf("call = %q, %v, want %q", got, err, want)
	}
}

func TestErrorValue(t *testing.T) {
	cause := errors.New("connection refused")
	u := load(t, Options{Setup: func(L *lua.LState, env *lua.LTable) error {
		env.RawSetString("get", L.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LNil)
			L.Push(NewErrorValue(L, cause, map[string]lua.LValue{"kind": lua.LString("refused")}))
			return 2
		}))
		return nil
	}}, "check = function()\n local _, err = get() result = err.kind .. '/' .. tostring(err) .. '/' .. err \nassert(get()) end")
	_, err := call(t, u, t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Value != cause || !errors.Is(err, cause) {
		t.Fatalf("err = %#v, want one that carries %v", err, cause)
	}
	if e.Message != "connection refused" || e.File != "test.lua" || e.Line != 3 {
		t.Errorf("err = %v, want connection refused at test.lua:3", e)
	}
	if got := global(t, u, "result"); got != lua.LString("refused/connection refused/connection refused") {
		t.Errorf("the script saw %v", got)
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := load(t, Options{Setup: withSleep}, `check = function() sleep(1) return "went on" end`)
		time.AfterFunc(100*time.Millisecond, u.Close)
		if got, err := call(t, u, t.Context()); !errors.Is(err, ErrCancelled) {
			t.Errorf("call during Close = %q, %v, want %v", got, err, ErrCancelled)
		}
		if err := u.Do(t.Context(), func(*lua.LState) error { return nil }); !errors.Is(err, ErrCancelled) {
			t.Errorf("Do after Close = %v, want %v", err, ErrCancelled)
		}
	})
}

// Three files, three thousand runs that fail, panic, are cancelled, compute too
// long, sort, resume and call protected with waits inside: no update is lost.
func TestConcurrentRuns(t *testing.T) {
	const src = `
		local n, kept = 0, {}
		local gen = coroutine.wrap(function() local i = 0 while true do i = i + 1 coroutine.yield(i) end end)
		check = function(kind)
			n = n + 1
			local before = n
			if kind == 0 then return n
			elseif kind == 1 then error("wrong")
			elseif kind == 2 then boom()
			elseif kind == 3 then local ok = pcall(function() sleep(0.001) error("inside") end) return ok
			elseif kind == 4 then local t = {5, 3, 4, 1, 2} table.sort(t, function(a, b) sleep(0.0001) return a < b end) return table.concat(t)
			elseif kind == 5 then return coroutine.wrap(function() sleep(0.001) coroutine.yield(1) end)()
			elseif kind == 6 then return (("abc"):gsub("%w", function(c) sleep(0.0001) return c:upper() end))
			elseif kind == 7 then sleep(60)
			elseif kind == 8 then return gen()
			elseif kind == 9 then local s = setmetatable({}, {__index = function(_, k) sleep(0.0001) return k end}) return s.x .. s.y
			elseif kind == 10 then local function f() return 1 + f() end return f()
			elseif kind == 11 then local up = 0 local function inc() up = up + 1 end pcall(function() inc() sleep(0.0001) inc() error() end) kept[before % 50 + 1] = inc inc() return up
			elseif kind == 12 then while true do end
			end
		end
		result = function() return n end`
	want := map[int]string{3: "false", 4: "12345", 5: "1", 6: "ABC", 9: "xy", 11: "3"}
	setup := func(L *lua.LState, env *lua.LTable) error {
		env.RawSetString("boom", L.NewFunction(func(*lua.LState) int { panic("boom") }))
		return withSleep(L, env)
	}
	dog := &Watchdog{}
	const files, runs = 3, 1000
	var universes [files]*Universe
	for i := range universes {
		// What computes without end has a second: a busy machine, with the garbage of
		// all the others to collect, takes longer than usual for the innocent ones.
		universes[i] = load(t, Options{Setup: setup, Watchdog: dog, Slice: time.Second}, src)
	}
	var wg sync.WaitGroup
	var never [files]atomic.Int32 // runs cancelled before they had the baton
	for i := range files * runs {
		u, kind := universes[i%files], i/files%12
		if i/files%500 == 499 {
			kind = 12
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if kind == 7 {
				time.AfterFunc(2*time.Millisecond, cancel)
			}
			var got string
			var e *Error
			err := u.Call(ctx, u.env.RawGetString("check"), []lua.LValue{lua.LNumber(kind)}, func(L *lua.LState, n int) error {
				got = plainText(L.Get(1))
				return nil
			})
			if errors.As(err, &e) && strings.HasPrefix(e.Message, waitingForOthers) {
				never[i%files].Add(1)
			}
			if fails := kind == 1 || kind == 2 || kind == 7 || kind == 10 || kind == 12; (err != nil) != fails {
				t.Errorf("kind %d = %q, %v", kind, got, err)
			} else if want[kind] != "" && got != want[kind] {
				t.Errorf("kind %d = %q, want %q", kind, got, want[kind])
			}
		})
	}
	wg.Wait()
	for i, u := range universes {
		_ = u.Call(t.Context(), global(t, u, "result"), nil, func(L *lua.LState, n int) error {
			if got := int(L.Get(1).(lua.LNumber)); got != runs-int(never[i].Load()) {
				t.Errorf("counted %d runs, want %d less %d that never ran", got, runs, never[i].Load())
			}
			return nil
		})
	}
}
