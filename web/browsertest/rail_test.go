package browsertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// A rail that has no room for all problems says how many more there are, on
// every screen, and those that it shows are whole.
func TestRailTellsWhatItLeavesOut(t *testing.T) {
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprintf("replica-%02d: replication lag", i)
	}
	w := newWall(t, nil, spec{set: "Shop", names: names})
	for _, name := range names {
		w.set(engine.MakeID("Shop", name), engine.Result{Status: engine.Critical, Value: "4100", Unit: "jobs", Detail: "far behind"})
	}
	for _, name := range names {
		w.await(engine.MakeID("Shop", name), engine.Critical)
	}
	b := newTab(t, 1280, 720)
	for _, path := range []string{"/", "/?kiosk"} {
		b.open(w.url(path))
		for _, size := range [][2]int64{{1280, 720}, {1920, 1080}, {3840, 2160}, {1080, 1920}, {820, 1180}, {600, 900}} {
			b.do(chromedp.EmulateViewport(size[0], size[1]))
			b.do(await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`)) // in which the page measures its room
			b.until(`(() => {
				const more = document.getElementById("rail-more");
				return !more.hidden && document.querySelectorAll(".problem").length + parseInt(more.textContent.replace("+", "")) === 40;
			})()`)
			got := eval[string](b, `(() => {
				const rail = document.getElementById("rail").getBoundingClientRect();
				const cut = [...document.querySelectorAll(".problem, #rail-more")].filter((item) => {
					const box = item.getBoundingClientRect();
					return box.top < rail.top || box.bottom > rail.bottom + 1 || box.right > rail.right + 1 || box.width < 30;
				});
				const values = [...document.querySelectorAll(".problem .value")].filter((value) => value.scrollWidth > value.clientWidth);
				return [...cut, ...values].map((e) => e.className + " " + e.textContent).join("; ");
			})()`)
			if got != "" {
				t.Errorf("%s at %v these are cut: %s", path, size, got)
			}
		}
	}
	eval[int](b, `(document.getElementById("rail-more").click(), 0)`)
	if got := eval[string](b, `location.search`); got != "?kiosk=&problems=1" {
		t.Errorf("the rail's rest leads to %q, want to the problems", got)
	}
}

// A problem has the same shape in the rail as on its tile.
func TestRailShowsShapes(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1920, 1080)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".problem").length === 4`)
	got := eval[string](b, `[...document.querySelectorAll(".problem a")].filter((link) => {
		const shape = (element) => getComputedStyle(element.querySelector(".glyph")).clipPath;
		return shape(link) === "none" || shape(link) !== shape(document.getElementById(decodeURIComponent(link.hash.slice(1))));
	}).map((link) => link.textContent).join("; ")`)
	if got != "" {
		t.Errorf("these have another shape in the rail than on their tile: %s", got)
	}
}

// The reason comes before the time, for which there is seldom room; the server's
// first paint and the page's own are the same.
func TestRailGivesTheReasonFirst(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1920, 1080)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".problem").length === 4`)
	b.do(await(`(async () => {
		const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
		const reasons = (root) => [...root.querySelectorAll("#rail .problem .why")].map((e) => e.textContent);
		window.reasons = [reasons(page), reasons(document)];
	})()`))
	want := []string{"second line", "expired", "no <b>route</b>", "0.1 0.2 0.31 (200)"}
	got := eval[[][]string](b, `reasons`)
	if diff := cmp.Diff(got[0], got[1]); diff != "" {
		t.Errorf("order in the rail (-server +page):\n%s", diff)
	}
	for i, who := range []string{"server", "page"} {
		slices.Sort(got[i])
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), got[i]); diff != "" {
			t.Errorf("reasons in the rail of the %s (-want +got):\n%s", who, diff)
		}
	}
}

// The time is there whole, or not at all.
func TestRailCutsNoTime(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1920, 1080)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".problem .lasted").length === 4`)
	seen := 0
	for _, width := range []int64{1920, 1440, 1100, 820, 390} {
		b.do(chromedp.EmulateViewport(width, 1080))
		got := eval[struct{ Whole, Cut int }](b, `[...document.querySelectorAll(".problem a")].reduce((n, link) => {
			const time = link.querySelector(".lasted").getBoundingClientRect(), box = link.getBoundingClientRect();
			if (time.right <= box.right && time.bottom <= box.bottom) n.Whole++;
			else if (time.top < box.bottom) n.Cut++;
			return n;
		}, { Whole: 0, Cut: 0 })`)
		if seen += got.Whole; got.Cut > 0 {
			t.Errorf("%d px wide, %d times are cut in the rail", width, got.Cut)
		}
	}
	if seen == 0 {
		t.Error("no rail has room for a time")
	}
}

