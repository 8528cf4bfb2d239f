package web

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/r3labs/sse/v2"

	"pharos/engine"
)

const (
	beatEvery = time.Second
	// maxQueued is how many events may be on their way to one viewer. A viewer
	// that has not read them gets nothing more until it has, and then the
	// latest state of whatever changed meanwhile: no queue grows.
	maxQueued = 4
)

var (
	errTooManyStreams = errors.New("too many viewers: try again soon, or raise --max-streams")
	errTooManyFromIP  = errors.New("too many viewers from this address: --max-streams-per-ip is reached")
	errShuttingDown   = errors.New("shutting down")
)

// hub hands what changes on the board to every viewer. It works only while
// somebody watches: at each tick it makes at most two frames, however many
// viewers and watchers there are, one for the viewers that have the last frame
// and one for all that have fallen behind it.
type hub struct {
	board     *engine.Board
	snapshots *snapshots
	streams   *sse.Server
	tick      time.Duration
	max       int // viewers
	maxPerIP  int // 0 = no bound

	mu       sync.Mutex
	admitted int
	perIP    map[string]int
	viewers  map[*viewer]struct{}
	stop     chan struct{} // ends the loop; nil while it does not run
	lastRev  uint64        // of the newest frame made
	lastID   uint64
	closed   bool
}

// viewer is one open stream.
type viewer struct {
	id     string // of its r3labs stream
	ip     string
	cancel func() // ends the stream

	queued atomic.Int32 // events handed over and not yet written
	rev    uint64       // what the viewer will know when it has read them; guarded by hub.mu
}

// frame is what viewers at one revision have to be told.
type frame struct {
	rev    uint64
	events []*sse.Event // shared by all viewers: never changed
}

func newHub(board *engine.Board, snapshots *snapshots, rate, limit, perIP int) *hub {
	h := &hub{
		board: board, snapshots: snapshots,
		tick: time.Second / time.Duration(rate),
		max:  limit, maxPerIP: perIP,
		perIP: make(map[string]int), viewers: make(map[*viewer]struct{}),
	}
	// One stream for each viewer: a shared one waits for its slowest. It can
	// be removed only after its subscriber has left, else r3labs leaves a
	// goroutine behind. Replay would keep every event for ever.
	h.streams = sse.NewWithCallback(nil, func(id string, _ *sse.Subscriber) { h.streams.RemoveStream(id) })
	h.streams.AutoReplay = false
	h.streams.AutoStream = false
	h.streams.BufferSize = maxQueued
	h.streams.Headers = map[string]string{
		"Cache-Control":     "no-cache, no-transform",
		"X-Accel-Buffering": "no", // nginx passes events on at once
	}
	return h
}

// admit gives a viewer a place, or says why there is none.
func (h *hub) admit(ip string, cancel func()) (*viewer, error) {
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
	h.lastID++
	v := &viewer{id: strconv.FormatUint(h.lastID, 10), ip: ip, cancel: cancel}
	h.streams.CreateStream(v.id)
	return v, nil
}

// join makes a viewer one of those that get frames, and gives it the snapshot
// that its frames follow on. The snapshot is taken first and the frames are
// pulled by revision, so nothing can fall between the two.
func (h *hub) join(v *viewer) (*snapshot, error) {
	sn, err := h.snapshots.get(0)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v.rev = sn.rev
	h.viewers[v] = struct{}{}
	if h.closed {
		v.cancel()
	}
	if h.stop == nil {
		h.stop = make(chan struct{})
		go h.run(h.stop)
	}
	return sn, nil
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
		h.stop = nil
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
			h.beat()
		}
	}
}

// publish brings every viewer that has read what it was given up to date.
func (h *hub) publish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	rev := h.board.Rev()
	behind, oldest := false, rev
	var current *frame
	last := h.lastRev
	for v := range h.viewers {
		switch {
		case v.rev >= rev || v.queued.Load() >= maxQueued:
		case v.rev == last:
			if current == nil {
				current = h.frame(last)
				h.lastRev = current.rev
			}
			h.send(v, current)
		default:
			behind, oldest = true, min(oldest, v.rev)
		}
	}
	if !behind {
		return
	}
	// What the one furthest behind needs holds what the others need.
	late := h.frame(oldest)
	h.lastRev = late.rev
	for v := range h.viewers {
		if v.rev >= oldest && v.rev < late.rev {
			h.send(v, late)
		}
	}
}

// send hands a frame to a viewer, or leaves the viewer where it is.
func (h *hub) send(v *viewer, f *frame) {
	if int(v.queued.Load())+len(f.events) > maxQueued {
		return
	}
	for _, ev := range f.events {
		if !h.streams.TryPublish(v.id, ev) {
			return // it is leaving, or will get this again: frames say what is, not what happened
		}
		v.queued.Add(1)
	}
	v.rev = f.rev
}

func (h *hub) beat() {
	now := time.Now()
	b := beat{Rev: h.board.Rev(), Time: unixTime(now), Generation: h.board.Config().Generation, Lag: newLag(h.board.Lag())}
	ev := newEvent("beat", b.Rev, b)
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		if v.queued.Load() < maxQueued && h.streams.TryPublish(v.id, ev) {
			v.queued.Add(1)
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
			return &frame{rev: sn.rev, events: []*sse.Event{rawEvent("board", sn.rev, sn.json.plain)}}
		}
	}
	f := &frame{rev: u.Rev}
	if u.Config {
		f.events = append(f.events, newEvent("config", u.Rev, newConfigState(config)))
	}
	if len(u.Views) > 0 {
		tiles := make([]Tile, len(u.Views))
		for i := range u.Views {
			tiles[i] = newTile(&u.Views[i], now)
		}
		f.events = append(f.events, newEvent("update", u.Rev, update{Rev: u.Rev, Time: unixTime(now), Tiles: tiles}))
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
