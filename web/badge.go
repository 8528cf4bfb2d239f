package web

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
	"unicode"

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
	badgeMargin      = 6 // pixels beside a text
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
	switch {
	case t.Stale:
		word, colour = "stale", badgeStaleColour
	case t.Shadow != "":
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
	// Whatever font draws it, a text keeps to about its own length.
	for _, part := range [...]struct {
		text    string
		middle  int
		boxWide int
	}{{left, lw / 2, lw}, {right, lw + rw/2, rw}} {
		fmt.Fprintf(&b, `<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`,
			part.middle, part.boxWide-2*badgeMargin, html.EscapeString(part.text))
	}
	b.WriteString("</g></svg>\n")
	return b.Bytes()
}

// badgeWidth is how wide the box of a text is.
func badgeWidth(text string) int {
	width := 2 * badgeMargin
	for _, r := range text {
		width += runeWidth(r)
	}
	return width
}

// runeWidth is about how wide a letter is, in pixels, at 11 px. From U+2E80 on
// they are Chinese, Japanese, Korean or emoji, and as wide as they are high.
func runeWidth(r rune) int {
	switch {
	case r >= 0x2E80 || strings.ContainsRune("mwMW@%…", r):
		return 11
	case strings.ContainsRune("iljtfrI .,:;!|'()[]/-", r):
		return 4
	case unicode.IsUpper(r):
		return 8
	}
	return 7
}

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
