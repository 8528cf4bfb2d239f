package web

import (
	"html/template"
	"sync"
	"time"
)

// pageCache renders the page when it is asked for and keeps the last one.
//
// A page serves for as long as its snapshot does. On a board that changes all
// the time it also serves for four times as long as it took to render, so that
// many who ask cost a fifth of one core: for ten thousand watchers a page takes
// half a second. Its stream begins with the whole board, so it is never wrong
// for longer than that takes to come. Who asks while it is being rendered waits
// for the same one.
type pageCache struct {
	snapshots *snapshots
	template  *template.Template

	mu   sync.Mutex
	last *cachedPage
}

type cachedPage struct {
	of      *snapshot
	made    time.Time
	cost    time.Duration // what rendering took, until now
	unready bool          // its rest is being rendered
	body    *pageBody
}

func (p *pageCache) get() (*pageBody, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.last
	if last != nil && (last.unready || time.Since(last.made) < servesFor(last.cost)) {
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
	data := newPageData(&sn.board, sn.json.plain, sn.made)
	top, err := renderPage(p.template, "top", data)
	if err != nil {
		return nil, err
	}
	next := &cachedPage{of: sn}
	rendered := func(unready bool) {
		next.made, next.unready = time.Now(), unready
		next.cost = next.made.Sub(began)
	}
	rendered(false) // of whoever wants no more than the top, this stays
	next.body = newPageBody(top, func() ([]byte, error) {
		p.mu.Lock()
		rendered(true)
		p.mu.Unlock()
		rest, err := renderPage(p.template, "rest", data)
		p.mu.Lock()
		rendered(false)
		p.mu.Unlock()
		return rest, err
	})
	p.last = next
	return next.body, nil
}
