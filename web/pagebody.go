package web

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/labstack/echo/v4"
)

// pageBody is a rendered page in two parts, made once and shared by all who ask
// for it; a root that has the looks they ask for goes before it. The top counts
// and lists what is wrong. A browser shows it while the rest, which is most of
// the work of both, is being rendered.
type pageBody struct {
	top          []byte
	topDeflated  func() []byte
	rest         func() ([]byte, error)
	restDeflated func() ([]byte, error)
}

func newPageBody(top []byte, rest func() ([]byte, error)) *pageBody {
	p := &pageBody{top: top, rest: sync.OnceValues(rest)}
	p.topDeflated = sync.OnceValue(func() []byte { return deflate(top, (*flate.Writer).Flush) })
	p.restDeflated = sync.OnceValues(func() ([]byte, error) {
		plain, err := p.rest()
		if err != nil {
			return nil, err
		}
		return deflate(plain, (*flate.Writer).Close), nil
	})
	return p
}

// send answers a request with the page. An error means that only a part of it
// was sent.
func (p *pageBody) send(c echo.Context, root []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	zipped := acceptsGzip(c.Request())
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	first := bytes.NewBuffer(nil)
	if zipped {
		first.WriteString(gzipHeader)
		_ = flate.StatelessDeflate(first, root, false, nil) // writes to a bytes.Buffer do not fail
		first.Write(p.topDeflated())
	} else {
		first.Write(root)
		first.Write(p.top)
	}
	// A viewer who has left is no error: the next write says it again.
	if _, err := c.Response().Write(first.Bytes()); err != nil {
		return nil
	}
	c.Response().Flush()
	plain, err := p.rest()
	if err != nil {
		return err
	}
	if !zipped {
		_, _ = c.Response().Write(plain)
		return nil
	}
	deflated, err := p.restDeflated()
	if err != nil {
		return err
	}
	_, _ = c.Response().Write(deflated)
	_, _ = c.Response().Write(gzipTrailer(root, p.top, plain))
	return nil
}
