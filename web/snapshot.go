package web

import (
	"sync"
	"time"

	"pharos/engine"
)

// snapshot is the board at one revision, made once and shared.
type snapshot struct {
	rev     uint64
	made    time.Time
	cost    time.Duration // what making the JSON took
	staleAt time.Time     // when the next tile goes stale and the JSON stops being true
	board   Board
	json    *payload
}

// snapshotMaxAge bounds the age of the server's time in a snapshot of a board
// that does not change.
const snapshotMaxAge = time.Second

// snapshots makes snapshots when they are asked for and keeps the last one.
//
// A snapshot serves for as long as it is true. On a board that changes all the
// time it also serves for four times as long as it took to make, so that a
// thousand viewers that come at once, after a restart, cost a fifth of one
// core and not a marshalling each.
type snapshots struct {
	board    *engine.Board
	identity identity

	mu   sync.Mutex
	last *snapshot
}

// identity is what tells one server from another.
type identity struct {
	boot, version, page, host string
}

// get gives a snapshot at revision atLeast or later.
func (s *snapshots) get(atLeast uint64) (*snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.last != nil && s.last.rev >= atLeast && s.last.serves(s.board.Rev(), now) {
		return s.last, nil
	}
	next, err := s.make(now)
	if err != nil {
		return nil, err
	}
	s.last = next
	return next, nil
}

func (sn *snapshot) serves(rev uint64, now time.Time) bool {
	age := now.Sub(sn.made)
	if sn.rev != rev {
		return age < servesFor(sn.cost)
	}
	return age < snapshotMaxAge && now.Before(sn.staleAt)
}

func (s *snapshots) make(now time.Time) (*snapshot, error) {
	es := s.board.Snapshot()
	sn := &snapshot{
		rev: es.Rev, made: now, staleAt: now.Add(snapshotMaxAge),
		board: Board{
			Rev: es.Rev, Boot: s.identity.boot, Version: s.identity.version, Page: s.identity.page, Host: s.identity.host,
			Time: unixTime(now), PageTag: bound(es.PageTag, maxShortText),
			Config: newConfigState(es.Config), Lag: newLag(es.Lag),
			Sets: make([]Set, 0, len(es.Sets)),
		},
	}
	tiles := 0
	for _, set := range es.Sets {
		tiles += len(set.Watchers)
		ws := Set{
			Name: bound(set.Name, maxShortText), Note: bound(set.Note, maxShortText), Problem: bound(set.Problem, maxDetail),
			Tiles: make([]Tile, len(set.Watchers)),
		}
		for i := range set.Watchers {
			v := &set.Watchers[i]
			ws.Tiles[i] = newTile(v, now)
			if after, ever := v.StaleAfter(v.TTL); ever && !ws.Tiles[i].Stale && after.Before(sn.staleAt) {
				sn.staleAt = after.Add(1)
			}
		}
		sn.board.Sets = append(sn.board.Sets, ws)
	}
	size := 4096 + 512*tiles // a guess for the first
	if s.last != nil {
		size = len(s.last.json.plain)
	}
	body, err := appendBoard(make([]byte, 0, size+size/16), &sn.board)
	if err != nil {
		return nil, err
	}
	sn.json = newPayload("application/json", body)
	sn.cost = time.Since(now)
	return sn, nil
}
