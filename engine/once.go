package engine

import "context"

// Once runs the watcher with that id once, now, fenced as [RunOnce] does it,
// and keeps the result on the board: for an engine that does not [Engine.Run].
// A derived watcher sees what its members were when they last ran so. It is
// false if there is no such watcher.
func (e *Engine) Once(ctx context.Context, id ID) (Result, bool) {
	b := e.board
	b.mu.Lock()
	en := b.entries[id]
	if en == nil {
		b.mu.Unlock()
		return Result{}, false
	}
	ctx, w := e.see(context.WithValue(ctx, boardKey, b), en), en.Watcher
	b.mu.Unlock()

	r := RunOnce(ctx, w)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries[id] == en && r.Status != Pending {
		b.record(en, r, false)
	}
	return r, true
}

// Report puts r on the board as the result of the watcher with that id, as if a
// run had ended so. It is false if there is no such watcher.
func (e *Engine) Report(id ID, r Result) bool {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	en := b.entries[id]
	if en != nil {
		b.take(en, judged(r))
	}
	return en != nil
}

// Silence takes in that the source of the watcher with that id is open and says
// nothing, for as long as it takes; false where that is no verdict. It is for an
// engine that does not [Engine.Run].
func (e *Engine) Silence(id ID) (Result, bool) {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	en := b.entries[id]
	if en == nil || !en.Quiet.Good || en.state.Status != Pending && en.Quiet.After == 0 {
		return Result{}, false
	}
	en.unheld = true
	r := saidNothing("no verdict yet")
	b.take(en, r)
	return r, true
}

// Rounds gives the watchers that pick wants, and those that they are derived
// from, so that whoever runs one round after the other has the members of each
// before it.
func (g *Generation) Rounds(pick func(Watcher) bool) [][]Watcher {
	watchers := g.distinct()
	r := relate(watchers)
	rounds, placed := [][]Watcher{nil}, make(map[int]int, len(watchers))
	var place func(i int) int
	place = func(i int) int {
		if round, done := placed[i]; done {
			return round
		}
		round := 0
		if m := r.bases[i]; m != nil {
			round = 1
			for _, member := range m.places {
				round = max(round, place(member)+1)
			}
		}
		for len(rounds) <= round {
			rounds = append(rounds, nil)
		}
		rounds[round], placed[i] = append(rounds[round], watchers[i]), round
		return round
	}
	for i, w := range watchers {
		if pick(w) {
			place(i)
		}
	}
	return rounds
}
