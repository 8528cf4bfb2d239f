package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// httpHop is one request and its answer.
type httpHop struct {
	run     *httpRun
	conn    *httpConn
	marks   httpMarks
	phase   string        // that it is in
	address fmt.Stringer  // it connects to, for messages
	stop    func() bool   // takes back the guard of conn
	writing chan httpSent // of a long body, while that goes on
	body    httpBody
	again   bool // its kept connection was dead: take none
	keep    bool // the connection is good for another request
}

// do makes the hop. The connection ends up with the run if it is good for
// another request, else closed.
func (h *httpHop) do() (res *HTTPResult, err error) {
	h.phase = "blocked"
	for {
		if err = h.connect(); err == nil {
			res, err = h.exchange()
		}
		h.marks.end = h.run.since()
		if h.conn != nil && !h.stop() {
			h.keep = false // too late: the guard has struck
		}
		if err == nil || !h.retry(err) {
			break
		}
		h.drop()
		// What the dead connection took counts as waiting for a live one.
		h.marks = httpMarks{start: h.marks.start}
		h.conn, h.again = nil, true
	}
	if err != nil && h.conn != nil && httpToItself(h.conn.raw) {
		err = h.refused()
	}
	if err == nil && h.keep && h.written() {
		h.run.conn = h.conn
	} else {
		h.drop()
	}
	return res, err
}

// httpToItself tells whether the local port that the system chose was the one
// to connect to. TCP then connects the socket to itself (RFC 9293, 3.5, figure
// 8), though nobody listens, and what it sends comes back: never an answer.
func httpToItself(conn net.Conn) bool {
	local, _ := conn.LocalAddr().(*net.TCPAddr)
	remote, _ := conn.RemoteAddr().(*net.TCPAddr)
	return local != nil && remote != nil && local.Port == remote.Port && local.IP.Equal(remote.IP)
}

// refused makes of the hop what it would have been from another port.
func (h *httpHop) refused() error {
	h.phase = "connect"
	h.marks = httpMarks{start: h.marks.start, begin: h.marks.begin, dns: h.marks.dns, end: h.marks.end}
	httpResetOnClose(h.conn.raw)
	return os.NewSyscallError("connect", syscall.ECONNREFUSED)
}

// written tells whether all of the request went out. A writer that has just
// ended may not have got round to saying so.
func (h *httpHop) written() bool {
	if h.writing == nil {
		return true
	}
	select {
	case sent := <-h.writing:
		h.writing = nil
		return sent.err == nil
	case <-time.After(time.Millisecond):
		return false
	}
}

// drop closes the connection, and leaves nobody behind who writes to it.
func (h *httpHop) drop() {
	if h.conn == nil {
		return
	}
	h.conn.close(h.run.client, false)
	if h.writing != nil {
		<-h.writing
		h.writing = nil
	}
}

// retry tells whether a kept connection turned out to be dead before anything
// came back, and the request may be made again.
func (h *httpHop) retry(err error) bool {
	return h.marks.reused && h.marks.first == 0 && !late(h.run.ctx) && h.run.message.idempotent() &&
		(h.conn.h2 != nil && !httpStreamReset(err) || httpBroken(err))
}

// httpBroken tells a connection that ended from one that was too slow.
func httpBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// exchange sends the request over the connection and reads the answer.
func (h *httpHop) exchange() (*HTTPResult, error) {
	var head *http.Response
	var err error
	if h.conn.h2 != nil {
		head, err = h.roundTrip()
	} else {
		head, err = h.converse()
	}
	if err != nil {
		return nil, err
	}
	h.phase = "receive"
	if head.StatusCode == http.StatusProxyAuthRequired && h.run.forwarder() != nil {
		return nil, errHTTPProxyAuth
	}
	if len(head.TransferEncoding) > 0 {
		head.Header["Transfer-Encoding"] = head.TransferEncoding // net/http takes it out
	}
	res := &HTTPResult{
		Status:   head.StatusCode,
		Header:   head.Header,
		URL:      h.run.target.String(),
		RemoteIP: h.conn.remote,
		Proto:    httpProto(head),
		TLS:      h.conn.tls,
	}
	whole, err := h.receive(head, res)
	if h.conn.h2 != nil {
		head.Body.Close() // HTTP/1's would read an endless body to its end
	}
	h.keep = whole && h.reusable(head)
	if err != nil {
		return nil, err
	}
	return res, nil
}

// reusable tells whether the server is ready for another request after this
// answer, whose end was seen.
func (h *httpHop) reusable(head *http.Response) bool {
	if h.conn.h2 != nil {
		return true
	}
	return !head.Close && head.StatusCode != http.StatusSwitchingProtocols && h.conn.br.Buffered() == 0
}

func httpProto(head *http.Response) string {
	switch {
	case head.ProtoMajor >= 2:
		return "2"
	case head.ProtoMinor == 0:
		return "1.0"
	}
	return "1.1"
}

// httpInlineBody is the longest body that is written before the answer is
// read. Longer ones are written beside it, for a server may answer, and stop
// reading, in the middle.
const httpInlineBody = 32 << 10

// converse is one exchange of HTTP/1.
func (h *httpHop) converse() (*http.Response, error) {
	m, c := &h.run.message, h.conn
	h.phase = "send"
	out := m.head(h.run.target, h.run.forwarder())
	c.src.left = httpHeadMax
	h.marks.ready = h.run.since()
	if len(m.body) > httpInlineBody {
		return h.converseLong(out)
	}
	_, sendErr := c.wire.Write(append(out, m.body...))
	h.marks.sent = h.run.since()
	h.phase = "wait"
	head, err := h.readHead()
	if err != nil && sendErr != nil {
		h.phase = "send"
		return nil, sendErr
	}
	return head, err
}

type httpSent struct {
	at  time.Duration
	err error
}

// converseLong writes and reads at the same time. What is left to write when
// the answer has come, nobody waits for: the connection is then done for.
func (h *httpHop) converseLong(out []byte) (*http.Response, error) {
	c, body := h.conn, h.run.message.body
	h.writing = make(chan httpSent, 1)
	go func() {
		_, err := c.wire.Write(out)
		if err == nil {
			_, err = c.wire.Write(body)
		}
		h.writing <- httpSent{h.run.since(), err}
	}()
	head, err := h.readHead()
	var sent httpSent
	select {
	case sent = <-h.writing:
		h.writing = nil
		h.marks.sent = sent.at
	default:
		h.marks.sent = h.marks.first
	}
	if h.marks.first != 0 {
		h.marks.sent = min(h.marks.sent, h.marks.first)
		h.phase = "wait"
	}
	if head == nil && sent.err != nil {
		return nil, sent.err
	}
	return head, err
}

// readHead reads up to the headers of the answer proper.
func (h *httpHop) readHead() (*http.Response, error) {
	req := &http.Request{Method: h.run.message.method}
	for {
		if _, err := h.conn.br.Peek(1); err != nil {
			return nil, err
		}
		if h.marks.first == 0 {
			h.marks.first = h.run.since()
		}
		head, err := http.ReadResponse(h.conn.br, req)
		if err != nil {
			if h.conn.src.left == 0 {
				err = errHTTPHead // which the parser took for the end
			}
			return nil, err
		}
		if head.StatusCode >= 200 || head.StatusCode == http.StatusSwitchingProtocols {
			h.conn.src.left = -1
			return head, nil
		}
	}
}