// A tablet's rail has two lines, as a wall's that stands upright.
func TestUprightRailHasTwoLines(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 820, 1180)
	for _, path := range []string{"/", "/?kiosk"} {
		b.open(w.url(path))
		b.until(`document.querySelectorAll(".problem").length === 4`)
		if rows := eval[int](b, `new Set([...document.querySelectorAll(".problem")].map((item) => item.getBoundingClientRect().top)).size`); rows != 2 {
			t.Errorf("%s has its problems in %d lines, want 2", path, rows)
		}
	}
}

// Of a stale tile it tells, as the tile does, for how long there was no news.
func TestRailTellsHowOldNewsIs(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	b.do(await(`(async () => {
		const { Rail } = await import("/static/rail.js");
		const tile = { ...JSON.parse(document.getElementById("snapshot").textContent).sets[0].tiles[0], status: "ok", stale: true, since: 1000, ended: 900_000 };
		const rail = new Rail(() => {});
		rail.show([tile], 1, 900_300);
		window.why = [...document.querySelectorAll("#rail .problem :is(.why, .lasted)")].map((e) => e.textContent).join(" · ");
	})()`))
	if got, want := eval[string](b, `why`), "was ok; no new result · 5 minutes"; got != want {
		t.Errorf("the rail says %q of a stale tile, want %q", got, want)
	}
}

// Where nothing is wrong the first paint says so in the page's words.
func TestQuietRailIsTheServers(t *testing.T) {
	for _, specs := range [][]spec{nil, {{names: []string{"a", "b"}}}} {
		w := newWall(t, nil, specs...)
		for _, s := range specs {
			for _, name := range s.names {
				w.await(engine.ID(name), engine.OK)
			}
		}
		b := newTab(t, 1280, 720)
		b.open(w.url("/"))
		b.do(await(`(async () => {
			const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
			window.well = [page, document].map((root) => root.getElementById("rail-well").textContent);
		})()`))
		if got := eval[[]string](b, `well`); got[0] != got[1] {
			t.Errorf("the rail of %d sets says %q in the first paint, and %q in the page", len(specs), got[0], got[1])
		}
	}
}

// Who is on a problem stays on it when it becomes the worst, and moves.
func TestRailKeepsTheFocusOnWhatMoves(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b"}})
	w.set("a", engine.Result{Status: engine.Warning})
	w.await("a", engine.Warning)
	w.set("b", engine.Result{Status: engine.Warning})
	w.await("b", engine.Warning)
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	order := func(want string) {
		t.Helper()
		b.until(fmt.Sprintf(`[...document.querySelectorAll(".problem .name")].map((e) => e.textContent).join() === %q`, want))
	}
	order("a,b")
	eval[int](b, `(document.querySelector(".problem:last-child a").focus(), 1)`)
	w.set("b", engine.Result{Status: engine.Critical})
	order("b,a")
	if got := eval[string](b, `document.activeElement.closest(".problem")?.querySelector(".name").textContent ?? document.activeElement.localName`); got != "b" {
		t.Errorf("the focus is on %q, want it on b", got)
	}
}

