package web

import (
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/labstack/echo/v4"
)

// payload is a response body that is made once, compressed at most once, and
// shared by all who ask for it.
type payload struct {
	contentType string
	plain       []byte
	gzip        func() []byte // nil where it would not pay
}

const worthGzip = 1024 // bytes: below it a packet is a packet

func newPayload(contentType string, plain []byte) *payload {
	p := &payload{contentType: contentType, plain: plain}
	if len(plain) >= worthGzip {
		p.gzip = sync.OnceValue(func() []byte {
			return slices.Concat([]byte(gzipHeader), deflate(plain, (*flate.Writer).Close), gzipTrailer(plain))
		})
	}
	return p
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
