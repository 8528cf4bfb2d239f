package engine

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Board keeps what was last seen of every watcher, and counts a revision up
// with each change. Readers pull: they ask at their own rate for what changed
// after the revision they know, so that a slow one holds nothing up.
//
// All methods may be called from any goroutine. What they give is a copy, or
// shared and never written again: readers must not write to it either.
type Board struct {
	logger   *slog.Logger
	observer Observer

	mu        sync.Mutex // held for a few microseconds at a time; guards the schedule too
	rev       uint64
	layoutRev uint64 // the rev at which sets or members last changed
	configRev uint64 // the rev at which a configuration was last taken or refused
	pageTag   string
	config    ConfigState
	sets      []section
	entries   map[ID]*entry
	newest    *entry            // the entries in the order they last changed, newest first
	groups    map[string]*group // what watchers are derived from
	reshaded  []reshading       // since the log was told what came of it
	hot       []*group          // those that changed, for the schedule to look at
	saved     map[ID]Saved
	seeking   bool      // a set may still find members that saved is of
	began     time.Time // the moment the schedule counts from
	lag       lagMeter
	durations durationMeter
	missed    uint64
	late      int // entries whose state is late
}

// section is a set as it is laid out: its name and its members in order.
type section struct {
	name    string
	entries []*entry
	hunt    *hunt // of its discovery, if it has one
}

// View is one watcher as readers see it.
type View struct {
	ID                     ID
	Name                   string
	Set                    string // the set's name, "" for the unnamed one
	Interval, Timeout, TTL time.Duration
	Place                  Place
	State
}

// ConfigState tells which configuration the board shows, and why a newer one
// was not taken.
type ConfigState struct {
	Generation uint64 // 0 before the first
	LoadedAt   time.Time
	Error      *LoadError // of the last load, nil if that one was taken
}

// Snapshot is the whole board at one revision.
type Snapshot struct {
	Rev     uint64
	PageTag string
	Config  ConfigState
	Lag     Lag
	Sets    []SetView
}

// SetView is one set of a [Snapshot], in the order of the configuration.
type SetView struct {
	Name     string
	Watchers []View
	Note     string // how its discovery is: that it is looking; "" = nothing to say
	Problem  string // what is wrong with its discovery, "" = nothing
}

// Update is what changed after a revision.
type Update struct {
	Rev    uint64
	Layout bool   // sets, members, names or intervals changed: take a [Snapshot]
	Config bool   // a configuration was taken or refused
	Views  []View // the latest view of every watcher that changed, the first changed first
}

// Rev gives the board's revision: it counts up with every result and every
// other change that readers should show.
func (b *Board) Rev() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rev
}

// Snapshot gives the whole board.
func (b *Board) Snapshot() Snapshot {
	b.mu.Lock()
	s := Snapshot{Rev: b.rev, PageTag: b.pageTag, Config: b.config, Lag: b.readLag()}
	sets, n := b.sets, len(b.entries)
	s.Sets = make([]SetView, len(sets))
	for i, set := range sets {
		s.Sets[i].Name = set.name
		if h := set.hunt; h != nil {
			s.Sets[i].Note, s.Sets[i].Problem = h.note, h.problem
		}
	}
	b.mu.Unlock()
	views := make([]View, 0, n)
	for i, set := range sets {
		from := len(views)
		views = b.appendViews(views, set.entries)
		s.Sets[i].Watchers = views[from:len(views):len(views)]
	}
	return s
}

// appendViews copies entries, a few at a time under the lock: thousands take
// milliseconds, and runs wait for the lock. A view may so be newer than the
// revision that its reader was given, and come again with the next one.
func (b *Board) appendViews(views []View, entries []*entry) []View {
	for part := range slices.Chunk(entries, 64) {
		b.mu.Lock()
		for _, en := range part {
			views = append(views, en.view())
		}
		b.mu.Unlock()
	}
	return views
}

// View gives one watcher.
func (b *Board) View(id ID) (View, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	en, ok := b.entries[id]
	if !ok {
		return View{}, false
	}
	return en.view(), true
}

// Changes gives what changed after the revision since. It costs by how much
// changed, not by how many watchers there are. A revision the board has not
// reached (of an earlier process) gives Layout.
func (b *Board) Changes(since uint64) Update {
	b.mu.Lock()
	u := Update{Rev: b.rev, Layout: b.layoutRev > since || since > b.rev, Config: b.configRev > since}
	var changed []*entry
	for en := b.newest; en != nil && en.state.Rev > since; en = en.older {
		changed = append(changed, en)
	}
	b.mu.Unlock()
	if len(changed) > 0 {
		slices.Reverse(changed)
		u.Views = b.appendViews(make([]View, 0, len(changed)), changed)
	}
	return u
}

