package browsertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// settled waits until the page has measured its room anew.
var settled = await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)

// A reason that one line has no room for takes two, on a wall's narrowest tiles
// too, and lies over nothing.
func TestReasonsAreWhole(t *testing.T) {
	reasons := []string{"certificate expired 3 days ago", "no answer from 192.0.2.1 within 2 s", "replication is 4,100 s behind"}
	uplink := spec{names: []string{"uplink"}, interval: time.Second}
	shop := spec{set: "Shop", interval: time.Second}
	behind := spec{set: "Behind", names: []string{"Mail", "Search"}, interval: time.Second, needs: []engine.Pattern{"uplink"}}
	for i := range 10 {
		shop.names = append(shop.names, fmt.Sprintf("Check %d", i))
	}
	w := newWall(t, nil, uplink, shop, behind)
	w.set("uplink", engine.Result{Status: engine.Critical, Value: "timeout"})
	for i, name := range shop.names {
		w.set(engine.MakeID("Shop", name), engine.Result{Status: engine.Critical, Value: []string{"2.35 GB/s", "0.0387 HTTP 500", "41"}[i%3], Detail: reasons[i%3]})
		w.await(engine.MakeID("Shop", name), engine.Critical)
	}
	w.await("uplink", engine.Critical)
	for _, name := range behind.names {
		w.set(engine.MakeID("Behind", name), engine.Result{Status: engine.Critical, Value: "refused"})
		w.await(engine.MakeID("Behind", name), engine.Critical)
	}
	b := newTab(t, 1920, 1080)
	b.open(w.url("/?kiosk"))
	for _, size := range [][2]int64{{1920, 1080}, {1600, 1000}, {1366, 768}, {1080, 1920}, {3840, 2160}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]), settled)
		got := eval[string](b, `[...document.querySelectorAll(".tile")].flatMap((tile) => {
			const part = (name) => tile.querySelector("." + name), why = part("why"), box = (name) => part(name).getBoundingClientRect();
			const em = parseFloat(getComputedStyle(tile).fontSize), text = document.createRange();
			text.selectNodeContents(why);
			const faults = {
				"cut": why.scrollHeight > why.clientHeight + 0.2 * em || why.scrollWidth > why.clientWidth,
				"over the trail": text.getBoundingClientRect().bottom > box("trail").top + 0.1 * em,
				"under the state": text.getBoundingClientRect().top < box("state").bottom - 0.1 * em,
				"pushing the trail out": box("trail").bottom > tile.getBoundingClientRect().bottom - 0.3 * em,
				"pushing the value": box("amount").bottom > box("state").top + 0.1 * em || box("amount").top < box("name").bottom - 0.1 * em,
			};
			return Object.keys(faults).filter((fault) => why.textContent && faults[fault]).map((fault) => why.textContent + " is " + fault);
		}).join("; ")`)
		if small := eval[bool](b, `document.documentElement.classList.contains("-small")`); got != "" || small {
			t.Errorf("at %v (small tiles: %t): %s", size, small, got)
		}
	}
}

// longValues is a board of long values of each status.
func longValues(t *testing.T) *wall {
	t.Helper()
	values := []string{"script error", "1,234,567 ms", "2.35 GB/s", "0.0387 HTTP 500", "connection refused", "1,234,567,890.25", "97.5 %"}
	statuses := []engine.Status{engine.Critical, engine.Warning, engine.Unknown, engine.OK}
	s := spec{set: "Shop", interval: time.Second}
	for i := range 9 * len(values) {
		s.names = append(s.names, fmt.Sprintf("Check %d", i))
	}
	w := newWall(t, nil, s)
	for i, name := range s.names {
		status := statuses[i/len(values)%len(statuses)]
		w.set(engine.MakeID("Shop", name), engine.Result{Status: status, Value: values[i%len(values)]})
		w.await(engine.MakeID("Shop", name), status)
	}
	return w
}

