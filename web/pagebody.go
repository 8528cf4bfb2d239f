package web

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// pageBody is a rendered page in two parts, made once and shared by all who ask
// for it. The top counts and lists what is wrong. A browser shows it while the
// rest, which is most of the work of both, is being rendered.
type pageBody struct {
	top     []byte
	rest    func() ([]byte, error)
	topGzip func() []byte
	gzip    func() ([]byte, error) // of the rest: goes on where topGzip ends
}

func newPageBody(top []byte, rest func() ([]byte, error)) *pageBody {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzipLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	p := &pageBody{top: top, rest: sync.OnceValues(rest)}
	// Writes to a bytes.Buffer do not fail.
	p.topGzip = sync.OnceValue(func() []byte {
		_, _ = w.Write(top)
		_ = w.Flush()
		return bytes.Clone(buf.Bytes())
	})
	p.gzip = sync.OnceValues(func() ([]byte, error) {
		sent := len(p.topGzip())
		plain, err := p.rest()
		if err != nil {
			return nil, err
		}
		_, _ = w.Write(plain)
		_ = w.Close()
		return buf.Bytes()[sent:], nil
	})
	return p
}

// send answers a request with the page. An error means that only a part of it
// was sent.
func (p *pageBody) send(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	top, rest := p.top, p.rest
	if acceptsGzip(c.Request()) {
		h.Set("Content-Encoding", "gzip")
		top, rest = p.topGzip(), p.gzip
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	// A viewer who has left is no error: the next write says it again.
	if _, err := c.Response().Write(top); err != nil {
		return nil
	}
	c.Response().Flush()
	body, err := rest()
	if err != nil {
		return err
	}
	_, _ = c.Response().Write(body)
	return nil
}