// LoadFailed says on the board that a configuration was not taken. It stands
// until one is.
func (b *Board) LoadFailed(err LoadError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.config.Error = &err
	b.rev++
	b.configRev = b.rev
}

// Config tells which configuration the board shows.
func (b *Board) Config() ConfigState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.config
}

// Lag tells how late Pharos is.
func (b *Board) Lag() Lag {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.readLag()
}

func (b *Board) readLag() Lag {
	p99, highest, dropped := b.lag.read(b.clock())
	return Lag{
		Missed: b.missed, Late: dropped || p99 > lagTooLate,
		P99: p99, Max: highest, LateWatchers: b.late,
	}
}

// clock is the time since the schedule began, 0 before. It does not jump with
// the wall clock.
func (b *Board) clock() time.Duration {
	if b.began.IsZero() {
		return 0
	}
	return time.Since(b.began)
}

// touch counts the revision up for en and moves it to the front of the changed
// ones.
func (b *Board) touch(en *entry) {
	b.rev++
	en.state.Rev = b.rev
	if b.newest == en {
		return
	}
	b.unlink(en)
	en.older = b.newest
	if b.newest != nil {
		b.newest.newer = en
	}
	b.newest = en
}

func (b *Board) unlink(en *entry) {
	if en.newer != nil {
		en.newer.older = en.older
	}
	if en.older != nil {
		en.older.newer = en.newer
	}
	if b.newest == en {
		b.newest = en.older
	}
	en.newer, en.older = nil, nil
}

// record takes the result of a run in; late tells whether the run began too
// late or a tick was missed meanwhile. The lock is held; the caller announces the
// changes when it has let go of it.
func (b *Board) record(en *entry, r Result, late bool) []Transition {
	b.durations.add(r.Elapsed)
	b.markLate(en, late)
	return b.take(en, r)
}

// take takes in what a run or an event came to, and tells those that lean on
// en. The lock is held; the caller announces the changes when it has let go of it.
func (b *Board) take(en *entry, r Result) []Transition {
	stood := en.standing()
	var said Result
	if len(en.groups) > 0 {
		said = en.state.Result
	}
	changes := en.settle(bounded(r), time.Now())
	b.touch(en)
	if len(changes) > 0 {
		en.veiled = standing{} // the transition tells it
		b.spread(en, stood)
	}
	b.renewed(en)
	b.heard(en, &said)
	return changes
}

// await makes en pending again: its source is connected, and has not said
// anything yet.
func (b *Board) await(en *entry, r Result, now time.Time) {
	stood, said := en.standing(), en.state.Result
	s := &en.state
	if s.Status != Pending {
		s.Since, s.SinceApprox = now, false
	}
	s.Result, s.Status = bounded(r), Pending
	if s.Shadow = en.shadow(); en.standing() != stood {
		b.spread(en, stood)
	}
	b.heard(en, &said)
}

// miss counts n dropped ticks of en.
func (b *Board) miss(en *entry, n uint64) {
	b.missed += n
	en.state.Missed += n
	en.tripped = true
	b.markLate(en, true)
	b.touch(en)
}

func (b *Board) markLate(en *entry, late bool) {
	if en.state.Late == late {
		return
	}
	en.state.Late = late
	if late {
		b.late++
	} else {
		b.late--
	}
}

// announce tells of changes, and of what came out of a shadow; no lock is held.
func (b *Board) announce(changes []Transition) {
	for _, t := range changes {
		b.tell(t)
	}
	b.announceSurfaced()
}

// tell logs a transition and tells the observer.
func (b *Board) tell(t Transition) {
	level := slog.LevelInfo
	switch {
	case t.Shadow != "": // the news is of whom it is in the shadow of
	case t.To.Problem(), t.From.Problem(): // its end as well: both ends tell how long it lasted
		level = slog.LevelWarn
	case t.From == Pending:
		level = slog.LevelDebug // a thousand watchers starting well are no news
	}
	b.logger.Log(context.Background(), level, "status changed",
		"id", t.ID, "from", t.From.String(), "to", t.To.String(), "value", withUnit(t.Value, t.Unit), "detail", t.Detail)
	if b.observer != nil {
		b.observer.Transition(t)
	}
}

// withUnit joins a value and its unit, either of which may be missing.
func withUnit(value, unit string) string { return strings.TrimSpace(value + " " + unit) }

// oneLine gives text as one bounded line, for logs and lists.
func oneLine(text string) string {
	return cut(strings.Join(strings.Fields(cut(text, maxDetail)), " "), maxLine)
}
