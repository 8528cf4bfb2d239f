package browsertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// What a tile remarks leaves room for how long its status has lasted, on the
// narrowest tiles too.
func TestRemarkCutsNoDuration(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"a", "b", "c", "d", "e", "f", "g"}, interval: time.Hour})
	w.await("shop.g", engine.OK)
	b := newTab(t, 1440, 810)
	for _, path := range []string{"/", "/?density=wall", "/?kiosk"} {
		b.open(w.url(path))
		for _, remark := range []string{"1 blip", "12 blips", "restarting", "late, 12 missed"} {
			got := eval[string](b, fmt.Sprintf(`(() => {
				const tile = document.querySelector(".tile"), [word, lasted, note] = ["word", "lasted", "note"].map((name) => tile.querySelector("." + name));
				word.textContent = "critical";
				lasted.textContent = "23 minutes";
				note.textContent = %q;
				return [tile.querySelector(".for"), note].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent).join();
			})()`, remark))
			if got != "" {
				t.Errorf("%s: %q is cut on a tile that remarks %q", path, got, remark)
			}
		}
	}
}

// A name is as large as any where its tile has room for it; a longer one is whole
// on two lines, over nothing else.
func TestLongNames(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"Login", "redis: queue depth", "Refund worker heartbeat", "primary: replication lag", "db-replica-03.eu-central-1.example.com", "gjpqy Überlänge der Warteschlange"}, interval: time.Hour})
	for _, name := range []string{"Login", "gjpqy Überlänge der Warteschlange"} {
		w.set(engine.MakeID("Shop", name), engine.Result{Status: engine.Critical, Value: "503", Detail: "unavailable"})
		w.await(engine.MakeID("Shop", name), engine.Critical)
	}
	b := newTab(t, 1440, 810)
	for path, sizes := range map[string][][2]int64{
		"/":                {{390, 844}, {768, 1024}, {1366, 768}, {1440, 810}},
		"/?density=wall":   {{768, 1024}, {1920, 1080}},
		"/?kiosk":          {{1920, 1080}, {1080, 1920}, {1366, 768}, {700, 900}},
		"/?kiosk&set=Shop": {{3840, 2160}},
	} {
		b.open(w.url(path))
		for _, size := range sizes {
			b.do(chromedp.EmulateViewport(size[0], size[1]), await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
			got := eval[string](b, `[...document.querySelectorAll(".tile")].flatMap((tile) => {
				const name = tile.querySelector(".name"), box = name.getBoundingClientRect(), range = document.createRange();
				range.selectNodeContents(name);
				const lines = [...range.getClientRects()], last = lines.at(-1), em = parseFloat(getComputedStyle(tile).fontSize);
				const small = parseFloat(getComputedStyle(name).fontSize) < em, room = tile.clientWidth - 3.1 * em;
				const faults = {
					"small in a line with room": small && lines.length === 1 && lines[0].width / 0.84 * 1.15 < room,
					"cut at the end": last.right > box.right + 1 || name.scrollWidth > name.clientWidth + 1 || last.bottom > box.bottom + 0.05 * em,
					"over the value": tile.querySelector(".amount").getBoundingClientRect().top < box.bottom - 0.05 * em,
				};
				return Object.keys(faults).filter((fault) => faults[fault]).map((fault) => name.textContent + " is " + fault);
			}).join("; ")`)
			if got != "" {
				t.Errorf("%s at %v: %s", path, size, got)
			}
		}
	}
}

// A name that is read from the right begins beside the tile's shape, not under it.
func TestNameFromTheRightStaysClearOfTheShape(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"شبكة", "שרת הגיבוי הראשי של החנות בתל אביב", "web-1"}})
	w.set("web-1", engine.Result{Status: engine.Critical})
	w.settle()
	b := newTab(t, 1200, 800)
	for _, path := range []string{"/", "/?density=compact", "/?kiosk"} {
		b.open(w.url(path))
		if got := eval[string](b, `[...document.querySelectorAll(".tile")].map((tile) => {
			const name = tile.querySelector(".name"), text = document.createRange();
			text.selectNodeContents(name);
			return [name.textContent, text.getBoundingClientRect().right, tile.querySelector(".glyph").getBoundingClientRect().left];
		}).filter(([, end, shape]) => end > shape).map(([name]) => name).join("; ")`); got != "" {
			t.Errorf("%s: the shape covers the names %s", path, got)
		}
	}
	b.open(w.url("/#/" + string(engine.MakeID("", "شبكة"))))
	if got := eval[float64](b, `document.querySelector("[data-part=copy]").getBoundingClientRect().left - document.querySelector("[data-part=name]").getBoundingClientRect().right`); got < 4 {
		t.Errorf("in the detail it is %v px from the buttons, want a gap", got)
	}
}

