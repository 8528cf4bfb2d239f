package browsertest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Sections off screen are not laid out, and still take the room that they will
// need: the scroll bar tells the truth, and what is scrolled to does not jump.
func TestSectionsOffScreenKeepTheirRoom(t *testing.T) {
	var specs []spec
	for i, n := range []int{37, 1, 2, 90, 5, 64, 8, 120} {
		s := spec{set: fmt.Sprintf("Set %d", i), interval: time.Second}
		for j := range n {
			s.names = append(s.names, fmt.Sprintf("n%d", j))
		}
		specs = append(specs, s)
	}
	w := newWall(t, nil, specs...)
	b := newTab(t, 1440, 600)
	const height = `document.documentElement.scrollHeight`
	for _, path := range []string{"/", "/?density=compact", "/?density=wall", "/?q=n1"} {
		b.open(w.url(path))
		for _, width := range []int64{1440, 800, 390} {
			b.do(chromedp.EmulateViewport(width, 600), await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
			skipped := eval[float64](b, height)
			eval[int](b, `(document.querySelectorAll(".tiles").forEach((tiles) => { tiles.style.contentVisibility = "visible"; tiles.style.height = "auto"; }), 1)`)
			whole := eval[float64](b, height)
			eval[int](b, `(document.querySelectorAll(".tiles").forEach((tiles) => { tiles.style.contentVisibility = tiles.style.height = ""; }), 1)`)
			if math.Abs(skipped-whole) > 0.02*whole {
				t.Errorf("%s, %d px wide: %.0f px high while most of it is off screen, want the %.0f px that it is when drawn", path, width, skipped, whole)
			}
		}
	}
}

// A stream begins with the whole board. A slow browser that has to draw all of
// it does so in several frames, and leaves nothing out.
func TestManyTilesAreDrawnInSeveralFrames(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}, interval: time.Hour})
	b := newTab(t, 1440, 600)
	b.open(w.url("/"))
	b.do(await(`Promise.all([import("/static/board.js"), import("/static/model.js")]).then(([{ Board }, { Model }]) => {
		const tiles = (value) => Array.from({ length: 400 }, (_, i) => ({ id: "x." + i, name: "x" + i, set: "X", status: "ok", value, unit: "s", since: 1000, ended: 1000, trail: "ooo" }));
		const model = new Model(), drawn = [];
		const shows = (value) => [...document.querySelectorAll('[data-set="X"] .value')].filter((e) => e.textContent === value).length;
		const board = new Board(model, { known: () => 1010 }, null, () => drawn.push(shows("new")));
		const take = (value) => (model.board({ rev: 1, sets: [{ name: "X", tiles: tiles(value) }] }), board.layout());
		take("old");
		window.crowd = { drawn, old: () => shows("old"), again: () => ((drawn.length = 0), take("new")) };
	})`))
	b.until(`crowd.old() === 400`)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 20})
		return err
	}))
	eval[int](b, `(crowd.again(), 1)`)
	b.until(`crowd.drawn.at(-1) === 400`)
	if frames := eval[[]int](b, `crowd.drawn`); len(frames) < 2 {
		t.Errorf("tiles drawn after each frame: %v, want several frames", frames)
	}
}
