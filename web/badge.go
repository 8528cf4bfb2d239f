package web

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

// badgeColours are dark enough for white text of this size (WCAG AA); the
// status is in words too.
var badgeColours = map[engine.Status]string{
	engine.Pending:  "#6b7280",
	engine.OK:       "#15803d",
	engine.Warning:  "#a16207",
	engine.Critical: "#b91c1c",
	engine.Unknown:  "#7e22ce",
}

const (
	badgeStaleColour = "#4b5563"
	badgeMaxRunes    = 40
	badgeRuneWidth   = 7 // pixels: about the width of a letter at 11 px
)

// badge is GET /badge/ID.svg: a watcher's name and status as a small picture
// for a page elsewhere, so it is not refused to other sites.
func (s *Server) badge(c echo.Context) error {
	id, ok := strings.CutSuffix(wildcard(c), ".svg")
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, "a badge is asked for as /badge/ID.svg")
	}
	v, ok := s.cfg.Board.View(engine.ID(id))
	if !ok {
		return echo.NewHTTPError(http.StatusNotFound, fmt.Sprintf("no watcher %q", id))
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	tile := newTile(&v, time.Now())
	return c.Blob(http.StatusOK, "image/svg+xml", drawBadge(&tile))
}

func drawBadge(t *Tile) []byte {
	left, word, colour := shorten(t.Name), t.Status.String(), badgeColours[t.Status]
	if t.Stale {
		word, colour = "stale", badgeStaleColour
	}
	if t.Shadow != "" {
		word, colour = "in the shadow of "+string(t.Shadow), badgeStaleColour
	}
	right := shorten(word)
	if t.Value != "" && !t.Stale && t.Shadow == "" {
		right = shorten(strings.TrimSpace(word + " " + t.Value + " " + t.Unit))
	}
	lw, rw := badgeWidth(left), badgeWidth(right)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s">`,
		lw+rw, html.EscapeString(left), html.EscapeString(right))
	fmt.Fprintf(&b, `<title>%s: %s</title>`, html.EscapeString(left), html.EscapeString(right))
	fmt.Fprintf(&b, `<rect width="%d" height="20" rx="3" fill="#374151"/><rect x="%d" width="%d" height="20" rx="3" fill="%s"/>`, lw+rw, lw, rw, colour)
	b.WriteString(`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">`)
	fmt.Fprintf(&b, `<text x="%d" y="14">%s</text><text x="%d" y="14">%s</text></g></svg>`+"\n",
		lw/2, html.EscapeString(left), lw+rw/2, html.EscapeString(right))
	return b.Bytes()
}

func badgeWidth(text string) int { return utf8.RuneCountInString(text)*badgeRuneWidth + 12 }

// shorten makes text one line of at most badgeMaxRunes, of characters that XML
// allows.
func shorten(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > badgeMaxRunes {
		return string(runes[:badgeMaxRunes-1]) + "…"
	}
	return text
}
