package luaapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// clock is the time that scripts see. A test of scripts has one of its own.
type clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error // the context's error if that ends first
}

// wallClock is the real time.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	if !sleep(ctx, d) {
		return ctx.Err()
	}
	return nil
}

// timeModule is pharos.time: now, monotonic, sleep, parse, format and seconds.
func (s *script) timeModule(L *lua.LState) lua.LValue {
	epoch := s.clock.Now()
	return s.newModule(L, "pharos.time",
		member{"now", func(L *lua.LState) int {
			L.Push(lua.LNumber(float64(s.clock.Now().UnixMicro()) / 1e6))
			return 1
		}},
		member{"monotonic", func(L *lua.LState) int {
			L.Push(lua.LNumber(s.clock.Now().Sub(epoch).Seconds()))
			return 1
		}},
		member{"sleep", s.timeSleep},
		member{"parse", s.timeParse},
		member{"format", s.timeFormat},
		member{"seconds", func(L *lua.LState) int {
			d, err := durationOf(L.CheckAny(1))
			if err != nil {
				L.RaiseError("cannot use duration: %s", err)
			}
			L.Push(lua.LNumber(d.Seconds()))
			return 1
		}},
	)
}

// timeSleep is pharos.time.sleep(duration). Other watchers run meanwhile. Past
// the run's time it gives nil and an error of kind timeout.
func (s *script) timeSleep(L *lua.LState) int {
	d, err := durationOf(L.CheckAny(1))
	if err != nil {
		L.RaiseError("cannot sleep: %s", err)
	}
	e := &Event{Kind: "time.sleep", Text: d.String()}
	slept, err := reach(s, L, e, 0, func(ctx context.Context) (bool, error) {
		if err := s.clock.Sleep(ctx, d); err != nil {
			return false, &probe.Error{Kind: probe.Timeout, Message: "sleeping " + d.String() + ": the run's time ended", Err: err}
		}
		return true, nil
	})
	s.done(L, e)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(lua.LBool(slept))
	return 1
}

// timeLayouts are the ways of writing a time that parse knows.
var timeLayouts = []string{
	time.RFC3339Nano, http.TimeFormat, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate,
	"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly,
	"Jan _2 15:04:05 2006 MST",
}

// timeParse is pharos.time.parse(text): Unix seconds, or nil and an error. A
// time without a zone is UTC.
func (s *script) timeParse(L *lua.LState) int {
	text, reason := L.CheckString(1), "no known form"
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if zone, known := knownZone(t); !known {
			reason = fmt.Sprintf("the zone %q is not known here", zone)
			break
		}
		L.Push(lua.LNumber(float64(t.UnixMicro()) / 1e6))
		return 1
	}
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return s.pushError(L, &probe.Error{Kind: probe.Proto, Message: "parsing time \"" + text + "\": " + reason})
}

// knownZone tells whether the time that was parsed is in the zone that the text
// named: for an abbreviation that is not of this machine's zone, package time
// makes one up, without an offset.
func knownZone(t time.Time) (name string, known bool) {
	name, offset := t.Zone()
	made := offset == 0 && t.Location() != time.UTC && t.Location() != time.Local
	return name, !made || name == "GMT" || name == ""
}

// timeFormat is pharos.time.format(seconds): UTC, as RFC 3339, which knows the
// years 0 to 9999.
func (s *script) timeFormat(L *lua.LState) int {
	seconds := vm.CheckNumber(L, 1)
	if !(seconds >= vm.FirstSecond && seconds <= vm.LastSecond) {
		L.RaiseError("cannot format time %s: its year is not 0 to 9999", vm.FormatNumber(seconds))
	}
	L.Push(lua.LString(time.UnixMicro(int64(seconds * 1e6)).UTC().Format(time.RFC3339)))
	return 1
}
