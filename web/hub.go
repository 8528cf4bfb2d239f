package web

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/r3labs/sse/v2"

	"pharos/engine"
)

const (
	beatEvery = time.Second
	// stuckBeats is how many beats may pass while a viewer takes a chunk: the
	// last comes before writeTimeout is over.
	stuckBeats = uint64(writeTimeout / beatEvery)
)

// longAgo is a deadline that is over, also for a clock that was never set.
var longAgo = time.Unix(1, 0)

var (
	errTooManyStreams = errors.New("too many viewers: try again soon, or raise --max-streams")
	errTooManyFromIP  = errors.New("too many viewers from this address: --max-streams-per-ip is reached")
	errShuttingDown   = errors.New("shutting down")
)

// hub hands what changes on the board to every viewer. It works only while
// somebody watches: at each tick it makes at most two frames, however many
// viewers and watchers there are, one for the streams that have the last frame
// and one for all that have fallen behind it.
type hub struct {
	board     *engine.Board
	snapshots *snapshots
	server    *sse.Server
	tick      time.Duration
	slack     uint64 // events that a viewer may be behind all others before it gets a stream of its own
	max       int    // viewers
	maxPerIP  int    // 0 = no bound

	beats atomic.Uint64 // that the hub lived to see, from 1

	mu       sync.Mutex
	admitted int
	perIP    map[string]int
	viewers  map[*viewer]struct{} // that joined
	streams  map[string]*stream
	shared   *stream       // of all viewers that keep up; nil without one
	catchUp  *frame        // what a newcomer was told last
	stop     chan struct{} // ends the loop; nil while it does not run
	lastID   uint64
	closed   bool
}

// frame is what viewers at one revision have to be told.
type frame struct {
	since, rev uint64
	events     []*sse.Event // shared by all viewers: never changed
}

func newHub(board *engine.Board, snapshots *snapshots, rate, limit, perIP int) *hub {
	h := &hub{
		board: board, snapshots: snapshots,
		tick:  time.Second / time.Duration(rate),
		slack: uint64(min(max(rate/2, minSlack), maxSlack)),
		max:   limit, maxPerIP: perIP,
		perIP: make(map[string]int), viewers: make(map[*viewer]struct{}), streams: make(map[string]*stream),
	}
	h.beats.Store(1)
	// Replay would keep every event for ever.
	h.server = sse.NewWithCallback(nil, h.unsubscribed)
	h.server.AutoReplay = false
	h.server.AutoStream = false
	h.server.BufferSize = subscriberRoom
	h.server.Headers = map[string]string{
		"Cache-Control":     "no-cache, no-transform",
		"X-Accel-Buffering": "no", // nginx passes events on at once
	}
	return h
}

// admit gives a viewer a place, or says why there is none.
func (h *hub) admit(ip string, welcome func() bool, cancel func()) (*viewer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, errShuttingDown
	case h.admitted >= h.max:
		return nil, errTooManyStreams
	case h.maxPerIP > 0 && h.perIP[ip] >= h.maxPerIP:
		return nil, errTooManyFromIP
	}
	h.admitted++
	h.perIP[ip]++
	return &viewer{id: h.newID(), ip: ip, welcome: welcome, cancel: cancel}, nil
}

func (h *hub) newID() string {
	h.lastID++
	return strconv.FormatUint(h.lastID, 10)
}

// join makes a subscribed viewer one of those that are served. It gives what
// happened since the snapshot that the viewer was sent: nil if its stream says
// all of that. The caller holds the lock.
func (h *hub) join(v *viewer, sn *snapshot) *frame {
	h.viewers[v] = struct{}{}
	if h.closed {
		v.cancel()
	}
	if h.stop == nil {
		h.stop = make(chan struct{})
		go h.run(h.stop)
		if v.welcome != nil { // all have it, or none
			go h.revoke(h.stop)
		}
	}
	if sn.rev >= v.stream.rev {
		return nil
	}
	// A thousand who come at once have the same snapshot.
	if f := h.catchUp; f == nil || f.since != sn.rev || f.rev < v.stream.rev {
		h.catchUp = h.frame(sn.rev)
	}
	return h.catchUp
}

// leave takes an admitted viewer out, whether it joined or not.
func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.admitted--
	if h.perIP[v.ip]--; h.perIP[v.ip] == 0 {
		delete(h.perIP, v.ip)
	}
	delete(h.viewers, v)
	if len(h.viewers) == 0 && h.stop != nil {
		close(h.stop)
		h.stop, h.catchUp = nil, nil
	}
}

