package luaapi

import (
	"math"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestDurationOf(t *testing.T) {
	for _, test := range []struct {
		in   lua.LValue
		want time.Duration // negative: an error
	}{
		{lua.LNumber(2), 2 * time.Second},
		{lua.LNumber(0.25), 250 * time.Millisecond},
		{lua.LString("250ms"), 250 * time.Millisecond},
		{lua.LString("2s"), 2 * time.Second},
		{lua.LString("1m30s"), 90 * time.Second},
		{lua.LString("2h"), 2 * time.Hour},
		{lua.LString("3d"), 72 * time.Hour},
		{lua.LString("1d12h"), 36 * time.Hour},
		{lua.LNumber(0), 0},
		{lua.LString("2"), -1},
		{lua.LString(""), -1},
		{lua.LString("d"), -1},
		{lua.LString("2 s"), -1},
		{lua.LString("-2s"), -1},
		{lua.LString("400d"), -1},
		{lua.LString("1d-5s"), -1},
		{lua.LNumber(-1), -1},
		{lua.LNumber(math.NaN()), -1},
		{lua.LNumber(math.Inf(1)), -1},
		{lua.LNumber(1e12), -1},
		{lua.LTrue, -1},
		{lua.LNil, -1},
		{nil, -1},
	} {
		got, err := durationOf(test.in)
		if test.want < 0 && err == nil || test.want >= 0 && (err != nil || got != test.want) {
			t.Errorf("durationOf(%v) = %v, %v, want %v", test.in, got, err, test.want)
		}
	}
}

func TestMillisecondsHint(t *testing.T) {
	for in, want := range map[lua.LValue]string{
		lua.LNumber(299):      "",
		lua.LNumber(300):      `300 is 5 minutes; the original's milliseconds are written "300ms"`,
		lua.LNumber(2000):     `2000 is 33 minutes; the original's milliseconds are written "2000ms"`,
		lua.LNumber(10000):    `10000 is 2 hours; the original's milliseconds are written "10000ms"`,
		lua.LString("2000ms"): "",
		lua.LString("1h"):     "",
	} {
		if got := millisecondsHint(in); got != want {
			t.Errorf("millisecondsHint(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestShortNumber(t *testing.T) {
	for in, want := range map[float64]string{
		0: "0", 42: "42", -3: "-3", 0.1 + 0.2: "0.3", 1234.5678: "1234.57", 1e6 + 0.5: "1000000",
		1e14: "100000000000000", 1.5e20: "1.5e+20", 0.00012345678: "0.000123457", 1e-9: "1e-09",
		math.Inf(1): "inf", math.Inf(-1): "-inf",
	} {
		if got := shortNumber(in); got != want {
			t.Errorf("shortNumber(%v) = %q, want %q", in, got, want)
		}
	}
}
