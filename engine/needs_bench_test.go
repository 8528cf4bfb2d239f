package engine_test

import (
	"fmt"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// BenchmarkShadow gives what it takes for a watcher that many need to fail, or
// to recover: the time that the board's lock is held.
func BenchmarkShadow(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprintf("children=%d", n), func(b *testing.B) {
			watchers := enginetest.Watchers(n, time.Minute, enginetest.Always(engine.OK, ""))
			for i := range watchers {
				watchers[i].Needs = []engine.Pattern{"wan"}
			}
			e := engine.New(engine.Config{})
			e.Replace(enginetest.Generation(1, append(watchers, enginetest.Watcher("wan", time.Minute, enginetest.Always(engine.OK, "")))...))
			statuses := []engine.Status{engine.Critical, engine.OK}
			for i := 0; b.Loop(); i++ {
				e.Report("wan", engine.Result{Status: statuses[i%2]})
			}
			if v, _ := e.Board().View("w0"); v.Runs != 0 {
				b.Errorf("a child ran %d times, want none to run", v.Runs)
			}
		})
	}
}

// BenchmarkReplaceRelations gives what it takes to lay 10,000 watchers and
// 1,000 that are derived from ten of them each out anew, beside the same
// watchers when nobody leans on anybody.
func BenchmarkReplaceRelations(b *testing.B) {
	var watchers []engine.Watcher
	for i := range 1000 {
		for j := range 10 {
			watchers = append(watchers, enginetest.Watcher(fmt.Sprintf("set%d-w%d", i, j), time.Minute, enginetest.Always(engine.OK, "")))
		}
	}
	alone := enginetest.Generation(1, watchers...)
	for i := range 1000 {
		d := enginetest.Watcher(fmt.Sprintf("d%d", i), 0, worstOf)
		d.Derive = &engine.Derive{Of: []engine.Pattern{engine.Pattern(fmt.Sprintf("set%d-*", i))}}
		watchers = append(watchers, d)
	}
	for name, gen := range map[string]*engine.Generation{"alone": alone, "derived": enginetest.Generation(1, watchers...)} {
		b.Run(name, func(b *testing.B) {
			e := engine.New(engine.Config{})
			for b.Loop() {
				e.Replace(gen)
			}
		})
	}
}
