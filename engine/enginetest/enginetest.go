// Package enginetest holds small fakes for tests of and around the engine.
package enginetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"pharos/engine"
)

// Always gives a check that ends at once with status and value.
func Always(status engine.Status, value string) engine.Check {
	return func(context.Context) (engine.Result, error) {
		return engine.Result{Status: status, Value: value}, nil
	}
}

// Slow gives a check that is ok after d, or that ends as its context does.
func Slow(d time.Duration) engine.Check {
	return func(ctx context.Context) (engine.Result, error) {
		select {
		case <-time.After(d):
			return engine.Result{Status: engine.OK}, nil
		case <-ctx.Done():
			return engine.Result{}, ctx.Err()
		}
	}
}

// Deaf gives a check that hears no context: it returns ok when release is
// closed, and not before.
func Deaf(release <-chan struct{}) engine.Check {
	return func(context.Context) (engine.Result, error) {
		<-release
		return engine.Result{Status: engine.OK}, nil
	}
}

// Script gives a check that ends with one status after the other, and stays
// with the last.
func Script(statuses ...engine.Status) engine.Check {
	var mu sync.Mutex
	return func(context.Context) (engine.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		s := statuses[0]
		if len(statuses) > 1 {
			statuses = statuses[1:]
		}
		return engine.Result{Status: s, Value: s.String()}, nil
	}
}

// Generation gives a generation of one unnamed set.
func Generation(number uint64, watchers ...engine.Watcher) *engine.Generation {
	return &engine.Generation{Number: number, LoadedAt: time.Now(), Sets: []engine.Set{{Watchers: watchers}}}
}

// Watcher gives a watcher of that name, which is its id too, with definition
// "1".
func Watcher(name string, interval time.Duration, check engine.Check) engine.Watcher {
	return engine.Watcher{ID: engine.MakeID("", name), Name: name, Definition: "1", Interval: interval, Check: check}
}

// Watchers gives n watchers, named w0, w1, ...
func Watchers(n int, interval time.Duration, check engine.Check) []engine.Watcher {
	ws := make([]engine.Watcher, n)
	for i := range ws {
		ws[i] = Watcher(fmt.Sprintf("w%d", i), interval, check)
	}
	return ws
}

// Starts records when its check was called. Its zero value is ready to use.
type Starts struct {
	mu    sync.Mutex
	times []time.Time
}

// Check notes the time and goes on with then.
func (s *Starts) Check(then engine.Check) engine.Check {
	return func(ctx context.Context) (engine.Result, error) {
		s.mu.Lock()
		s.times = append(s.times, time.Now())
		s.mu.Unlock()
		return then(ctx)
	}
}

// Times gives the starts so far, first to last.
func (s *Starts) Times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.times)
}

// Fed gives a watcher of that name, which is its id too, with definition "1",
// set by source.
func Fed(name string, source engine.Source) engine.Watcher {
	return engine.Watcher{ID: engine.MakeID("", name), Name: name, Definition: "1", Source: source}
}

// Events gives a source that reports what comes until its context ends.
func Events(events <-chan engine.Result) engine.Source {
	return func(ctx context.Context, report func(engine.Result)) error {
		for {
			select {
			case r := <-events:
				report(r)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