// A phone begins with the problems, and all that is to be touched has the size of
// a thumb.
func TestPhoneBeginsWithProblems(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 390, 844)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".problem").length > 0`)
	if got := eval[float64](b, `document.querySelector(".problem").getBoundingClientRect().top`); got > 844/6 {
		t.Errorf("the first problem begins at %.0f px of 844, want it in the first sixth", got)
	}
	if got := eval[string](b, `[...document.querySelectorAll(".problem a, .count:not(.-zero) button, #search, #help-button")].filter((e) => e.getBoundingClientRect().height < 41).map((e) => e.textContent.trim() || e.id).join("; ")`); got != "" {
		t.Errorf("too small for a thumb: %s", got)
	}
	if got := eval[string](b, `[...document.querySelectorAll(".count:not(.-zero)")].filter((e) => e.querySelector(".n").offsetWidth === 0 || e.querySelector(".glyph").offsetWidth === 0).map((e) => e.textContent.trim()).join("; ")`); got != "" {
		t.Errorf("counts that do not show: %s", got)
	}
}

// A section shows the last of its rows whole, however its height is rounded.
func TestSectionShowsItsLastRow(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"a", "b", "c", "d", "e", "f", "g"}}, spec{set: "Office", names: []string{"a"}})
	b := newTab(t, 1440, 810)
	for _, path := range []string{"/", "/?density=wall", "/?density=compact"} {
		b.open(w.url(path))
		got := eval[float64](b, `Math.min(...[...document.querySelectorAll(".set")].map((set) => set.getBoundingClientRect().bottom - set.querySelector(".tiles").lastElementChild.previousElementSibling.getBoundingClientRect().bottom))`)
		if got < 1 {
			t.Errorf("%s: a set ends %.1f px below its last tile, want a pixel for rounding", path, got)
		}
	}
}

// Tiles of the last column have their border, also where columns end between two
// pixels.
func TestLastColumnKeepsItsBorder(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"a", "b", "c", "d"}, interval: time.Hour})
	w.await("shop.b", engine.OK) // what is pending has a dashed one
	b := newTab(t, 595, 700)
	b.open(w.url("/?theme=dark"))
	at := eval[[]int](b, `(() => {
		const box = document.querySelectorAll(".tile")[1].getBoundingClientRect();
		return [box.left, box.right, box.top + box.height / 2].map(Math.round);
	})()`)
	shot, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	picture := decodePNG(t, shot)
	left, right, y := at[0], at[1], at[2]
	if line := picture.At(left, y); line != picture.At(right-1, y) && line != picture.At(right, y) {
		t.Errorf("a tile's left border is %v and its right one %v %v, want the same", line, picture.At(right-1, y), picture.At(right, y))
	}
}

// Tiles of sets side by side are in line, whether or not their set has a name.
func TestSetsSideBySideAreInLine(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"uplink", "mail"}}, spec{set: "Shop", names: []string{"a", "b"}})
	b := newTab(t, 1440, 810)
	b.open(w.url("/"))
	if got := eval[[]int](b, `[...new Set([...document.querySelectorAll(".tile")].map((tile) => Math.round(tile.getBoundingClientRect().top)))]`); len(got) != 1 {
		t.Errorf("tiles of one row begin at %v px, want one height", got)
	}
}

// What is scrolled to stays clear of all that sticks to the top: a long message
// about the configuration, and a rail of two lines.
func TestScrolledToIsInSight(t *testing.T) {
	w := crowd(t, 100, time.Hour)
	w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 31, Message: strings.Repeat("a long message ", 40)})
	b := newTab(t, 1440, 700)
	b.open(w.url("/"))
	for _, size := range [][2]int64{{1440, 700}, {820, 1180}, {390, 844}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]), await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
		got := eval[string](b, `(() => {
			scrollTo(0, document.body.scrollHeight);
			const tile = document.querySelector(".tile");
			tile.scrollIntoView({ block: "nearest" });
			const { left, top } = tile.getBoundingClientRect();
			const seen = document.elementFromPoint(left + 20, top + 2);
			return tile.contains(seen) ? "" : (seen?.closest("[id]")?.id ?? "nothing");
		})()`)
		if got != "" {
			t.Errorf("at %v the tile that was scrolled to is under %q", size, got)
		}
	}
}

// That Pharos itself is late is said in full, on every screen.
func TestLagIsSaidInFull(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1280, 720)
	for _, path := range []string{"/", "/?kiosk"} {
		b.open(w.url(path))
		for _, size := range [][2]int64{{3840, 2160}, {1920, 1080}, {1080, 1920}, {1280, 720}, {820, 1180}, {390, 844}} {
			b.do(chromedp.EmulateViewport(size[0], size[1]))
			got := eval[string](b, `(() => {
				const lag = document.getElementById("lag"), words = document.getElementById("lag-words"), range = document.createRange();
				lag.hidden = false;
				words.textContent = "Pharos is late: 12 watchers, by up to 123 ms";
				range.selectNodeContents(words);
				const text = range.getBoundingClientRect(), box = lag.getBoundingClientRect(), rail = document.getElementById("rail").getBoundingClientRect();
				const inside = (a, b) => a.left >= b.left - 1 && a.top >= b.top - 1 && a.right <= b.right + 1 && a.bottom <= b.bottom + 1;
				return (inside(text, box) ? "" : "beyond its frame ") + (inside(box, rail) ? "" : "beyond the rail");
			})()`)
			if got != "" {
				t.Errorf("%s at %v: the words about lag are cut: %s", path, size, got)
			}
		}
	}
}

// The detail begins below the header, also where its counts take several lines.
func TestDetailLeavesTheHeaderInSight(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}, interval: time.Hour})
	b := newTab(t, 1000, 700)
	b.open(w.url("/#/a"))
	eval[int](b, `(document.querySelector(".counts").style.width = "100%", 1)`)
	b.do(settled)
	if got := eval[string](b, `(() => {
		const header = document.querySelector(".header").getBoundingClientRect(), panel = document.getElementById("detail").getBoundingClientRect();
		return header.height < 70 ? "the header has one line" : Math.abs(panel.top - header.bottom) > 1 ? "the detail begins at " + panel.top + ", the header ends at " + header.bottom : "";
	})()`); got != "" {
		t.Error(got)
	}
}

// What is read in the detail does not move while its numbers change.
func TestDetailStandsStill(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"a"}, interval: time.Hour})
	w.await("shop.a", engine.OK)
	b := newTab(t, 1400, 900)
	b.open(w.url("/#/shop.a"))
	for _, width := range []int64{1400, 1000, 390} {
		b.do(chromedp.EmulateViewport(width, 900), await(`(async () => {
			const [{ times }, { waterfall }] = await Promise.all(["times", "evidence"].map((name) => import("/static/" + name + ".js")));
			const parts = Object.fromEntries([...document.querySelectorAll("[data-part], template")].map((e) => [e.dataset.part ?? e.id, e]));
			const tile = { status: "critical", since: 700, ended: 999.943, elapsed: 0.003, next: 1000.939, runs: 329, missed: 6 };
			window.tops = [{}, { next: 999 }, { running: true }, { ended: 998.11, elapsed: 0.039 }].flatMap((more) => [[0.0011, 0.0001], [0.0054, 0.0056], [0.5437, 0.0733]].map(([connect, wait]) => {
				parts.times.textContent = times({ ...tile, ...more }, 1000);
				waterfall(parts, [["connect", connect], ["wait", wait]]);
				return parts.timing.getBoundingClientRect().top;
			}));
		})()`))
		if got := eval[[]float64](b, `[...new Set(tops)]`); len(got) != 1 {
			t.Errorf("%d px wide, the phases of one watcher begin at %v px, want them to stay", width, got)
		}
	}
}
