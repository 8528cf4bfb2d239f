package vm

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestMemoryLimit(t *testing.T) {
	dog := &Watchdog{Limit: heapObjects() + 64<<20}
	u := load(t, Options{Watchdog: dog, Slice: time.Minute}, `
		check = function() local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end end
		result = function() return "fine" end`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := call(t, u, ctx); !errors.Is(err, ErrMemory) {
		t.Errorf("call = %v, want %v", err, ErrMemory)
	}
	if heap, most := heapObjects(), 3*dog.Limit; heap > most {
		t.Errorf("the heap has %d bytes, want at most %d", heap, most)
	}
	if err := u.Call(t.Context(), global(t, u, "result"), nil, nil); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

// A Go function that does not come back takes its universe with it, and only it.
func TestWedged(t *testing.T) {
	free := make(chan struct{})
	wedged := make(chan *Universe, 1)
	dog := &Watchdog{wedgedAfter: 50 * time.Millisecond, Wedged: func(u *Universe) { wedged <- u }}
	u := load(t, Options{Watchdog: dog, Setup: func(L *lua.LState, env *lua.LTable) error {
		env.RawSetString("stuck", L.NewFunction(func(*lua.LState) int { <-free; return 0 }))
		return nil
	}}, `check = function() stuck() end`)
	other := load(t, Options{Watchdog: dog}, `check = function() return 1 end`)
	fn := global(t, u, "check")
	ended := make(chan error)
	go func() { ended <- u.Call(context.Background(), fn, nil, nil) }()
	if got := <-wedged; got != u {
		t.Errorf("wedged: %s, want %s", got.Name(), u.Name())
	}
	if err := u.Call(t.Context(), fn, nil, nil); !errors.Is(err, ErrCancelled) {
		t.Errorf("a call of the wedged universe = %v, want %v", err, ErrCancelled)
	}
	if got, err := call(t, other, t.Context()); got != "1" || err != nil {
		t.Errorf("a call of another universe = %q, %v", got, err)
	}
	close(free)
	<-ended
}

// A run that has not answered because the process was stopped, as when a virtual
// machine is, is not given up: it could not. One that does not answer is, however
// long each look takes, as it does while memory is over its limit.
func TestStoppedIsNotWedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, in := make(chan struct{}), make(chan struct{})
		wedged := make(chan *Universe, 1)
		dog := &Watchdog{Wedged: func(u *Universe) { wedged <- u }}
		dog.awake.Store(true) // it looks when it is told to
		u := load(t, Options{Watchdog: dog, Setup: func(L *lua.LState, env *lua.LTable) error {
			env.RawSetString("busy", L.NewFunction(func(*lua.LState) int { in <- struct{}{}; <-free; return 0 }))
			return nil
		}}, `check = function() busy() return 1 end`)
		ended := make(chan error)
		begin := func() {
			go func() {
				_, err := call(t, u, context.Background())
				ended <- err
			}()
			<-in
		}
		givenUp := func() bool {
			synctest.Wait()
			return len(wedged) > 0
		}

		begin()
		for range 3 {
			dog.look()
		}
		time.Sleep(time.Hour)
		dog.look()
		free <- struct{}{}
		if err := <-ended; err != nil || givenUp() {
			t.Errorf("the run = %v, given up: %v; want neither", err, givenUp())
		}

		begin()
		began := time.Now()
		for !givenUp() && time.Since(began) < time.Minute {
			time.Sleep(300 * time.Millisecond)
			dog.look()
		}
		if took := time.Since(began); took < defaultWedgedAfter || took > 4*defaultWedgedAfter {
			t.Errorf("given up after %v, want %v to %v", took, defaultWedgedAfter, 4*defaultWedgedAfter)
		}
		close(free)
		<-ended
	})
}

// Memory that no run is to blame for is the largest universe's.
func TestLeaked(t *testing.T) {
	runtime.GC() // what other tests left must not count
	leaked := make(chan *Universe, 1)
	dog := &Watchdog{Limit: heapObjects() + 40<<20, Leaked: func(u *Universe, _ uint64) {
		select {
		case leaked <- u:
		default:
		}
	}}
	big := load(t, Options{Name: "big.lua", Watchdog: dog, Slice: time.Minute}, `
		local kept = {}
		check = function() kept[#kept + 1] = ("x"):rep(8e6) end`)
	small := load(t, Options{Name: "small.lua", Watchdog: dog}, `check = function() return 1 end`)
	for range 10 {
		if _, err := call(t, big, t.Context()); err != nil && !errors.Is(err, ErrMemory) {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if _, err := call(t, small, t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case u := <-leaked:
			if u != big {
				t.Errorf("leaked: %s, want %s", u.Name(), big.Name())
			}
			return
		default:
		}
	}
	t.Error("nobody was told of the leak")
}

func TestWatchdogSleeps(t *testing.T) {
	dog := &Watchdog{}
	u := load(t, Options{Watchdog: dog, Setup: func(L *lua.LState, env *lua.LTable) error {
		env.RawSetString("awake", L.NewFunction(func(L *lua.LState) int { L.Push(lua.LBool(dog.awake.Load())); return 1 }))
		return nil
	}}, `check = function() return awake() end`)
	if got, err := call(t, u, t.Context()); err != nil || got != "true" {
		t.Errorf("in a run: %v, awake %s", err, got)
	}
	for deadline := time.Now().Add(time.Minute); dog.awake.Load(); time.Sleep(tick) {
		if time.Now().After(deadline) {
			t.Fatal("awake though nothing runs")
		}
	}
	if got, err := call(t, u, t.Context()); err != nil || got != "true" {
		t.Errorf("in a run later: %v, awake %s", err, got)
	}
}

func TestPoolShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := load(t, Options{Setup: withSleep}, `check = function() sleep(0.05) end`)
		done := make(chan error)
		const burst = 200
		fn := global(t, u, "check")
		for range burst {
			go func() { done <- u.Call(context.Background(), fn, nil, nil) }()
		}
		for range burst {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if n := len(u.free); n < burst/2 {
			t.Fatalf("%d runs in the pool after a burst of %d", n, burst)
		}
		for i := range int64(20) {
			if _, err := call(t, u, t.Context()); err != nil {
				t.Fatal(err)
			}
			u.trim(i)
		}
		if n := len(u.free); n > 3 {
			t.Errorf("%d runs in the pool when one is used, want at most 3", n)
		}
	})
}

// keeps is a userdata's value that keeps Lua values out of Lua's sight.
type keeps []lua.LValue

func (k keeps) Weigh(add func(lua.LValue)) (bytes int) {
	for _, v := range k {
		add(v)
	}
	return 1000
}

// What Go keeps for a script is weighed with the script's own.
func TestWeigh(t *testing.T) {
	u := load(t, Options{}, `check = function() end`)
	before := u.weigh()
	err := u.Do(t.Context(), func(L *lua.LState) error {
		u.env.RawSetString("result", &lua.LUserData{Value: keeps{lua.LString(strings.Repeat("x", 5000))}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := u.weigh() - before; got < 6000 || got > 7000 {
		t.Errorf("5,000 bytes of text and 1,000 of Go's weigh %d", got)
	}
}
