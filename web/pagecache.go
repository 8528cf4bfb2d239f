package web

import (
	"html/template"
	"sync"
	"time"
)

// pageCache renders the page when it is asked for and keeps the last one of
// each theme.
//
// A page serves for as long as its snapshot does. On a board that changes all
// the time it also serves for four times as long as it took to render, so that
// many who ask cost a fifth of one core: for ten thousand watchers a page takes
// half a second. Its stream begins with the whole board, so it is never wrong
// for longer than that takes to come.
type pageCache struct {
	snapshots *snapshots
	template  *template.Template

	mu   sync.Mutex // held while rendering: one at a time
	last map[string]*cachedPage
}

type cachedPage struct {
	of   *snapshot
	made time.Time
	cost time.Duration
	body *payload
}

// themes are those that a page can be asked for in; "" is what the viewer's
// system prefers.
var themes = [...]string{"", "dark", "light"}

// get gives the page in a theme; one that there is not is "".
func (p *pageCache) get(theme string) (*payload, error) {
	theme = knownTheme(theme)
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.last[theme]
	if last != nil && time.Since(last.made) < 4*last.cost {
		return last.body, nil
	}
	sn, err := p.snapshots.get(0)
	if err != nil {
		return nil, err
	}
	if last != nil && last.of == sn {
		return last.body, nil
	}
	began := time.Now()
	html, err := renderPage(p.template, newPageData(&sn.board, sn.json.plain, theme, sn.made))
	if err != nil {
		return nil, err
	}
	made := time.Now()
	body := newPayload("text/html; charset=utf-8", html)
	p.last[theme] = &cachedPage{of: sn, made: made, cost: made.Sub(began), body: body}
	return body, nil
}

func knownTheme(name string) string {
	for _, theme := range themes {
		if theme == name {
			return theme
		}
	}
	return ""
}
