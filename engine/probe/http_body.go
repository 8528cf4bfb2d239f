package probe

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

const httpDrainSize = 32 << 10

var errHTTPEnough = errors.New("body over the limit")

// httpBody is the body before decoding: it counts, ends what does not end, and
// remembers its error, which a decoder on top may hide.
type httpBody struct {
	r    io.Reader
	size int64
	max  int64
	err  error
}

func (b *httpBody) Read(p []byte) (int, error) {
	if b.size >= b.max {
		b.err = errHTTPEnough
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.size += int64(n)
	b.err = err
	return n, err
}

// receive reads the body: its beginning is kept, all of it is counted. whole
// tells that its end was seen.
func (h *httpHop) receive(head *http.Response, res *HTTPResult) (whole bool, err error) {
	if stream := h.run.req.stream; stream != nil && !h.run.leads(head) {
		return false, stream(head, h.conn.raw)
	}
	b := &h.body
	b.r, b.max = head.Body, httpCountMax
	if h.run.leads(head) {
		b.max = httpHopBodyMax
	}
	keep := h.run.req.Keep()
	zipped := keep > 0 && httpZipped(head.Header)
	if zipped {
		res.Body, res.Truncated, err = h.run.client.gunzip(b, keep)
	} else {
		res.Body, _ = httpKeep(b, keep, head.ContentLength)
	}
	if b.err == nil {
		more := h.run.client.drain(b)
		res.Truncated = res.Truncated || more && !zipped
	}
	res.Size = b.size
	switch b.err {
	case io.EOF:
		return true, err
	case errHTTPEnough:
		res.Truncated = true
		return false, nil
	}
	return false, b.err
}

// Keep is how many bytes of body are wanted.
func (r *HTTPRequest) Keep() int {
	if r.MaxBody == 0 {
		return httpKeepDefault
	}
	return max(r.MaxBody, 0)
}

// leads tells whether head is a redirect that may be followed.
func (r *httpRun) leads(head *http.Response) bool {
	return len(r.hops) < r.req.Redirects && httpRedirects(head.StatusCode) && head.Header.Get("Location") != ""
}

func httpZipped(header http.Header) bool {
	encoding := header.Get("Content-Encoding")
	return strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip")
}

// httpKeep reads at most keep bytes, into no more memory than length, if known,
// calls for; what only claims to be long gets more as it comes. The error is nil
// when keep or length was reached first.
func httpKeep(r io.Reader, keep int, length int64) ([]byte, error) {
	size := min(512, keep)
	if length >= 0 {
		size = int(min(length, int64(keep), httpKeepDefault))
	}
	buf := make([]byte, 0, size)
	for len(buf) < keep && int64(len(buf)) != length {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), keep)])
		buf = buf[:len(buf)+n]
		if err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// gunzip keeps the beginning of what b decodes to, and decodes no more than
// that: a small body can unfold to any size.
func (c *HTTPClient) gunzip(b *httpBody, keep int) (kept []byte, more bool, err error) {
	z, ok := c.zips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer c.zips.Put(z)
	if err = z.Reset(b); err == nil {
		kept, err = httpKeep(z, keep, -1)
	}
	if err == nil {
		n, _ := z.Read(make([]byte, 1))
		more = n > 0
	}
	if err != nil && (err != io.EOF || kept == nil && b.size > 0) {
		err = &Error{Kind: Proto, Message: "decoding the gzip body: " + err.Error(), Err: err}
	} else {
		err = nil
	}
	return kept, more, err
}

// drain reads the rest and tells whether there was any.
func (c *HTTPClient) drain(b *httpBody) bool {
	buf, ok := c.drains.Get().(*[httpDrainSize]byte)
	if !ok {
		buf = new([httpDrainSize]byte)
	}
	defer c.drains.Put(buf)
	before := b.size
	for {
		if _, err := b.Read(buf[:]); err != nil {
			return b.size > before
		}
	}
}
