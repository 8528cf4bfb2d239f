package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"pharos/engine"
	"pharos/luaapi"
)

// pollInterval is how often the inputs of the configuration are looked at.
// Polling sees what notification goes blind to: bind mounts, symlinks swapped
// in another folder, network file systems. A change is acted on once it was
// seen twice in a row, so that a half-written file is not read, and shows
// within the second.
const pollInterval = 250 * time.Millisecond

// reloader keeps the engine on the newest configuration that loads. A
// configuration that does not is reported on the board and in the log, and
// the old generation runs on.
type reloader struct {
	options luaapi.Options
	engine  *engine.Engine
	logger  *slog.Logger
	notify  notifier

	current atomic.Pointer[luaapi.Config] // the one that runs
	inputs  []luaapi.Input                // of the newest load, good or not: what to watch
	number  uint64                        // of the current generation
	worn    chan string                   // why a file has to be loaded afresh
	hangup  chan os.Signal
}

// newReloader makes one that listens to SIGHUP from now on: it would end a
// process that is loading its first configuration.
func newReloader(o luaapi.Options, eng *engine.Engine, logger *slog.Logger, notify notifier) *reloader {
	r := &reloader{options: o, engine: eng, logger: logger, notify: notify, worn: make(chan string, 1), hangup: make(chan os.Signal, 1)}
	signal.Notify(r.hangup, syscall.SIGHUP)
	return r
}

// first loads the configuration a daemon starts with; there is nothing yet to
// fall back on, so an error is final.
func (r *reloader) first(ctx context.Context) error {
	cfg, err := luaapi.Load(ctx, r.next())
	if err != nil {
		return err
	}
	r.take(cfg)
	return nil
}

func (r *reloader) close() {
	signal.Stop(r.hangup)
	if cfg := r.current.Load(); cfg != nil {
		cfg.Close()
	}
}

// afresh asks for a reload because a file's universe is no longer fit to run.
func (r *reloader) afresh(reason string) {
	select {
	case r.worn <- reason:
	default: // one is asked for already
	}
}

// next gives the options of the load after the current one.
func (r *reloader) next() luaapi.Options {
	o := r.options
	o.Prev, o.Number = r.current.Load(), r.number+1
	return o
}

// take makes cfg the configuration that runs.
func (r *reloader) take(cfg *luaapi.Config) {
	for _, w := range cfg.Warnings {
		r.logger.Warn(w.Message, "file", w.File, "line", w.Line)
	}
	r.engine.Replace(cfg.Generation)
	r.options.Memory.Retain(r.engine.Board().Expects)
	r.inputs, r.number = cfg.Inputs, cfg.Generation.Number
	if old := r.current.Swap(cfg); old != nil {
		old.Close()
	}
}

// ready tells the service manager what runs now, also after a configuration
// was not taken.
func (r *reloader) ready() {
	watchers, _ := count(r.current.Load().Generation)
	r.notify.ready(watchers, r.engine.Board().Config().Error)
}

// refuse reports a configuration that did not load.
func (r *reloader) refuse(cfg *luaapi.Config, err error) {
	if cfg != nil {
		r.inputs = cfg.Inputs
	}
	shown := engine.LoadError{Message: err.Error()}
	if le, ok := errors.AsType[*luaapi.LoadError](err); ok {
		shown = le.LoadError
		if n := len(le.More); n > 0 {
			shown.Message += fmt.Sprintf(" (and %d more: pharosd check lists them)", n)
		}
	}
	r.engine.Board().LoadFailed(shown)
	r.logger.Error("configuration not taken; the one before runs on", "generation", r.number, "error", err)
}

// watch reloads when an input's content changed, and at once on SIGHUP, until
// ctx ends. A further change cancels the load under way.
func (r *reloader) watch(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()

	inputs := &inputWatch{inputs: r.inputs}
	var job *loadJob // the newest load, until it is over
	defer func() { job.abandon() }()
	begin := func(why string) {
		job.abandon()
		r.logger.Info("reloading", "because", why)
		r.notify.reloading()
		job = r.begin(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.hangup:
			begin("SIGHUP")
		case reason := <-r.worn:
			begin(reason)
		case <-tick.C:
			if inputs.poll() {
				begin("an input changed")
			}
		case <-job.over():
			if job.err != nil {
				r.refuse(job.cfg, job.err)
			} else {
				level := slog.LevelInfo
				if r.engine.Board().Config().Error != nil {
					level = slog.LevelWarn // whoever read of the error is told of its end
				}
				r.take(job.cfg)
				r.logger.Log(ctx, level, "configuration taken", "generation", r.number)
			}
			job = nil
			inputs.watch(r.inputs)
			r.ready()
		}
	}
}

// loadJob is a load in the background; cfg and err are set when done closes.
// A nil job is none.
type loadJob struct {
	cancel context.CancelFunc
	done   chan struct{}
	cfg    *luaapi.Config
	err    error
}

func (r *reloader) begin(ctx context.Context) *loadJob {
	ctx, cancel := context.WithCancel(ctx)
	job := &loadJob{cancel: cancel, done: make(chan struct{})}
	o := r.next()
	go func() {
		defer close(job.done)
		job.cfg, job.err = luaapi.Load(ctx, o)
	}()
	return job
}

// over is closed when the job has ended; it is nil, and never ready, without
// one.
func (j *loadJob) over() <-chan struct{} {
	if j == nil {
		return nil
	}
	return j.done
}

// abandon cancels the job, waits until it has ended, and lets go of what it
// made.
func (j *loadJob) abandon() {
	if j == nil {
		return
	}
	j.cancel()
	<-j.done
	if j.err == nil {
		j.cfg.Close()
	}
}
