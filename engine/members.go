package engine

import (
	"context"
	"math"
	"slices"
	"strconv"
)

// Members is what a derived watcher's Check sees of what the watcher is derived
// from, as it is at the moment of asking. What the Check asks for decides when
// it is run again: when a member has another status, or also another value.
type Members struct {
	board *Board
	group *group
	tile  *entry
}

type contextKey int

const (
	membersKey contextKey = iota
	boardKey
)

// MembersOf gives what the run under ctx is derived from, nil where it is no
// run of a derived watcher.
func MembersOf(ctx context.Context) *Members {
	s, _ := ctx.Value(membersKey).(*Members)
	return s
}

// BoardOf gives the board that the run under ctx is for, nil where there is
// none.
func BoardOf(ctx context.Context) *Board {
	b, _ := ctx.Value(boardKey).(*Board)
	return b
}

// Total is how many there are.
func (s *Members) Total() int { return len(s.group.members) }

// Count is how many have the status.
func (s *Members) Count(status Status) int {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.group.counts[status]
}

// Worst gives the worst of them, false if there is none. Of several that are
// equally bad it is one that is in nobody's shadow, if there is one, and the first
// of those on the board.
func (s *Members) Worst() (View, bool) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	en := s.group.worst.get(s.group.statuses, s.group.findWorst)
	if en == nil {
		return View{}, false
	}
	return en.view(), true
}

func (g *group) findWorst() *entry {
	var worst *entry
	for _, en := range g.members {
		if worst == nil || en.worse(worst) {
			worst = en
		}
	}
	return worst
}

// worse tells whether en comes before another where the worst come first.
func (en *entry) worse(other *entry) bool {
	return en.state.Status.Worse(other.state.Status) ||
		en.state.Status == other.state.Status && other.standing().dark() && !en.standing().dark()
}

// Troubled gives those that have a problem, at most so many, worst first as
// [Members.Worst] tells.
func (s *Members) Troubled(most int) []View {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	var worst []*entry
	for _, en := range s.group.members {
		at := len(worst)
		for at > 0 && en.worse(worst[at-1]) {
			at--
		}
		if at < most && en.state.Status.Problem() {
			worst = slices.Insert(worst, at, en)
			worst = worst[:min(most, len(worst))]
		}
	}
	views := make([]View, len(worst))
	for i, en := range worst {
		views[i] = en.view()
	}
	return views
}

// total is a sum, and of how many numbers.
type total struct {
	sum float64
	n   int
}

// Sum adds up the values that are numbers, and tells how many are.
func (s *Members) Sum() (sum float64, n int) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	s.read()
	t := s.group.sum.get(s.group.results, s.group.addUp)
	return t.sum, t.n
}

func (g *group) addUp() (t total) {
	for _, en := range g.members {
		if v, err := strconv.ParseFloat(en.state.Result.Value, 64); err == nil && !math.IsNaN(v) {
			t.sum += v
			t.n++
		}
	}
	return t
}

// At gives the one at place i in the order of the board, from 0; false behind
// the last.
func (s *Members) At(i int) (View, bool) {
	if i < 0 || i >= len(s.group.members) {
		return View{}, false
	}
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	return s.group.members[i].view(), true
}

// Get gives the one with that id; false if it is none of them.
func (s *Members) Get(id ID) (View, bool) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	en := s.board.entries[id]
	if en == nil || !slices.Contains(en.groups, s.group) {
		return View{}, false
	}
	return en.view(), true
}

// ReadResults notes that the run read more of a member than its name and
// status, so that the watcher is run again when a result says something else.
func (s *Members) ReadResults() {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	s.read()
}

// read is ReadResults with the lock held.
func (s *Members) read() {
	if seen := &s.tile.sight; seen.of == s.group && !seen.reads {
		seen.reads = true
		s.group.readers++
	}
}
