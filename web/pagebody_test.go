package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// A viewer has the top of the page while its rest is being rendered, and never
// a part of it that looks whole.
func TestTopOfThePageComesFirst(t *testing.T) {
	root, top, rest := "<html>", "<p>2 problems</p>", strings.Repeat("<li>tile</li>", 1000)
	for _, encoding := range []string{"", "gzip"} {
		for _, fails := range []bool{false, true} {
			render := make(chan error)
			body := newPageBody([]byte(top), func() ([]byte, error) { return []byte(rest), <-render })
			e := echo.New()
			e.GET("/", func(c echo.Context) error {
				if err := body.send(c, []byte(root)); err != nil {
					panic(http.ErrAbortHandler)
				}
				return nil
			})
			server := httptest.NewServer(e)
			request, _ := http.NewRequest(http.MethodGet, server.URL, nil)
			request.Header.Set("Accept-Encoding", encoding)
			resp, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			reader := io.Reader(resp.Body)
			if encoding == "gzip" {
				if reader, err = gzip.NewReader(resp.Body); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, len(root+top))
			if _, err := io.ReadFull(reader, got); err != nil || string(got) != root+top {
				t.Errorf("encoding %q: %q, %v before the rest is rendered, want %q", encoding, got, err, root+top)
			}
			if fails {
				render <- errors.New("no such template")
			}
			close(render)
			left, err := io.ReadAll(reader)
			if fails && err == nil {
				t.Errorf("encoding %q: a page whose rest cannot be rendered ends as if it were whole: %q", encoding, left)
			}
			if !fails && (err != nil || string(left) != rest) {
				t.Errorf("encoding %q: the rest is %d bytes, %v, want %d", encoding, len(left), err, len(rest))
			}
			resp.Body.Close()
			server.Close()
		}
	}
}
