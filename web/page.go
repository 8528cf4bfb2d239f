package web

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"pharos/engine"
)

//go:embed *.html
var pages embed.FS

// PageData is what page.html is rendered with: the first paint, complete
// without JavaScript.
type PageData struct {
	Title    string // "(1■ 2▲) Pharos"
	PageTag  string // the line beside the product's name
	Version  string
	Host     string // the machine Pharos runs on
	Boot     string
	Worst    string // the worst status's word; "pending" for an empty board
	Counts   []PageCount
	Sets     []PageSet
	Problems []PageTile // warning, critical, unknown and stale: worst first, the longest-standing first among equals
	Config   ConfigState
	Broken   string // why a newer configuration is not taken: "pharos.lua:12: ..."; or ""
	Lag      Lag
	Rev      uint64
	Made     time.Time
	// Snapshot is the JSON of the event "board", with <, > and & escaped: data
	// for <script type="application/json">.
	Snapshot template.JS
}

// PageCount is how many tiles have a status.
type PageCount struct {
	Status string // critical, unknown, warning, ok, pending
	N      int
}

// PageSet is a section of the board; the unnamed one has no heading.
type PageSet struct {
	Name    string
	Note    string
	Problem string
	Tiles   []PageTile
	folds   bool // its well tiles are one count
}

// PageTile is a tile and what the first paint needs beside it.
type PageTile struct {
	Tile
	Face  Face
	glows bool // it recovered within the last minute
}

// glyphs gives each status a shape of its own.
var glyphs = map[engine.Status]string{
	engine.Pending:  "◌",
	engine.OK:       "●",
	engine.Warning:  "▲",
	engine.Critical: "■",
	engine.Unknown:  "◆",
}

// worstFirst is the order in which counts are shown.
var worstFirst = [...]engine.Status{engine.Critical, engine.Unknown, engine.Warning, engine.OK, engine.Pending}

// page is GET /.
func (s *Server) page(c echo.Context) error {
	root, err := renderPage(s.pages.template, "root", newLooks(c.QueryParams()))
	if err != nil {
		return err
	}
	body, err := s.pages.get()
	if err != nil {
		return err
	}
	if err := body.send(c, root); err != nil {
		s.log.Error("answering with the page", "error", err)
		panic(http.ErrAbortHandler) // its top is sent: a page cut short must not look whole
	}
	return nil
}

func newPageData(b *Board, snapshot []byte, now time.Time) PageData {
	d := PageData{
		PageTag: b.PageTag, Version: b.Version, Host: b.Host, Boot: b.Boot,
		Config: b.Config, Lag: b.Lag, Rev: b.Rev, Made: now,
		Snapshot: template.JS(snapshot),
	}
	counts := map[engine.Status]int{}
	byStatus := map[engine.Status][]PageTile{}
	worst := engine.Pending
	for _, set := range b.Sets {
		ps := PageSet{Name: set.Name, Note: set.Note, Problem: set.Problem, Tiles: make([]PageTile, len(set.Tiles))}
		for i, tile := range set.Tiles {
			pt := newPageTile(tile, now)
			ps.Tiles[i] = pt
			if tile.Shadow == "" {
				counts[tile.Status]++
				if tile.Status.Worse(worst) {
					worst = tile.Status
				}
			}
			if tile.problem() || tile.Stale {
				byStatus[tile.Status] = append(byStatus[tile.Status], pt)
			}
		}
		d.Sets = append(d.Sets, ps)
	}
	foldCrowded(d.Sets)
	d.Worst = worst.String()
	for _, s := range worstFirst {
		d.Counts = append(d.Counts, PageCount{Status: s.String(), N: counts[s]})
		slices.SortStableFunc(byStatus[s], func(a, b PageTile) int { return cmp.Compare(a.Since, b.Since) })
		d.Problems = append(d.Problems, byStatus[s]...)
	}
	d.Title = title(counts)
	d.Broken = loadErrorLine(b.Config.Error)
	return d
}

// PartialScript is the one script that stands in the page itself.
func (d PageData) PartialScript() template.JS { return template.JS(partialScript) }

