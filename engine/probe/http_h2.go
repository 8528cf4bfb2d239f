package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// httpH2 speaks HTTP/2 over connections that were made here: net/http gets
// them through the context of its dialer.
type httpH2 struct {
	once          sync.Once
	secure, plain *http.Transport
}

type httpDialedKey struct{}

func (h *httpH2) open(ctx context.Context, c *httpConn, t *httpTarget) (*http.ClientConn, error) {
	h.once.Do(func() {
		dialed := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(httpDialedKey{}).(net.Conn), nil
		}
		transport := func() *http.Transport {
			return &http.Transport{
				DialContext:            dialed,
				DialTLSContext:         dialed,
				DisableCompression:     true,
				MaxResponseHeaderBytes: httpHeadMax,
				Protocols:              new(http.Protocols),
			}
		}
		h.secure, h.plain = transport(), transport()
		h.secure.Protocols.SetHTTP2(true)
		h.plain.Protocols.SetUnencryptedHTTP2(true)
	})
	transport := h.plain
	if _, ok := c.wire.(*tls.Conn); ok {
		transport = h.secure
	}
	return transport.NewClientConn(context.WithValue(ctx, httpDialedKey{}, c.wire), t.url.Scheme, t.addr())
}

// roundTrip is one exchange of HTTP/2. The marks come from hooks that run in
// net/http's goroutines, some of them after the exchange.
func (h *httpHop) roundTrip() (*http.Response, error) {
	var sent, first atomic.Int64
	trace := &httptrace.ClientTrace{
		WroteRequest: func(wrote httptrace.WroteRequestInfo) {
			if wrote.Err == nil { // else it was given up
				sent.CompareAndSwap(0, int64(h.run.since()))
			}
		},
		GotFirstResponseByte: func() { first.CompareAndSwap(0, int64(h.run.since())) },
	}
	h.phase = "send"
	h.marks.ready = h.run.since()
	head, err := h.conn.h2.RoundTrip(h.h2Request(httptrace.WithClientTrace(h.run.ctx, trace)))
	h.marks.sent, h.marks.first = time.Duration(sent.Load()), time.Duration(first.Load())
	if h.marks.first == 0 && err == nil {
		h.marks.first = h.run.since()
	}
	if h.marks.sent > h.marks.first && h.marks.first != 0 || h.marks.sent == 0 {
		h.marks.sent = h.marks.first // answered before all was sent
	}
	if h.marks.sent != 0 {
		h.phase = "wait"
	}
	return head, err
}

// httpStreamError is what net/http's error of a stream makes itself to in [errors.As],
// as which it is not exported.
type httpStreamError struct {
	StreamID, Code uint32
	Cause          error
}

func (httpStreamError) Error() string { return "stream error" }

// httpStreamReset tells whether the server broke the request off, and did not say that
// it has not looked at it (RFC 9113, 8.7): that is an answer of a connection that lives.
func httpStreamReset(err error) bool {
	const refused = 0x7
	reset, ok := errors.AsType[httpStreamError](err)
	return ok && reset.Code != refused
}

func (h *httpHop) h2Request(ctx context.Context) *http.Request {
	m, t := &h.run.message, h.run.target
	u := *t.url
	u.Host = t.authority()
	req := &http.Request{Method: m.method, URL: &u, Host: m.authority(t), Header: http.Header{}}
	m.fields(t, func(name, value string) { req.Header[name] = append(req.Header[name], value) })
	if m.header["User-Agent"] == nil && len(req.Header["User-Agent"]) == 0 {
		req.Header["User-Agent"] = []string{""} // else net/http would put its own
	}
	if len(m.body) > 0 {
		req.Body, req.ContentLength = httpBodyReader{bytes.NewReader(m.body)}, int64(len(m.body))
	}
	return req.WithContext(ctx)
}

type httpBodyReader struct{ *bytes.Reader }

func (httpBodyReader) Close() error { return nil }

// errHTTPNoH2 is a server that was asked for HTTP/2 alone and does not have it.
var errHTTPNoH2 = errors.New("the server does not speak HTTP/2")
