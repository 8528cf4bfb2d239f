package web

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/r3labs/sse/v2"
)

const (
	// writeTimeout is how long a viewer may take to make room for a chunk
	// before it is cut: see [hub.cutStuck].
	writeTimeout = 5 * time.Second
	// chunkSize is taken or not as one: a slow viewer of a large board is cut
	// for standing still, not for being slow.
	chunkSize = 64 << 10
	// reconnectAfter is what a browser waits before it comes back by itself.
	reconnectAfter = 2 * time.Second
)

// events is GET /events: the whole board, then what changes, until the viewer
// leaves, does not read, or the server stops.
func (s *Server) events(c echo.Context) error {
	r := c.Request()
	if r.Method == http.MethodHead {
		c.Response().Header().Set(echo.HeaderContentType, "text/event-stream")
		return c.NoContent(http.StatusOK)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	v, err := s.hub.admit(neighbourhood(r), s.grantOf(c), cancel)
	if err != nil {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(writeTimeout/time.Second)))
		return echo.NewHTTPError(http.StatusServiceUnavailable, err.Error())
	}
	defer s.hub.leave(v)

	under := c.Response().Writer // net/http's own: nothing of echo's is needed for each frame
	w := &streamWriter{
		under: under, control: http.NewResponseController(under),
		hub: s.hub, viewer: v, cancel: cancel,
	}
	v.cut = func() { _ = w.control.SetWriteDeadline(longAgo) } // every ResponseWriter of a listener has it
	v.hangUp = func() {
		if conn, ok := ctx.Value(connKey{}).(net.Conn); ok {
			conn.Close()
		}
	}
	defer w.part()
	if w.snapshot, err = s.snapshots.get(0); err != nil {
		return err
	}
	c.Response().Committed = true // by w: no error may be answered behind what it writes
	w.follow(r.WithContext(ctx), true)
	if v.parted.Load() && ctx.Err() == nil {
		w.follow(r.WithContext(ctx), false)
	}
	return nil
}

// grantOf gives a function that tells whether what let the request in still
// does; nil if nothing was asked for.
func (s *Server) grantOf(c echo.Context) func() bool {
	by, ok := c.Get(grantKey).(grant)
	if !ok {
		return nil
	}
	return func() bool { return s.cfg.Auth.holds(by) }
}

// viewerParam tells a subscriber's viewer, in the address that r3labs is asked
// for; it takes the stream's name from there too.
const viewerParam = "viewer"

// streamWriter stands between r3labs and the connection, for one viewer. It
// gathers an event into one write, says when it began, counts what was written,
// and ends the stream at the first error, which r3labs would not notice.
type streamWriter struct {
	under   http.ResponseWriter
	control *http.ResponseController
	hub     *hub
	viewer  *viewer
	cancel  func()

	snapshot    *snapshot    // what the viewer is sent first, until it was
	event       bytes.Buffer // gathered since the last flush
	subscribing bool         // the hub is locked
	joined      bool
	failed      bool
}

// follow serves a stream of the hub until the viewer leaves or is taken out.
func (w *streamWriter) follow(r *http.Request, shared bool) {
	ctx, unsubscribe := context.WithCancel(r.Context())
	defer unsubscribe()
	w.hub.mu.Lock()
	w.subscribing, w.joined = true, false
	defer w.subscribed() // nothing known gets here still subscribing
	rev := w.viewer.rev
	if shared {
		rev = w.snapshot.rev
	}
	st := w.hub.subscribe(w.viewer, shared, rev, unsubscribe)

	// r3labs refuses a Last-Event-ID that is not a number with a status that
	// browsers take for final. A viewer always gets the whole board first, so
	// it is of no use.
	own := r.Clone(ctx)
	own.URL.RawQuery = url.Values{"stream": {st.id}, viewerParam: {w.viewer.id}}.Encode()
	own.Header.Del("Last-Event-ID")
	w.hub.server.ServeHTTP(w, own)
}

// subscribed lets go of the hub.
func (w *streamWriter) subscribed() {
	if w.subscribing {
		w.subscribing = false
		w.hub.mu.Unlock()
	}
}

func (w *streamWriter) Header() http.Header { return w.under.Header() }

// WriteHeader is called by r3labs once the subscriber is registered and before
// any event is read from its queue: what is written here comes first.
func (w *streamWriter) WriteHeader(code int) {
	first := w.snapshot
	if first == nil { // a second stream on the same connection
		w.subscribed()
		return
	}
	w.snapshot = nil
	since := w.hub.join(w.viewer, first)
	w.subscribed()
	w.Header().Del("Connection") // not allowed in HTTP/2, and the default in HTTP/1.1
	w.under.WriteHeader(code)
	w.write([]byte("retry: " + strconv.FormatInt(reconnectAfter.Milliseconds(), 10) + "\n"))
	w.writeEvent(rawEvent("board", first.rev, first.json.plain))
	if since != nil {
		for _, ev := range since.events {
			w.writeEvent(ev)
		}
	}
}

// writeEvent writes as r3labs does, but gathers nothing: it may be large, and
// it is shared.
func (w *streamWriter) writeEvent(ev *sse.Event) {
	w.write(slices.Concat([]byte("id: "), ev.ID, []byte("\ndata: ")))
	w.write(ev.Data)
	w.write(slices.Concat([]byte("\nevent: "), ev.Event, []byte("\n\n")))
}

// Write gathers. It reports no error: r3labs would ignore it.
func (w *streamWriter) Write(p []byte) (int, error) {
	if !w.failed {
		w.event.Write(p)
	}
	return len(p), nil
}

// Flush sends what was gathered. r3labs calls it once after the header and
// once after each event.
func (w *streamWriter) Flush() {
	if !w.viewer.parted.Load() {
		w.write(w.event.Bytes())
		if !w.failed {
			w.viewer.given.Store(w.hub.beats.Load())
			err := w.control.Flush()
			w.viewer.given.Store(0)
			if err != nil {
				w.fail()
			}
		}
	}
	if w.event.Cap() > chunkSize {
		w.event = bytes.Buffer{} // an idle viewer keeps no large buffer
	} else {
		w.event.Reset()
	}
	if w.joined {
		w.viewer.written.Add(1)
	}
	w.joined = true
}

// write sends p in chunks, each of which the viewer must take in its time.
func (w *streamWriter) write(p []byte) {
	for len(p) > 0 && !w.failed {
		n := min(len(p), chunkSize)
		w.viewer.given.Store(w.hub.beats.Load())
		_, err := w.under.Write(p[:n])
		w.viewer.given.Store(0)
		if err != nil {
			w.fail()
		}
		p = p[n:]
	}
}

// part gives the end of the stream its time, which the hub sees no more.
func (w *streamWriter) part() {
	if !w.failed {
		_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
}

// fail ends the stream: without its context r3labs would go on writing to a
// dead connection until the kernel gives up, a quarter of an hour later.
func (w *streamWriter) fail() {
	w.failed = true
	w.cancel()
}
