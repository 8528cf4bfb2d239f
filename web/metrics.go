package web

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// metrics is GET /metrics: what a Prometheus server asks for.
func (s *Server) metrics(c echo.Context) error {
	return s.metered.send(c, func() (*payload, error) {
		sn, err := s.snapshots.get(0)
		if err != nil {
			return nil, err
		}
		var m exposition
		m.pharos(s, &sn.board)
		m.watchers(&sn.board)
		m.streams(&sn.board)
		m.process(s.started)
		return newPayload("text/plain; version=0.0.4; charset=utf-8", m.Bytes()), nil
	})
}

// exposition is Prometheus's text format, version 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
type exposition struct{ bytes.Buffer }

func (m *exposition) family(name, kind, help string) {
	fmt.Fprintf(m, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// single writes a family of one series without labels.
func (m *exposition) single(name, kind, help string, value float64) {
	m.family(name, kind, help)
	m.sample(name, "", value)
}

// sample writes one series; labels are as [labels] gives them, or empty.
func (m *exposition) sample(name, labels string, value float64) {
	m.WriteString(name)
	if labels != "" {
		m.WriteByte('{')
		m.WriteString(labels)
		m.WriteByte('}')
	}
	m.WriteByte(' ')
	m.Write(strconv.AppendFloat(m.AvailableBuffer(), value, 'g', -1, 64))
	m.WriteByte('\n')
}

var labelEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labels writes name and value pairs.
func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i])
		b.WriteString(`="`)
		_, _ = labelEscaper.WriteString(&b, pairs[i+1])
		b.WriteByte('"')
	}
	return b.String()
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// pharos tells how Pharos itself does.
func (m *exposition) pharos(s *Server, b *Board) {
	m.family("pharos_build_info", "gauge", "The version that runs; always 1.")
	m.sample("pharos_build_info", labels("version", b.Version, "goversion", runtime.Version()), 1)
	m.single("pharos_board_revision", "gauge", "The board's revision: it counts up with every change.", float64(b.Rev))
	m.single("pharos_config_generation", "gauge", "The configuration that runs, counted from the start.", float64(b.Config.Generation))
	m.single("pharos_config_loaded_timestamp_seconds", "gauge", "When the configuration that runs was loaded.", b.Config.LoadedAt)
	m.single("pharos_config_last_reload_successful", "gauge", "Whether the last configuration that was found was taken.", boolValue(b.Config.Error == nil))
	m.single("pharos_viewers", "gauge", "Viewers with an open stream.", float64(s.hub.count()))
	m.single("pharos_runs_missed_total", "counter", "Runs that were due and dropped, all watchers together.", float64(b.Lag.Missed))
	m.single("pharos_watchers_late", "gauge", "Watchers whose last run was missed or began late.", float64(b.Lag.LateWatchers))
	m.single("pharos_lateness_p99_seconds", "gauge", "From due to start of a run, 99th percentile over ten seconds.", b.Lag.P99)
	m.single("pharos_lateness_max_seconds", "gauge", "From due to start of a run, the longest of ten seconds.", b.Lag.Max)

	const duration = "pharos_run_duration_seconds"
	m.family(duration, "histogram", "How long runs took, all watchers together.")
	d := s.cfg.Board.Durations()
	for _, bucket := range d.Buckets {
		m.sample(duration+"_bucket", labels("le", strconv.FormatFloat(bucket.AtMost.Seconds(), 'g', -1, 64)), float64(bucket.Runs))
	}
	m.sample(duration+"_bucket", labels("le", "+Inf"), float64(d.Runs))
	m.sample(duration+"_sum", "", d.Sum.Seconds())
	m.sample(duration+"_count", "", float64(d.Runs))
}

