package engine

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"
)

func benchBoard(n int) *Engine {
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	ws := make([]Watcher, n)
	for i := range ws {
		id := ID(fmt.Sprintf("set.watcher_%d", i))
		ws[i] = Watcher{ID: id, Name: string(id), Definition: "1", Interval: time.Second}
	}
	e.Replace(&Generation{Number: 1, Sets: []Set{{Watchers: ws}}})
	return e
}

// ids lists the entries of a board that benchBoard made.
func (b *Board) list() []*entry { return b.sets[0].entries }

// BenchmarkRecord gives what one result costs the board of 10,000 watchers.
func BenchmarkRecord(b *testing.B) {
	board := benchBoard(10_000).board
	entries := board.list()
	r := Result{Status: OK, Value: "0.1234", Unit: "s", Detail: "0.0010 0.1200 0.1234 (200)"}
	i := 0
	for b.Loop() {
		board.mu.Lock()
		board.record(entries[i%len(entries)], r, false)
		board.mu.Unlock()
		i++
	}
}

// BenchmarkChanges gives what a reader of a board of 10,000 watchers costs by
// how many changed since it last asked.
func BenchmarkChanges(b *testing.B) {
	for _, changed := range []int{0, 10, 100, 10_000} {
		b.Run(fmt.Sprintf("changed=%d", changed), func(b *testing.B) {
			board := benchBoard(10_000).board
			since := board.Rev()
			board.mu.Lock()
			for _, en := range board.list()[:changed] {
				board.record(en, Result{Status: OK}, false)
			}
			board.mu.Unlock()
			for b.Loop() {
				if u := board.Changes(since); len(u.Views) != changed {
					b.Fatalf("%d views, want %d", len(u.Views), changed)
				}
			}
		})
	}
}

// BenchmarkSnapshot gives what a new viewer of 10,000 watchers costs.
func BenchmarkSnapshot(b *testing.B) {
	board := benchBoard(10_000).board
	for b.Loop() {
		board.Snapshot()
	}
}

// BenchmarkReplace gives what a reload costs that changes nothing, and one that
// changes every definition.
func BenchmarkReplace(b *testing.B) {
	for _, change := range []bool{false, true} {
		b.Run(fmt.Sprintf("change=%v", change), func(b *testing.B) {
			e := benchBoard(10_000)
			gen := &Generation{Number: 2, Sets: []Set{{}}}
			for _, en := range e.board.list() {
				gen.Sets[0].Watchers = append(gen.Sets[0].Watchers, en.Watcher)
			}
			e.board.began = time.Now()
			i := 0
			for b.Loop() {
				if change {
					i++
					for j := range gen.Sets[0].Watchers {
						gen.Sets[0].Watchers[j].Definition = fmt.Sprint(i)
					}
				}
				e.Replace(gen)
			}
		})
	}
}

// BenchmarkMemory gives the bytes that 20,000 watchers cost when their trails
// are full, without what their results hold.
func BenchmarkMemory(b *testing.B) {
	const n = 20_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e := benchBoard(n)
	e.board.began = time.Now()
	for _, en := range e.board.list() {
		e.plan(en, en.tempo.first(0), e.board.began, 0)
		for range 2 * TrailLength {
			e.board.record(en, Result{Status: OK}, false)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/watcher")
	runtime.KeepAlive(e)
}
