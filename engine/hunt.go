package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// A hunt is the life of a set's discovery: it calls it again and again, and
// takes what it finds to the board.
type hunt struct {
	*Discovery
	engine *Engine
	set    string
	cancel context.CancelFunc // nil before it began

	// Guarded by Engine.laying.
	members  []member
	answered bool // Find has succeeded since the configuration was taken

	// Guarded by the board's lock.
	note    string // what the set says of it
	problem string // what is wrong with it
}

const looking = "looking for members"

// inherit makes the hunts of a new configuration, which go on where those of
// the one before are, and gives the watchers that have no place in it.
func (e *Engine) inherit(gen *Generation) (left []Watcher) {
	before := e.hunts
	e.hunts = make(map[string]*hunt)
	taken := make(map[ID]bool)
	for _, set := range gen.Sets {
		for _, w := range set.Watchers {
			taken[w.ID] = true
		}
	}
	for _, set := range gen.Sets {
		if set.Discover == nil || e.hunts[set.Name] != nil {
			continue
		}
		old := before[set.Name]
		h := old
		if old == nil || old.Discovery != set.Discover {
			h = &hunt{Discovery: set.Discover, engine: e, set: set.Name, note: looking}
		}
		if old != nil && old != h {
			h.members, h.note, h.problem = old.members, old.note, old.problem
			old.members = nil
		}
		e.hunts[set.Name] = h
		var stay []member
		for _, m := range h.members {
			if taken[m.ID] {
				left = append(left, m.Watcher)
				continue
			}
			taken[m.ID] = true
			stay = append(stay, m)
		}
		h.members = stay
	}
	for name, old := range before {
		if e.hunts[name] == old {
			continue
		}
		for _, m := range old.members {
			left = append(left, m.Watcher)
		}
		if old.cancel != nil {
			old.cancel()
		}
	}
	return left
}

// beginHunts starts those that have not begun, once the engine runs.
func (e *Engine) beginHunts() {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.runs == nil || e.stopping {
		return
	}
	for _, h := range e.hunts {
		if h.cancel == nil {
			ctx, cancel := context.WithCancel(e.runs)
			h.cancel = cancel
			e.feeds++
			go h.live(ctx)
		}
	}
}

// say shows on the board how the hunt is.
func (e *Engine) say(h *hunt, note, problem string) {
	problem = cut(oneLine(problem), maxLine)
	b := e.board
	b.mu.Lock()
	was := h.problem
	if h.note != note || was != problem {
		h.note, h.problem = note, problem
		b.rev++
		b.layoutRev = b.rev
	}
	b.seeking = e.seeking()
	b.mu.Unlock()
	switch {
	case problem != "" && problem != was:
		level := slog.LevelWarn
		if was != "" {
			level = slog.LevelInfo // a text may change each time, and the trouble is known
		}
		e.logger.Log(context.Background(), level, "discovery went wrong", "set", h.set, "problem", problem)
	case problem == "" && was != "":
		e.logger.Info("discovery goes well again", "set", h.set)
	}
}

// seeking tells whether a set may still find members that were there before.
func (e *Engine) seeking() bool {
	for _, h := range e.hunts {
		if !h.answered {
			return true
		}
	}
	return false
}

// live is the hunt's goroutine.
func (h *hunt) live(ctx context.Context) {
	defer h.landed()
	for failures := 0; ; {
		began := time.Now()
		found, err := h.find(ctx)
		if ctx.Err() != nil {
			release(found, notGone)
			return
		}
		members := h.engine.found(h, found, err)
		pause := h.interval() - time.Since(began)%h.interval()
		if err == nil || members {
			failures = 0
		} else { // nobody should look at an empty set for long
			pause = min(pause, pauseAfter(failures))
			failures++
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (h *hunt) landed() {
	e := h.engine
	e.board.mu.Lock()
	defer e.board.mu.Unlock()
	e.feeds--
	e.noteDrained()
}

// answer is what a call of Find came to.
type answer struct {
	found []Watcher
	err   error
}

// find calls Find. If it does not return in time the set says so, and the hunt
// goes on waiting: there is one call at a time.
func (h *hunt) find(ctx context.Context) ([]Watcher, error) {
	run, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	done := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New(h.Place.prefix() + "the discovery ended its goroutine without returning")}
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("%sthe discovery panicked: %v", h.Place.prefix(), p)}
			}
			done <- a
		}()
		a.found, a.err = h.Find(run)
	}()
	if a, ok := fenced(run, done); ok {
		return a.found, a.err
	}
	if ctx.Err() == nil {
		h.engine.found(h, nil, fmt.Errorf("%sthe discovery did not return %v after its timeout of %v; the next waits until it does",
			h.Place.prefix(), fenceGrace, h.timeout()))
	}
	select {
	case a := <-done:
		return a.found, a.err
	case <-ctx.Done():
		go func() { release((<-done).found, notGone) }()
		return nil, ctx.Err()
	}
}

// Discover runs the discoveries of a generation once, side by side. It gives
// the generation with what they found, to be let go of by [Generation.Release],
// and what is wrong with them.
func Discover(ctx context.Context, gen *Generation) (*Generation, []LoadError) {
	if !slices.ContainsFunc(gen.Sets, func(s Set) bool { return s.Discover != nil }) {
		return gen, nil
	}
	e := New(Config{Logger: slog.New(slog.DiscardHandler)})
	e.Replace(gen)
	problems := e.DiscoverOnce(ctx)
	full := e.compose(gen)
	for i := range full.Sets {
		full.Sets[i].Discover = nil // it is done
	}
	return full, problems
}

// Release lets go of the watchers that [Discover] found, which will not run
// again.
func (g *Generation) Release() {
	for _, set := range g.Sets {
		release(set.Watchers, func(ID) bool { return true })
	}
}

// DiscoverOnce runs each discovery once, now, side by side, and lays out what
// they found: for an engine that does not [Engine.Run]. It gives what is wrong
// with them.
func (e *Engine) DiscoverOnce(ctx context.Context) []LoadError {
	var wg sync.WaitGroup
	for _, h := range e.hunts {
		wg.Go(func() {
			found, err := h.find(ctx)
			e.found(h, found, err)
		})
	}
	wg.Wait()
	var problems []LoadError
	for _, set := range e.gen.Sets {
		if h := e.hunts[set.Name]; h != nil && h.problem != "" {
			problems = append(problems, LoadError{File: h.Place.File, Line: h.Place.Line, Message: fmt.Sprintf("set %q: %s", h.set, h.problem)})
		}
	}
	return problems
}
