package luaapi

import (
	"context"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Any bytes are a configuration or an error, within the time for loading.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"metric_watchers = {}", "metric_watchers = { pharos.MetricWatcher{ name = 'x' } }", "import pharos", "while true do end",
		"metric_watcher_sets = { pharos.WatcherSet('a', { 1 }) }", "metric_watchers = setmetatable({}, { __index = error })",
		"metric_watchers = { pharos.CommandMetricWatcher{ name = 'x', command = {}, thresholds = { {} } } }", "\xff\x00", "--[[",
		"local C = pharos.Class:extend{} C.super = C metric_watchers = { C{} }", "pharos.MetricWatcher.options = nil metric_watchers = { pharos.MetricWatcher{} }",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newTestBoard(t)
		b.loadTimeout = 200 * time.Millisecond
		b.write("pharos.lua", text)
		config, err := Load(context.Background(), b.Options)
		if err == nil {
			config.Close()
		}
	})
}

// Any text and number is a duration within bounds or an error.
func FuzzDurationOf(f *testing.F) {
	for _, seed := range []string{"1m30s", "3d", "1e400h", "-1s", "9223372036854775807d", "µs", "d5s", "1d-5s"} {
		f.Add(seed, 1.5)
	}
	f.Fuzz(func(t *testing.T, text string, number float64) {
		for _, v := range []lua.LValue{lua.LString(text), lua.LNumber(number)} {
			if d, err := durationOf(v); err == nil && (d < 0 || d > maxDuration) {
				t.Errorf("durationOf(%v) = %v, want 0 to %v", v, d, maxDuration)
			}
		}
	})
}
