package web

import (
	"sync/atomic"

	"github.com/r3labs/sse/v2"
)

// Viewers that keep up share one stream of r3labs: a stream hands its events
// on in a goroutine of its own, and one for each viewer costs a fifth of all
// that a frame costs. But a shared stream waits for its slowest, who has room
// for subscriberRoom events and no more. So the hub counts, hands over nothing
// while somebody has no room, and takes who falls behind out, to a stream of
// its own, where it gets the latest state of whatever changed meanwhile each
// time it has read what it was given: no queue grows, and nobody is waited for.

const (
	// subscriberRoom is how many events r3labs keeps for a subscriber.
	subscriberRoom = 64
	// maxQueued is how many events may be on their way to a viewer with a
	// stream of its own.
	maxQueued = 4
	// Half a second of frames, within these, is what a viewer may be behind
	// before it is taken out of the shared stream. The rest of subscriberRoom
	// is for what is published until r3labs has let go of it.
	minSlack, maxSlack = 8, 32
)

// viewer is one that watches.
type viewer struct {
	id      string
	ip      string
	cancel  func()      // ends its watching
	cut     func()      // ends what is written to it
	hangUp  func()      // closes its connection, below TLS; does not wait
	welcome func() bool // tells whether it is still let in; nil if everybody is

	// Guarded by hub.mu:
	stream      *stream
	before      uint64 // events of the stream from before it came
	rev         uint64 // what it knew when it was taken out of the shared stream
	unsubscribe func() // takes it out of the stream

	given   atomic.Uint64 // the beat at which it was given what it has not taken; 0 = it has taken all
	written atomic.Uint64 // events that it has taken of its stream
	parted  atomic.Bool   // it was taken out of the shared stream: what it has not taken is not for it
}

// stream is one stream of r3labs: what is published in it comes to all its
// viewers.
type stream struct {
	id      string
	rev     uint64                 // what a viewer knows who has read all of it
	sent    uint64                 // events
	revs    [subscriberRoom]uint64 // rev as it was after each of the last events
	limit   uint64                 // events that may be on their way to a viewer
	room    uint64                 // events that every viewer has room for, as last measured
	viewers map[string]*viewer     // by id, until r3labs has let go of them
}

// queued gives how many events are on their way to v.
func (st *stream) queued(v *viewer) uint64 { return st.sent - v.before - v.written.Load() }

// subscribe gives a viewer its stream, the shared one or one of its own that
// begins at rev. The caller holds the lock until r3labs has subscribed the
// viewer: nothing can be published in between.
func (h *hub) subscribe(v *viewer, shared bool, rev uint64, unsubscribe func()) *stream {
	st := h.shared
	if !shared || st == nil {
		st = &stream{id: h.newID(), rev: rev, limit: maxQueued, viewers: make(map[string]*viewer)}
		st.revs[0] = rev
		if shared {
			st.limit = subscriberRoom - 1
			h.shared = st
		}
		h.streams[st.id] = st
		h.server.CreateStream(st.id)
	}
	st.viewers[v.id] = v
	v.stream, v.before, v.unsubscribe = st, st.sent, unsubscribe
	v.written.Store(0)
	v.parted.Store(false)
	return st
}

// unsubscribed is called by r3labs when it has let go of a subscriber. Only
// now may its stream be removed: one removed before leaves a goroutine behind.
func (h *hub) unsubscribed(id string, sub *sse.Subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.streams[id]
	delete(st.viewers, sub.URL.Query().Get(viewerParam))
	if len(st.viewers) > 0 {
		return
	}
	delete(h.streams, id)
	h.server.RemoveStream(id)
	if h.shared == st {
		h.shared = nil
	}
}

// measure finds out how much room each stream has, and takes the viewers that
// have fallen behind out of the shared one.
func (h *hub) measure() {
	for _, st := range h.streams {
		most := uint64(0)
		for _, v := range st.viewers {
			queued := st.queued(v)
			most = max(most, queued)
			if st == h.shared && queued >= h.slack && !v.parted.Load() {
				v.rev = st.revs[(st.sent-queued)%subscriberRoom]
				v.parted.Store(true)
				v.unsubscribe()
			}
		}
		st.room = st.limit - min(most, st.limit)
	}
}

// send publishes a frame in a stream, or leaves the stream where it is.
func (h *hub) send(st *stream, f *frame) {
	if uint64(len(f.events)) > st.room {
		return
	}
	for _, ev := range f.events {
		if !h.server.TryPublish(st.id, ev) {
			return // it will get this again: frames say what is, not what happened
		}
		st.sent++
		st.revs[st.sent%subscriberRoom] = st.rev
	}
	st.rev = f.rev
	st.revs[st.sent%subscriberRoom] = f.rev
}
