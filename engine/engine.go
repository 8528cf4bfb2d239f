package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Config configures an [Engine]. Its zero value works.
type Config struct {
	Logger   *slog.Logger // default slog.Default
	Observer Observer     // told of each transition; default none
	// MaxRunning bounds the runs in flight; a watcher due above it waits its
	// turn, first come first served, and what it waited counts as late.
	// Default 4096.
	MaxRunning int
}

const defaultMaxRunning = 4096

// Observer is told what happens to watchers. It is called by the goroutine
// that records the result, with no lock held, and must not block. Calls for
// several watchers may overlap; those for one come in order.
type Observer interface {
	Transition(Transition)
}

// Engine runs watchers on their schedule and keeps their [Board].
type Engine struct {
	logger     *slog.Logger
	board      *Board
	maxRunning int
	kick       chan struct{} // wakes the schedule before its time
	pulse      chan struct{} // what Alive sends, received once in each round of the schedule
	drained    chan struct{} // closed when the last run has landed after stopping

	laying sync.Mutex       // held while the board is laid out anew; taken before board.mu
	gen    *Generation      // the configuration; guarded by laying
	hunts  map[string]*hunt // by set; guarded by laying

	schedule // guarded by board.mu
}

// New makes an engine with an empty board. Nothing runs before [Engine.Run].
func New(c Config) *Engine {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.MaxRunning <= 0 {
		c.MaxRunning = defaultMaxRunning
	}
	return &Engine{
		logger:     c.Logger,
		board:      &Board{logger: c.Logger, observer: c.Observer, entries: make(map[ID]*entry)},
		maxRunning: c.MaxRunning,
		kick:       make(chan struct{}, 1),
		pulse:      make(chan struct{}),
		drained:    make(chan struct{}),
		schedule:   schedule{gate: newGate()},
	}
}

// Board gives the engine's board.
func (e *Engine) Board() *Board { return e.board }

// Run runs the watchers until ctx ends, then cancels the runs in flight, whose
// results no longer count, and waits for them to return: for how long is up to
// whoever stops it, as two times side by side would both be over after a stall.
// It is an error if the engine has run before.
func (e *Engine) Run(ctx context.Context) error {
	runs, cancel := context.WithCancel(ctx)
	defer cancel()
	if !e.open(runs) {
		return errors.New("running the schedule: it has run before")
	}
	e.laying.Lock()
	e.beginHunts()
	e.laying.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		sleep := e.step()
		var rested <-chan time.Time
		var over <-chan struct{}
		switch {
		case sleep > 0:
			timer.Reset(sleep)
			rested = timer.C
		case e.gate.yield(): // more is due than may start yet; that is life too
			select {
			case <-e.pulse:
			default:
			}
			continue
		default:
			over = <-naps
		}
		select {
		case <-ctx.Done():
		case <-e.pulse:
		case <-e.kick:
		case <-rested:
		case <-over:
		}
	}
	e.close()
	return nil
}

// Alive returns nil once the schedule has gone round again: proof of life for
// a watchdog. It is ctx's error if ctx ends before.
func (e *Engine) Alive(ctx context.Context) error {
	select {
	case e.pulse <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open plans every watcher from now on.
func (e *Engine) open(runs context.Context) bool {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.began.IsZero() {
		return false
	}
	b.began = time.Now()
	e.runs = context.WithValue(runs, boardKey, b)
	for _, set := range b.sets {
		for _, en := range set.entries {
			e.enter(en, b.began, 0)
		}
	}
	return true
}

// close waits for the cancelled runs in flight.
func (e *Engine) close() {
	b := e.board
	b.mu.Lock()
	e.stopping = true
	e.pool.end(len(e.pool.resting))
	idle := e.running+e.feeds == 0
	b.mu.Unlock()
	if !idle {
		<-e.drained
	}
}

// wake makes the schedule look again before its time.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}