// Well says it where nothing is wrong, in rail.js's words.
func (d PageData) Well() string {
	switch n := d.count(func(*PageTile) bool { return true }); n {
	case 0:
		return "nothing is watched"
	case 1:
		return "none · all as it should be"
	default:
		return fmt.Sprintf("none · all %d as they should be", n)
	}
}

// Sum counts the set's problems, worst first: "1■ 2▲".
func (s PageSet) Sum() string {
	return problems(s.counts(), " ", withGlyph)
}

// SumWords says the same to who cannot see it: "1 critical, 2 warning".
func (s PageSet) SumWords() string {
	return problems(s.counts(), ", ", func(n int, status engine.Status) string { return fmt.Sprint(n, " ", status) })
}

// counts gives how many tiles of the set have each status.
func (s PageSet) counts() map[engine.Status]int {
	counts := map[engine.Status]int{}
	for i := range s.Tiles {
		if s.Tiles[i].Shadow == "" {
			counts[s.Tiles[i].Status]++
		}
	}
	return counts
}

func withGlyph(n int, status engine.Status) string { return fmt.Sprint(n, glyphs[status]) }

// problems says how many there are of each status to look at, worst first.
func problems(counts map[engine.Status]int, separator string, say func(int, engine.Status) string) string {
	var parts []string
	for _, status := range worstFirst {
		if status.Problem() && counts[status] > 0 {
			parts = append(parts, say(counts[status], status))
		}
	}
	return strings.Join(parts, separator)
}

func newPageTile(t Tile, now time.Time) PageTile {
	return PageTile{Tile: t, Face: newFace(&t, now), glows: glow(&t, now) != ""}
}

// title names the problems first, so that a browser's tab shows them.
func title(counts map[engine.Status]int) string {
	if sum := problems(counts, " ", withGlyph); sum != "" {
		return "(" + sum + ") Pharos"
	}
	return "Pharos"
}

func loadErrorLine(e *engine.LoadError) string {
	switch {
	case e == nil:
		return ""
	case e.File == "":
		return e.Message
	case e.Line == 0:
		return e.File + ": " + e.Message
	}
	place := fmt.Sprintf("%s:%d: ", e.File, e.Line)
	return place + strings.TrimPrefix(e.Message, place)
}

// durationWords says how long something has lasted, in the original's words.
func durationWords(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range [...]struct {
		length time.Duration
		name   string
	}{{day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := d / unit.length; {
		case n == 1:
			return "1 " + unit.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "a moment"
}

// renderPage renders a part of the page: "root" with [Looks], "top" or "rest"
// with [PageData].
func renderPage(t *template.Template, part string, data any) ([]byte, error) {
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, part, data); err != nil {
		return nil, fmt.Errorf("rendering the page's %s: %w", part, err)
	}
	return buf.Bytes(), nil
}

// Shadow counts the tiles in the shadow of another's trouble.
func (d PageData) Shadow() int { return d.count(func(t *PageTile) bool { return t.Shadow != "" }) }

// Stale counts the tiles whose last result is older than it should be.
func (d PageData) Stale() int { return d.count(func(t *PageTile) bool { return t.Stale }) }

func (d PageData) count(counts func(*PageTile) bool) (n int) {
	for _, set := range d.Sets {
		n += set.count(counts)
	}
	return n
}

func (s PageSet) count(counts func(*PageTile) bool) (n int) {
	for i := range s.Tiles {
		if counts(&s.Tiles[i]) {
			n++
		}
	}
	return n
}

// BlankSet and BlankTile are the shapes that the page's script copies for sets
// and tiles that come later.
func (d PageData) BlankSet() PageSet { return PageSet{} }

// BlankTile is a pending tile without a name.
func (d PageData) BlankTile() PageTile { return newPageTile(Tile{}, d.Made) }

// Modules are the page's scripts, to be fetched all at once and not one after
// the other as they name each other.
func (d PageData) Modules() ([]string, error) {
	names, err := fs.Glob(embedded, "static/*.js")
	names = slices.DeleteFunc(names, func(name string) bool { return name == "static/partial.js" }) // no module
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "static/")
	}
	return names, err
}
