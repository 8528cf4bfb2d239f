package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed static
var embedded embed.FS

// partialScript stands in the page itself: a file may fail to come, which is what
// it looks after. The policy allows it by its hash.
//
//go:embed static/partial.js
var partialScript string

// sheetName is the page's one style sheet: the sheets, one after the other. Five
// requests delayed the first paint by a fifth.
const sheetName = "css/board.css"

var sheets = [...]string{"css/tokens.css", "css/page.css", "css/tile.css", "css/detail.css", "css/kiosk.css"}

// contentTypes are told by extension here and not by the machine's tables, so
// that a board looks the same everywhere.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".jpg":         "image/jpeg",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

func contentType(name string) string {
	if t, ok := contentTypes[path.Ext(name)]; ok {
		return t
	}
	return "application/octet-stream"
}

// static serves the page's own files, with an operator's folder laid over
// them. The folder is an [os.Root]: neither dots nor symbolic links lead out.
type static struct {
	assets  map[string]asset
	overlay *os.Root // nil without a folder
}

// asset is an embedded file; it never changes while the server runs.
type asset struct {
	*payload
	etag string
}

func newStatic(overlay string, log *slog.Logger) *static {
	st := &static{assets: make(map[string]asset)}
	if err := fs.WalkDir(embedded, "static", st.add); err != nil {
		panic(err) // the files are in the binary
	}
	if overlay != "" {
		root, err := os.OpenRoot(overlay)
		if err != nil {
			log.Error("opening the static path", "error", err)
		}
		st.overlay = root
	}
	st.assets[sheetName] = st.sheet()
	return st
}

func (st *static) add(name string, entry fs.DirEntry, err error) error {
	if err != nil || entry.IsDir() {
		return err
	}
	body, err := embedded.ReadFile(name)
	if err != nil {
		return err
	}
	st.assets[strings.TrimPrefix(name, "static/")] = newAsset(name, body)
	return nil
}

func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{payload: newPayload(contentType(name), body), etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// sheet makes the page's style sheet of today's files.
func (st *static) sheet() asset {
	var all []byte
	for _, name := range sheets {
		body := st.assets[name].plain
		if f, _ := st.open(name); f != nil {
			if own, err := io.ReadAll(f); err == nil {
				body = own
			}
			f.Close()
		}
		all = append(append(all, body...), '\n')
	}
	return newAsset(sheetName, all)
}

// pageID names the page that a server of version brings: by the version, and
// by the page's own files, because builds made on the way have none.
func (st *static) pageID(version string) string {
	sum := sha256.New()
	io.WriteString(sum, version)
	for _, name := range slices.Sorted(maps.Keys(st.assets)) {
		io.WriteString(sum, name+st.assets[name].etag)
	}
	templates, err := fs.Glob(pages, "*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range templates {
		text, err := pages.ReadFile(name)
		if err != nil {
			panic(err) // the files are in the binary
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func (st *static) close() error {
	if st.overlay == nil {
		return nil
	}
	return st.overlay.Close()
}

// staticFile is GET /static/NAME.
func (s *Server) staticFile(c echo.Context) error { return s.sendFile(c, wildcard(c)) }

// robots is GET /robots.txt: the only place where crawlers look.
func (s *Server) robots(c echo.Context) error { return s.sendFile(c, "robots.txt") }

// sendFile answers with a file. Each is asked for again each time and answered
// with 304 while it is the same, so that a page that is loaded, as all are when
// the version changes, has the files of today.
func (s *Server) sendFile(c echo.Context, name string) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	if hidden(name) {
		return echo.NewHTTPError(http.StatusNotFound, fmt.Sprintf("no file %q", name))
	}
	if f, info := s.static.open(name); f != nil {
		defer f.Close()
		serveOverlay(c, f, info)
		return nil
	}
	a, ok := s.static.assets[name]
	if name == sheetName && s.static.overlay != nil {
		a = s.static.sheet()
	}
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, fmt.Sprintf("no file %q", name))
	}
	c.Response().Header().Set("ETag", a.etag)
	if matches(c.Request().Header.Get("If-None-Match"), a.etag) {
		a.vary(c.Response().Header()) // as on the file, by which a cache finds what it has
		return c.NoContent(http.StatusNotModified)
	}
	return a.send(c)
}

// open opens a plain file of the operator's folder, and nothing else that may be
// there, no folder, pipe or device; nil where there is none for the web.
func (st *static) open(name string) (*os.File, fs.FileInfo) {
	if st.overlay == nil {
		return nil, nil
	}
	info, err := st.overlay.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := st.overlay.Open(name)
	if err != nil {
		return nil, nil
	}
	return f, info
}

func serveOverlay(c echo.Context, f *os.File, info fs.FileInfo) {
	h := c.Response().Header()
	h.Set("Content-Type", contentType(info.Name()))
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	http.ServeContent(c.Response(), c.Request(), info.Name(), info.ModTime(), f)
}

// hidden tells whether name is no clean relative path, or has a part that
// begins with a dot.
func hidden(name string) bool {
	return !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// matches compares If-None-Match with an ETag, weakly.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