// watchers tells how each watcher does.
func (m *exposition) watchers(b *Board) {
	families := [...]struct {
		name, kind, help string
		value            func(*Tile) float64
	}{
		{"pharos_watcher_stale", "gauge", "Whether the last result is older than it should be.", func(t *Tile) float64 { return boolValue(t.Stale) }},
		{"pharos_watcher_shadowed", "gauge", "Whether the trouble of a watcher that it needs explains its own.", func(t *Tile) float64 { return boolValue(t.Shadow != "") }},
		{"pharos_watcher_since_timestamp_seconds", "gauge", "When the status began.", func(t *Tile) float64 { return t.Since }},
		{"pharos_watcher_last_run_duration_seconds", "gauge", "How long the last run took.", func(t *Tile) float64 { return t.Elapsed }},
		{"pharos_watcher_runs_total", "counter", "Runs that counted.", func(t *Tile) float64 { return float64(t.Runs) }},
		{"pharos_watcher_missed_total", "counter", "Runs that were due and dropped.", func(t *Tile) float64 { return float64(t.Missed) }},
	}
	counts, shadowed := map[engine.Status]int{}, 0
	const status = "pharos_watcher_status"
	m.family(status, "gauge", "1 for the status a watcher has, 0 for the others; 0 for all while it is shadowed.")
	for t := range tiles(b) {
		if t.Shadow == "" {
			counts[t.Status]++
		} else {
			shadowed++
		}
		id := labels("id", string(t.ID), "set", t.Set, "name", t.Name)
		for _, s := range engine.Statuses() {
			m.sample(status, id+","+labels("status", s.String()), boolValue(t.Status == s && t.Shadow == ""))
		}
	}
	for _, f := range families {
		m.family(f.name, f.kind, f.help)
		for t := range tiles(b) {
			m.sample(f.name, labels("id", string(t.ID)), f.value(t))
		}
	}
	m.family("pharos_watchers", "gauge", "Watchers that have a status, or are shadowed.")
	for _, s := range engine.Statuses() {
		m.sample("pharos_watchers", labels("status", s.String()), float64(counts[s]))
	}
	m.sample("pharos_watchers", labels("status", "shadowed"), float64(shadowed))
}

// streams tells how the streams of the watchers do that are set by events.
func (m *exposition) streams(b *Board) {
	for _, f := range [...]struct {
		name, kind, help string
		value            func(*Events) float64
	}{
		{"pharos_watcher_stream_up", "gauge", "Whether the stream that sets a watcher is open.", func(e *Events) float64 { return boolValue(e.Up) }},
		{"pharos_watcher_stream_restarts_total", "counter", "Times that the stream was opened again.", func(e *Events) float64 { return float64(e.Restarts) }},
		{"pharos_watcher_events_total", "counter", "Events that came, those dropped included.", func(e *Events) float64 { return float64(e.Count) }},
		{"pharos_watcher_events_dropped_total", "counter", "Events that came too fast to be looked at.", func(e *Events) float64 { return float64(e.Dropped) }},
	} {
		m.family(f.name, f.kind, f.help)
		for t := range tiles(b) {
			if t.Events != nil {
				m.sample(f.name, labels("id", string(t.ID)), f.value(t.Events))
			}
		}
	}
}

// process tells what Go's runtime knows of the process, under the names that
// every Go program's metrics have.
func (m *exposition) process(started time.Time) {
	families := [...]struct{ name, kind, help, source string }{
		{"go_goroutines", "gauge", "Number of goroutines that currently exist.", "/sched/goroutines:goroutines"},
		{"go_gc_cycles_total_gc_cycles_total", "counter", "Count of all completed GC cycles.", "/gc/cycles/total:gc-cycles"},
		{"go_memory_classes_total_bytes", "gauge", "All memory mapped by the Go runtime.", "/memory/classes/total:bytes"},
		{"go_memory_classes_heap_objects_bytes", "gauge", "Memory occupied by live and dead objects.", "/memory/classes/heap/objects:bytes"},
		{"go_sched_gomaxprocs_threads", "gauge", "Threads that run Go code at once, at most.", "/sched/gomaxprocs:threads"},
	}
	samples := make([]metrics.Sample, len(families))
	for i, f := range families {
		samples[i].Name = f.source
	}
	metrics.Read(samples)
	for i, f := range families {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			m.single(f.name, f.kind, f.help, float64(samples[i].Value.Uint64()))
		}
	}
	m.single("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", unixTime(started))
	if usage, ok := readProcess(); ok {
		m.single("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", usage.cpu.Seconds())
		m.single("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", float64(usage.resident))
		m.single("process_open_fds", "gauge", "Number of open file descriptors.", float64(usage.fds))
		m.single("process_max_fds", "gauge", "Maximum number of open file descriptors.", float64(usage.maxFDs))
	}
}

// processUsage is what the system says of the process.
type processUsage struct {
	cpu      time.Duration
	resident uint64 // bytes
	fds      int
	maxFDs   uint64
}