// close ends every stream and admits no more.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for v := range h.viewers {
		v.cancel()
	}
}

func (h *hub) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// count gives the number of viewers.
func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.viewers)
}

func (h *hub) run(stop <-chan struct{}) {
	frames, beats := time.NewTicker(h.tick), time.NewTicker(beatEvery)
	defer frames.Stop()
	defer beats.Stop()
	for {
		select {
		case <-stop:
			return
		case <-frames.C:
			h.publish()
		case <-beats.C:
			h.beats.Add(1)
			h.beat()
		}
	}
}

// revoke ends the streams of viewers that are no longer let in, within two
// seconds of the file's change. It has a goroutine of its own, as reading files
// may take long.
func (h *hub) revoke(stop <-chan struct{}) {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case <-stop:
			return
		case <-look.C:
		}
		h.mu.Lock()
		viewers := slices.Collect(maps.Keys(h.viewers))
		h.mu.Unlock()
		for _, v := range viewers {
			if !v.welcome() {
				v.cancel()
			}
		}
	}
}

// publish brings every stream that has room up to date.
func (h *hub) publish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.measure()
	rev := h.board.Rev()
	var due []*stream
	newest, oldest := uint64(0), rev
	for _, st := range h.streams {
		if st.rev < rev && st.room > 0 {
			due = append(due, st)
			newest, oldest = max(newest, st.rev), min(oldest, st.rev)
		}
	}
	var current, late *frame
	for _, st := range due {
		if st.rev == newest {
			if current == nil {
				current = h.frame(newest)
			}
			h.send(st, current)
			continue
		}
		// What the one furthest behind needs holds what the others need.
		if late == nil {
			late = h.frame(oldest)
		}
		h.send(st, late)
	}
}

func (h *hub) beat() {
	now := time.Now()
	b := beat{Rev: h.board.Rev(), Time: unixTime(now), Generation: h.board.Config().Generation, Lag: newLag(h.board.Lag())}
	ev := newEvent("beat", b.Rev, b)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cutStuck()
	h.measure()
	for _, st := range h.streams {
		h.send(st, &frame{rev: st.rev, events: []*sse.Event{ev}})
	}
}

// cutStuck cuts the viewers that did not take what they were given in their
// time, which is counted in beats: a process that stands still has none
// meanwhile, while a deadline would be over for a viewer that reads. Who is cut
// and still does not go shares a connection of HTTP/2 that takes nothing at all,
// also not the end of a stream: that is closed.
func (h *hub) cutStuck() {
	now := h.beats.Load()
	for v := range h.viewers {
		given := v.given.Load()
		if given == 0 || now-given < stuckBeats {
			continue
		}
		v.cut()
		if now-given > stuckBeats {
			v.hangUp()
		}
	}
}

// frame says what a viewer that knows the revision since does not know.
func (h *hub) frame(since uint64) *frame {
	u := h.board.Changes(since)
	now := time.Now()
	config := h.board.Config()
	if u.Layout || (u.Config && config.Error == nil) {
		if sn, err := h.snapshots.get(u.Rev); err == nil {
			return &frame{since: since, rev: sn.rev, events: []*sse.Event{rawEvent("board", sn.rev, sn.json.plain)}}
		}
	}
	f := &frame{since: since, rev: u.Rev}
	if u.Config {
		f.events = append(f.events, newEvent("config", u.Rev, newConfigState(config)))
	}
	if len(u.Views) > 0 {
		tiles := make([]Tile, len(u.Views))
		for i := range u.Views {
			tiles[i] = newTile(&u.Views[i], now)
		}
		f.events = append(f.events, rawEvent("update", u.Rev, appendUpdate(nil, &update{Rev: u.Rev, Time: unixTime(now), Tiles: tiles})))
	}
	return f
}

// newEvent makes an event of a value that always marshals. JSON holds no raw
// line break, so no text from outside can break the framing.
func newEvent(name string, rev uint64, v any) *sse.Event {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers, text and bools only
	}
	return rawEvent(name, rev, data)
}

func rawEvent(name string, rev uint64, data []byte) *sse.Event {
	return &sse.Event{ID: strconv.AppendUint(nil, rev, 10), Event: []byte(name), Data: data}
}