// A problem that is still one keeps its place in the page, with the focus on it,
// while others go and worse ones come.
func TestRailKeepsItsItems(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b", "c"}})
	w.set("a", engine.Result{Status: engine.Warning})
	w.set("b", engine.Result{Status: engine.Warning})
	w.await("a", engine.Warning)
	w.await("b", engine.Warning)
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	rail := func(want string) {
		t.Helper()
		b.until(fmt.Sprintf(`[...document.querySelectorAll(".problem .name")].map((e) => e.textContent).sort().join() === %q`, want))
	}
	rail("a,b")
	eval[int](b, `(() => {
		window.kept = [...document.querySelectorAll(".problem")].find((e) => e.querySelector(".name").textContent === "b");
		kept.firstElementChild.focus();
		return 0;
	})()`)
	w.set("a", engine.Result{Status: engine.OK})
	rail("b")
	w.set("c", engine.Result{Status: engine.Critical})
	rail("b,c")
	if !eval[bool](b, `document.activeElement === kept.firstElementChild && kept.isConnected && kept.querySelector(".name").textContent === "b"`) {
		t.Error("the item of a problem that lasts is another one now, or has lost the focus")
	}
}

// A short name stands beside its value and is whole, also where there is room for
// one of the two only.
func TestRailKeepsAShortNameWhole(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	got := eval[[]string](b, `(() => {
		document.getElementById("rail").classList.remove("-quiet");
		const list = document.querySelector("#rail ol"), template = document.getElementById("problem-template");
		const wrong = [];
		for (const [name, value] of [["db", "refused"], ["Boom", "0.0387 HTTP 500"], ["postgres replica", "refused"]]) {
			const item = template.content.firstElementChild.cloneNode(true);
			item.style.flex = "none";
			item.style.width = "15rem";
			const [first, second] = ["name", "value"].map((part) => item.querySelector("." + part));
			first.textContent = name;
			second.textContent = value;
			list.replaceChildren(item);
			const text = document.createRange();
			text.selectNodeContents(first);
			const gap = second.getBoundingClientRect().left - text.getBoundingClientRect().right;
			if (name.length < 5 && first.scrollWidth > first.clientWidth) wrong.push(name + " is cut");
			if (gap > 0.6 * parseFloat(getComputedStyle(item).fontSize)) wrong.push(name + " is " + gap + " px from its value");
		}
		return wrong;
	})()`)
	if len(got) > 0 {
		t.Errorf("in the rail %v", got)
	}
}

// A long value is whole where there is room for it.
func TestRailShowsALongValue(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	w.set("a", engine.Result{Status: engine.Critical, Value: "connection refused by peer"})
	w.await("a", engine.Critical)
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".problem").length === 1`)
	for _, width := range []int64{1920, 1280, 820} {
		b.do(chromedp.EmulateViewport(width, 720))
		if got := eval[[]float64](b, `(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector(".problem .value"))`); got[0] > got[1] {
			t.Errorf("%d px wide, a value that is %v px long has %v px", width, got[0], got[1])
		}
	}
}

// Until the page has measured its rail it lists what the first paint did, and
// does not say of problems that there is room for that they are left out.
func TestRailLeavesNothingOutUnmeasured(t *testing.T) {
	s := spec{interval: time.Second}
	for i := range 12 {
		s.names = append(s.names, fmt.Sprintf("n%d", i))
	}
	w := newWall(t, nil, s)
	for _, name := range s.names {
		w.set(engine.ID(name), engine.Result{Status: engine.Critical})
		w.await(engine.ID(name), engine.Critical)
	}
	b := newTab(t, 768, 1024)
	b.beforeScripts(`document.addEventListener("readystatechange", () => {
		window.listed ??= new Set();
		const rail = document.getElementById("rail"), look = () => listed.add(rail.querySelectorAll(":scope > ol > .problem").length);
		new MutationObserver(look).observe(rail, { subtree: true, childList: true, attributes: true });
		look();
	}, { once: true })`)
	b.open(w.url("/"))
	b.until(`document.getElementById("rail-more").textContent === "+8"`)
	if got := slices.Sorted(slices.Values(eval[[]int](b, `[...listed]`))); !slices.Equal(got, []int{4, 8}) {
		t.Errorf("the rail lists %v problems one after the other, want the first paint's 8 and then the 4 that it has room for", got)
	}
}
