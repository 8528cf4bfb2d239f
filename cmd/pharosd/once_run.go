package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"pharos/engine"
	"pharos/luaapi"
)

// onceParallel bounds the watchers that once runs side by side.
const onceParallel = 32

// onceRun is one watcher's run: what it said and what it did.
type onceRun struct {
	watcher engine.Watcher
	result  engine.Result
	shadow  engine.ID // in whose shadow it is, "" for none
	events  []luaapi.Event
	over    bool
}

// runAll runs watchers, and before them what they are derived from. Their runs
// are told in their order, each as soon as those before it are: a call at a time.
func runAll(ctx context.Context, gen *engine.Generation, watchers []engine.Watcher, tell func(r *onceRun)) []onceRun {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // those that were asked for and came too late
	o := &onceBoard{
		ctx: ctx, gen: gen, eng: engine.New(engine.Config{Logger: slog.New(slog.DiscardHandler)}),
		runs: make([]onceRun, len(watchers)), tell: tell, picked: make(map[engine.ID]*onceRun, len(watchers)),
		begun: make(map[engine.ID]chan struct{}), waits: make(map[engine.ID]engine.ID),
	}
	for i, w := range watchers {
		o.runs[i].watcher = w
		o.picked[w.ID] = &o.runs[i]
	}
	o.eng.Replace(gen)
	for _, round := range gen.Rounds(func(w engine.Watcher) bool { return o.picked[w.ID] != nil }) {
		o.runRound(round)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tellSettled(true)
	return o.runs
}

// onceBoard runs each watcher once at most, when its turn comes or when another
// asks for its status before.
type onceBoard struct {
	ctx    context.Context
	gen    *engine.Generation
	eng    *engine.Engine
	picked map[engine.ID]*onceRun // into runs
	tell   func(*onceRun)

	mu    sync.Mutex
	runs  []onceRun
	told  int                         // of them
	begun map[engine.ID]chan struct{} // closed when the run is over
	waits map[engine.ID]engine.ID     // who asked, and waits for whom
}

// tellSettled tells the runs whose turn it is. In whose shadow one is that needs
// others is known only once all are over.
func (o *onceBoard) tellSettled(all bool) {
	for ; o.told < len(o.runs); o.told++ {
		r := &o.runs[o.told]
		if !all && !(r.over && (r.result.Status == engine.OK || len(r.watcher.Needs) == 0)) {
			return
		}
		v, _ := o.eng.Board().View(r.watcher.ID)
		r.shadow = v.Shadow
		o.tell(r)
	}
}

// runRound runs watchers side by side.
func (o *onceBoard) runRound(watchers []engine.Watcher) {
	slots := make(chan struct{}, onceParallel)
	var wg sync.WaitGroup
	for _, w := range watchers {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			<-o.begin(w)
		})
	}
	wg.Wait()
}

// begin lets w run unless it did, and gives what is closed when it has.
func (o *onceBoard) begin(w engine.Watcher) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	over := o.begun[w.ID]
	if over == nil {
		over = make(chan struct{})
		o.begun[w.ID] = over
		go func() {
			defer close(over)
			o.run(w)
		}()
	}
	return over
}

// run runs w, and notes what became of it if it was picked.
func (o *onceBoard) run(w engine.Watcher) {
	var mu sync.Mutex // a run that is given up may still speak
	var events []luaapi.Event
	ctx := luaapi.WithTrace(o.ctx, func(e luaapi.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	})
	ctx = luaapi.WithAsk(ctx, func(ctx context.Context, id engine.ID) { o.ask(ctx, w.ID, id) })
	result, _ := o.eng.Once(ctx, w.ID)
	mu.Lock()
	defer mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.picked[w.ID]; r != nil {
		r.result, r.events, r.over = result, slices.Clone(events), true
		o.tellSettled(false)
	}
}

// ask lets id run, and before it what it is derived from, since the run of from
// wants its status. Whoever waits for from itself is not waited for.
func (o *onceBoard) ask(ctx context.Context, from, id engine.ID) {
	for _, round := range o.gen.Rounds(func(w engine.Watcher) bool { return w.ID == id }) {
		for _, w := range round {
			if !o.mayWait(from, w.ID) {
				return
			}
			select {
			case <-o.begin(w):
			case <-ctx.Done():
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.waits, from)
}

// mayWait notes that from waits for id, unless that would be for ever.
func (o *onceBoard) mayWait(from, id engine.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for waiting := id; waiting != ""; waiting = o.waits[waiting] {
		if waiting == from {
			delete(o.waits, from)
			return false
		}
	}
	o.waits[from] = id
	return true
}
