package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// payload is a response body that is made once, compressed at most once, and
// shared by all who ask for it.
type payload struct {
	contentType string
	plain       []byte
	gzip        func() []byte // nil where it would not pay
}

const (
	worthGzip = 1024 // bytes: below it a packet is a packet
	gzipLevel = 5    // stdlib's level 6 in size, at a quarter of its time
)

func newPayload(contentType string, plain []byte) *payload {
	p := &payload{contentType: contentType, plain: plain}
	if len(plain) >= worthGzip {
		p.gzip = sync.OnceValue(func() []byte { return compress(plain) })
	}
	return p
}

func compress(plain []byte) []byte {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzipLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	// Writes to a bytes.Buffer do not fail.
	_, _ = w.Write(plain)
	_ = w.Close()
	return buf.Bytes()
}

// send answers a request with the payload, compressed if the client takes that.
func (p *payload) send(c echo.Context) error {
	h := c.Response().Header()
	p.vary(h)
	body := p.plain
	if p.gzip != nil && acceptsGzip(c.Request()) {
		body = p.gzip()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return c.Blob(http.StatusOK, p.contentType, body)
}

// vary tells caches what the answer depends on.
func (p *payload) vary(h http.Header) {
	if p.gzip != nil {
		h.Add("Vary", "Accept-Encoding")
	}
}

// acceptsGzip reads Accept-Encoding; q=0 is a refusal.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.ToLower(r.Header.Get("Accept-Encoding")), ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !isQ || (err == nil && weight > 0)
	}
	return false
}
