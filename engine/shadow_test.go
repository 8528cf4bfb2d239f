package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// However watchers lean on each other, and whatever becomes of them: each stands
// in the shadow that those it leans on cast, and every group has counted right.
func TestShadowsAgree(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		g := tangle(random)
		e := New(Config{Logger: slog.New(slog.DiscardHandler)})
		e.Replace(g)
		for step := range 60 {
			if step%20 == 19 {
				g = tangle(random)
				e.Replace(g)
			}
			id := ID(fmt.Sprint("w", random.IntN(len(g.Sets[0].Watchers))))
			status := Statuses()[1+random.IntN(4)]
			e.Report(id, Result{Status: status})
			if wrong := disagreement(e.board); wrong != "" {
				t.Fatalf("seed %d, step %d, when %s became %v: %s", seed, step, id, status, wrong)
			}
		}
	}
}

// tangle makes watchers that lean at random on those before them, and lays them
// out in another order.
func tangle(random *rand.Rand) *Generation {
	watchers := make([]Watcher, 8)
	for i := range watchers {
		w := &watchers[i]
		w.ID = ID(fmt.Sprint("w", i))
		some := func() (ids []Pattern) {
			for other := range i {
				if random.IntN(3) == 0 {
					ids = append(ids, Pattern(fmt.Sprint("w", other)))
				}
			}
			return ids
		}
		w.Needs = some()
		if of := some(); of != nil && random.IntN(2) == 0 {
			w.Derive = &Derive{Of: of}
		}
	}
	random.Shuffle(len(watchers), func(i, j int) { watchers[i], watchers[j] = watchers[j], watchers[i] })
	return &Generation{Sets: []Set{{Watchers: watchers}}}
}

// disagreement tells of a watcher or group that is not as those it is made of
// say, "" if all are.
func disagreement(b *Board) string {
	for id, en := range b.entries {
		if got, want := en.state.Shadow, en.shadow(); got != want {
			return fmt.Sprintf("%s is in the shadow of %q, want %q", id, got, want)
		}
	}
	for key, g := range b.groups {
		var counted group
		for _, en := range g.members {
			counted.count(en.standing(), +1)
		}
		if got, want := g.shade, g.shadow(); got != want {
			return fmt.Sprintf("group %q has the shade %q, want %q", key, got, want)
		}
		if g.counts != counted.counts || g.lit != counted.lit || g.dark != counted.dark {
			return fmt.Sprintf("group %q has counted %v, %d lit, %d dark; want %v, %d, %d", key, g.counts, g.lit, g.dark, counted.counts, counted.lit, counted.dark)
		}
	}
	return ""
}

// Whatever a reload does to who leans on whom, the log tells of those that were
// in a shadow before it and are not after it, and of nobody else; of what is about
// to run anew once it has.
func TestSurfacedOverReload(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var log bytes.Buffer
		e := New(Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		b := e.board
		for step := range 20 {
			g := tangle(random)
			was, dark := make(map[ID]standing), make(map[ID]bool)
			for id, en := range b.entries {
				was[id], dark[id] = en.standing(), en.standing().dark()
			}
			for _, r := range b.reshaded { // those that ran meanwhile
				dark[r.entry.ID] = true
			}
			log.Reset()
			b.began = time.Now()
			e.Replace(g)
			b.began = time.Time{}
			for id, en := range b.entries {
				told := strings.Count(log.String(), fmt.Sprintf("id=%s ", id))
				want := 0
				if dark[id] && en.standing().lit() && !en.dated() {
					want = 1
				}
				if told != want {
					t.Fatalf("seed %d, step %d: %s was %+v and is %+v, told %d times:\n%s", seed, step, id, was[id], en.standing(), told, &log)
				}
			}
			for range 5 {
				e.Report(ID(fmt.Sprint("w", random.IntN(8))), Result{Status: Statuses()[1+random.IntN(4)]})
			}
		}
	}
}
