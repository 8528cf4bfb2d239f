package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// streamConnect is how long connecting to a stream may take, answer included,
// if nothing else is said.
const streamConnect = 10 * time.Second

// streamAlive finds a peer that went away without a word within half a minute;
// nothing else would, on a stream that may be quiet for hours.
var streamAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// sseTooShort is for how long a connection has to hold, or bring an event, for
// its end to be nothing but a reason to connect again.
const sseTooShort = time.Second

var errStreamConnect = errors.New("connecting took too long")

// Events listens to a stream of server-sent events until ctx ends. It follows
// redirects, and connects again when the server ends the stream, after the time
// that the server wished for (within a second and a minute, by default three
// seconds) and with the last event's id. connect bounds each connecting; 0 is
// 10 s.
//
// What does not answer, not with status 200 or not with a stream of events, and
// a connection that breaks, are errors as those of [HTTPClient.Do]. state is
// kept between calls. up and event are called one at a time; while they wait,
// nothing is read.
func (c *HTTPClient) Events(ctx context.Context, req HTTPRequest, connect time.Duration, state *SSEState, up func(awaits string), event func(SSEEvent)) error {
	connect = cmp.Or(connect, streamConnect)
	for {
		came := false
		began := time.Now()
		err := c.listen(ctx, req, connect, state, up, func(e SSEEvent) {
			came = true
			event(e)
		})
		if err != nil {
			return err
		}
		if !came && time.Since(began) < sseTooShort {
			return &Error{Kind: Reset, Message: fmt.Sprintf("getting %q: the server ended the stream at once", RedactURL(req.URL))}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(state.pause()):
		}
	}
}

// listen is one connection. Its error is nil if the server ended the stream.
func (c *HTTPClient) listen(ctx context.Context, req HTTPRequest, connect time.Duration, state *SSEState, up func(string), event func(SSEEvent)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(connect, func() { cancel(errStreamConnect) })
	defer late.Stop()
	req.Header = req.Header.Clone()
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-store")
	if state.lastID != "" {
		req.Header.Set("Last-Event-ID", state.lastID)
	}
	req.KeepAlive, req.Exec = false, nil
	req.stream = func(head *http.Response, conn net.Conn) error {
		if !late.Stop() {
			return errStreamConnect
		}
		if req.Redirects > 0 && httpRedirects(head.StatusCode) && head.Header.Get("Location") != "" {
			return tooManyRedirects(req.Redirects) // or it would have been followed
		}
		if err := sseAnswer(head); err != nil {
			return err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetKeepAliveConfig(streamAlive) // without it only the end comes to be known later
		}
		up(fmt.Sprintf("connected to %s", RedactURL(req.URL)))
		return sseRead(head.Body, newSSEParser(state, event))
	}
	_, err := c.Do(ctx, &req)
	if e, ok := errors.AsType[*Error](err); ok && context.Cause(ctx) == errStreamConnect {
		return &Error{Kind: Timeout, Phase: e.Phase, Err: err, Timing: e.Timing,
			Message: fmt.Sprintf("getting %q: no answer within %v", RedactURL(req.URL), connect)}
	}
	return err
}

// sseAnswer says what is wrong with an answer that is no stream of events.
func sseAnswer(head *http.Response) error {
	reason := ""
	kind, _, _ := mime.ParseMediaType(head.Header.Get("Content-Type"))
	switch {
	case head.StatusCode == http.StatusNoContent:
		reason = "the server wants nobody to connect again (status 204)"
	case head.StatusCode != http.StatusOK:
		reason = fmt.Sprintf("status %d, want 200", head.StatusCode)
	case kind != "text/event-stream":
		reason = fmt.Sprintf("content type %q, want text/event-stream", bounded(head.Header.Get("Content-Type"), 100))
	case sseCoded(head.Header.Get("Content-Encoding")):
		reason = fmt.Sprintf("content encoding %q, which nobody asked for", bounded(head.Header.Get("Content-Encoding"), 100))
	default:
		return nil
	}
	return &Error{Kind: Proto, Message: reason}
}

// sseCoded tells whether a stream is compressed. As to browsers, other words say
// nothing: "none" is how many applications keep a server in between from it.
func sseCoded(encoding string) bool {
	return slices.ContainsFunc(strings.Split(strings.ToLower(encoding), ","), func(coding string) bool {
		return slices.Contains([]string{"gzip", "x-gzip", "deflate", "compress", "br", "zstd"}, strings.TrimSpace(coding))
	})
}

func sseRead(body io.Reader, to io.Writer) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := body.Read(buf)
		_, _ = to.Write(buf[:n])
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