// Small tiles show their values whole, for a number that is cut is another
// number, and the word of their status.
func TestSmallTilesShowTheirValues(t *testing.T) {
	w := longValues(t)
	b := newTab(t, 1280, 720)
	for _, path := range []string{"/?kiosk", "/?density=compact"} {
		b.open(w.url(path))
		for _, size := range [][2]int64{{1280, 720}, {1024, 600}, {768, 1024}} {
			b.do(chromedp.EmulateViewport(size[0], size[1]), settled)
			if path == "/?kiosk" && !eval[bool](b, `document.documentElement.classList.contains("-small")`) {
				t.Fatalf("the tiles are not small at %v", size)
			}
			got := eval[string](b, `[...new Set([...document.querySelectorAll(".tile")].filter((tile) => tile.offsetParent).flatMap((tile) => {
				const part = (name) => tile.querySelector("." + name), word = part("word"), box = word.getBoundingClientRect();
				const em = parseFloat(getComputedStyle(tile).fontSize), inner = tile.getBoundingClientRect();
				const ink = (element) => { const text = document.createRange(); text.selectNodeContents(element); return text.getBoundingClientRect(); };
				const amount = [part("value"), part("unit")].filter((e) => e.textContent).map(ink);
				const faults = {
					"is cut": [part("value"), part("unit")].some((e) => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight + 0.2 * em),
					"leaves the tile": amount.some((ink) => ink.bottom > inner.bottom || ink.top < part("name").getBoundingClientRect().bottom - 0.2 * em),
					"has no word beside it": getComputedStyle(part("state")).clipPath !== "none" || box.width < 0.5 * em || box.right > inner.right || part("state").scrollWidth > part("state").clientWidth,
					"lies over the word": amount.some((ink) => ink.right > box.left + 1),
				};
				return Object.keys(faults).filter((fault) => faults[fault]).map((fault) => part("value").textContent + " " + fault + " in " + tile.className);
			}))].slice(0, 8).join("; ")`)
			if got != "" {
				t.Errorf("%s at %v: %s", path, size, got)
			}
		}
	}
}

// A wall's headings are smaller than its title, and however long a set's name,
// the counts of what is wrong in it are seen.
func TestHeadingsOfAWall(t *testing.T) {
	names := []string{"Payments and accounting, all countries and currencies", "Edge"}
	w := newWall(t, nil, spec{set: names[0], names: []string{"a"}}, spec{set: names[1], names: []string{"a", "b"}})
	for _, set := range names {
		w.set(engine.MakeID(set, "a"), engine.Result{Status: engine.Critical})
		w.await(engine.MakeID(set, "a"), engine.Critical)
	}
	b := newTab(t, 1280, 720)
	for _, path := range []string{"/", "/?kiosk"} {
		b.open(w.url(path))
		for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {1080, 1920}, {390, 844}} {
			b.do(chromedp.EmulateViewport(size[0], size[1]), settled)
			got := eval[string](b, `[...document.querySelectorAll(".set h2")].flatMap((heading) => {
				const box = heading.getBoundingClientRect(), sum = heading.querySelector(".sum").getBoundingClientRect();
				const size = (element) => parseFloat(getComputedStyle(element).fontSize);
				return [
					sum.width === 0 || sum.right > box.right + 1 || sum.bottom > box.bottom + 1 ? "the counts are cut" : "",
					size(heading) >= size(document.querySelector("h1")) ? "the heading is as large as the title" : "",
				].filter(Boolean);
			}).join("; ")`)
			if got != "" {
				t.Errorf("%s at %v: %s", path, size, got)
			}
		}
	}
}

// The name of a critical tile stands in the middle of its band, whatever the
// tile's height.
func TestCriticalNameStandsInItsBand(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"Checkout", "gjpqy Überlänge der Warteschlange"}, interval: time.Second})
	for _, name := range []string{"Checkout", "gjpqy Überlänge der Warteschlange"} {
		w.set(engine.MakeID("Shop", name), engine.Result{Status: engine.Critical, Value: "503"})
		w.await(engine.MakeID("Shop", name), engine.Critical)
	}
	b := newTab(t, 1280, 720)
	b.open(w.url("/?kiosk"))
	for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {1080, 1920}, {2560, 720}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]), settled)
		got := eval[string](b, `[...document.querySelectorAll(".tile")].map((tile) => {
			const name = tile.querySelector(".name"), band = name.getBoundingClientRect(), text = document.createRange();
			text.selectNodeContents(name);
			const lines = [...text.getClientRects()], above = lines[0].top - tile.getBoundingClientRect().top, below = band.bottom - lines.at(-1).bottom;
			return [name.textContent, above - below, parseFloat(getComputedStyle(tile).fontSize)];
		}).filter(([, off, em]) => Math.abs(off) > 0.3 * em).map(([name, off, em]) => name + " by " + (off / em).toFixed(2) + " em").join("; ")`)
		if got != "" {
			t.Errorf("at %v there is more above a name than below: %s", size, got)
		}
	}
}

// The header of a wall that stands upright is as high with large counts as with
// small ones: the board below it does not move.
func TestUprightHeaderStandsStill(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1080, 1920)
	b.open(w.url("/?kiosk"))
	height := func(n int) float64 {
		return eval[float64](b, fmt.Sprintf(`(() => {
			for (const count of document.querySelectorAll(".count")) {
				count.classList.toggle("-zero", false);
				count.querySelector(".n").textContent = %d;
			}
			return document.querySelector(".header").offsetHeight;
		})()`, n))
	}
	if few, many := height(1), height(88); few != many {
		t.Errorf("the header is %v px high with small counts and %v px with large ones", few, many)
	}
}
