package browsertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"pharos/engine"
)

// A desk does not draw ten thousand tiles: those of the largest sets that are
// well become a count, which opens; problems never do.
func TestCrowdedBoardFolds(t *testing.T) {
	var specs []spec
	for _, n := range []int{2500, 2400, 90} {
		s := spec{set: fmt.Sprintf("Set %d", n), interval: 5 * time.Second}
		for i := range n {
			s.names = append(s.names, fmt.Sprintf("n%04d", i))
		}
		specs = append(specs, s)
	}
	w := newWall(t, nil, specs...)
	w.set("set_2500.n1000", engine.Result{Status: engine.Critical, Value: "9"})
	for _, s := range specs {
		for _, name := range s.names {
			id := engine.MakeID(s.set, name)
			w.await(id, map[bool]engine.Status{true: engine.Critical, false: engine.OK}[id == "set_2500.n1000"])
		}
	}
	type state struct {
		Tiles, Visible int
		Folds          string
	}
	look := func(b *tab) state {
		return eval[state](b, `({
			Tiles: document.querySelectorAll(".tile").length,
			Visible: [...document.querySelectorAll(".tile")].filter((tile) => !tile.hidden && !tile.closest("[hidden]")).length,
			Folds: [...document.querySelectorAll(".fold:not([hidden])")].map((fold) => fold.textContent).join(),
		})`)
	}
	check := func(b *tab, what string, want state) {
		t.Helper()
		if got := look(b); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}

	b := newTab(t, 1440, 900)
	b.open(w.url("/"))
	check(b, "a board of 4,990", state{Tiles: 2491, Visible: 2491, Folds: "2499 well"})
	if !eval[bool](b, `document.querySelector('[data-set="Set 2500"] .tile').dataset.id === "set_2500.n1000" && document.querySelector("main noscript") === null`) {
		t.Error("the problem of a folded set is not shown, or what is folded is still in the page")
	}
	w.set("set_2500.n0007", engine.Result{Status: engine.Warning, Value: "8"})
	b.until(`document.querySelector('[data-set="Set 2500"] .tile')?.dataset.id === "set_2500.n0007"`)
	check(b, "with another problem", state{Tiles: 2492, Visible: 2492, Folds: "2498 well"})
	search := func(words string) {
		eval[int](b, fmt.Sprintf(`(document.getElementById("search").value = %q, document.getElementById("search").dispatchEvent(new Event("input")), 1)`, words))
	}
	search("n1234")
	b.until(`document.querySelector('[data-id="set_2500.n1234"]:not([hidden])') !== null`)
	check(b, "searching", state{Tiles: 2493, Visible: 2})
	search("")
	check(b, "after the search", state{Tiles: 2493, Visible: 2492, Folds: "2498 well"})
	eval[int](b, `(document.querySelector(".fold:not([hidden]) button").click(), 1)`)
	b.until(`document.querySelectorAll(".tile").length >= 4990`) // made a few in a frame
	check(b, "opened", state{Tiles: 4990, Visible: 4990, Folds: "fold 2498 well"})
	if got := eval[string](b, `[...document.querySelectorAll('[data-set="Set 2500"] .tile')].map((tile) => tile.dataset.id.slice(-4)).filter((n, i) => Number(n) !== i).join()`); got != "" {
		t.Errorf("tiles out of order after opening: %s, want none", got)
	}
	eval[int](b, `(document.querySelector(".fold:not([hidden]) button").click(), 1)`)
	check(b, "closed again", state{Tiles: 4990, Visible: 2492, Folds: "2498 well"})

	plain := newTab(t, 1440, 900)
	plain.withoutScripts()
	plain.navigate(w.url("/"))
	if got := eval[int](plain, `[...document.querySelectorAll(".tile")].filter((tile) => tile.checkVisibility()).length`); got != 4990 {
		t.Errorf("without JavaScript %d tiles are shown, want all 4,990", got)
	}
	if got := eval[bool](plain, `[...document.querySelectorAll(".fold")].some((fold) => fold.checkVisibility())`); got {
		t.Error("without JavaScript there is a fold, which cannot be opened")
	}
}

// On a wall the count of a folded set stands beside another set's tiles, and has
// no row of its own.
func TestFoldOfAWallStandsBesideAnotherSet(t *testing.T) {
	var specs []spec
	for _, set := range []struct {
		name string
		size int
	}{{"Payments", 300}, {"Edge", 36}} {
		s := spec{set: set.name, interval: 5 * time.Second}
		for i := range set.size {
			s.names = append(s.names, fmt.Sprintf("n%03d", i))
		}
		specs = append(specs, s)
	}
	w := newWall(t, nil, specs...)
	for _, s := range specs {
		for _, name := range s.names {
			w.await(engine.MakeID(s.set, name), engine.OK)
		}
	}
	b := newTab(t, 1920, 1080)
	b.open(w.url("/?kiosk"))
	b.until(`document.querySelector('[data-set="Payments"] .fold:not([hidden])')?.textContent === "300 well"`)
	type state struct {
		Tops    int
		Scrolls bool
	}
	const looks = `({
		Tops: new Set([...document.querySelectorAll(".set")].map((set) => Math.round(set.getBoundingClientRect().top))).size,
		Scrolls: document.documentElement.scrollHeight > innerHeight,
	})`
	if !eval[bool](b, `document.querySelector(".fold button").disabled`) {
		t.Error("the count of a wall's fold can be clicked, in vain")
	}
	heading := func(want string) {
		t.Helper()
		got := eval[string](b, `[...document.querySelectorAll('[data-set="Payments"] :is(.sum, .looking)')].map((part) => part.innerText).join(" ").trim()`)
		if got != want {
			t.Errorf("beside the name of the set stands %q, want %q", got, want)
		}
	}
	got := eval[state](b, looks)
	if want := (state{Tops: 1}); got != want {
		t.Errorf("a folded set and another on a wall: %+v, want %+v", got, want)
	}
	heading("")

	// With a problem in it there is no tile for the count: the heading tells it.
	w.set("payments.n100", engine.Result{Status: engine.Critical})
	w.await("payments.n100", engine.Critical)
	b.until(`document.querySelector('[id="/payments.n100"]:not([hidden])') !== null && document.querySelector('[data-set="Payments"] .fold').hidden`)
	heading("1■ 299 well")
	if got := eval[state](b, looks); got != (state{Tops: 1}) {
		t.Errorf("with a problem in it: %+v, want it where it was", got)
	}
	// It is told whole or not at all, and never at the cost of the set's name.
	seen := 0
	for _, size := range [][2]int64{{1920, 1080}, {1366, 768}, {1000, 500}, {560, 600}, {390, 844}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]), settled)
		got := eval[string](b, `(() => {
			const part = (name) => document.querySelector('[data-set="Payments"] ' + name), note = part(".looking"), text = document.createRange();
			text.selectNodeContents(note);
			const ink = text.getBoundingClientRect(), box = note.getBoundingClientRect(), hidden = ink.top >= box.bottom - 1;
			if (part(".title").scrollWidth > part(".title").clientWidth) return "the name is cut";
			return hidden ? "" : ink.right > box.right + 1 || ink.bottom > box.bottom + 1 ? "the count is cut" : "seen";
		})()`)
		if got == "seen" {
			seen++
		} else if got != "" {
			t.Errorf("at %v %s", size, got)
		}
	}
	if seen == 0 || seen == 5 {
		t.Errorf("the count is told on %d walls of 5, want it on those that have the room alone", seen)
	}
	b.do(chromedp.EmulateViewport(1920, 1080), settled)
	w.set("payments.n100", engine.Result{Status: engine.OK})
	w.await("payments.n100", engine.OK)
	b.until(`document.querySelector('[id="/payments.n100"].-ok') !== null && !document.querySelector('[data-set="Payments"] .sum').textContent`)
	heading("299 well") // beside the trace of what is over
}

// What blips in a set that a wall folds is there to be seen for a minute, as
// anywhere: a wall is where one looks up too late.
func TestBlipLeavesATraceInAFoldedSet(t *testing.T) {
	s := spec{set: "Payments", interval: time.Second}
	for i := range 300 {
		s.names = append(s.names, fmt.Sprintf("n%03d", i))
	}
	w := newWall(t, nil, s)
	for _, name := range s.names {
		w.await(engine.MakeID(s.set, name), engine.OK)
	}
	b := newTab(t, 1920, 1080)
	b.open(w.url("/?kiosk"))
	b.until(`document.querySelector(".fold").textContent === "300 well"`)
	w.set("payments.n100", engine.Result{Status: engine.Critical})
	w.await("payments.n100", engine.Critical)
	w.set("payments.n100", engine.Result{Status: engine.OK})
	w.await("payments.n100", engine.OK)
	const trace = `document.querySelector('[id="/payments.n100"].-ok.-from-critical')?.checkVisibility() === true && document.querySelector(".looking").textContent === "299 well"`
	b.until(trace)
	b.open(w.url("/?kiosk")) // a wall that begins later knows as well
	b.until(trace)
}

// A wall leaves out sets that are well before it scrolls, and says how many.
func TestWallOfManySets(t *testing.T) {
	var specs []spec
	for i := range 80 {
		specs = append(specs, spec{set: fmt.Sprintf("Set %d", i), names: []string{"a", "b"}, interval: 5 * time.Second})
	}
	w := newWall(t, nil, specs...)
	w.await("set_79.b", engine.OK)
	b := newTab(t, 1024, 600)
	b.open(w.url("/?kiosk"))
	type state struct {
		Outside, Sets, Tiles int
		Scrolls              bool
	}
	look := func() state {
		t.Helper()
		return eval[state](b, `(() => {
			const more = document.querySelector(".more-sets"), numbers = more.hidden ? [0, 0] : more.textContent.match(/\d+/g).map(Number);
			const seen = [...document.querySelectorAll(":is(.set, .tile, .fold, .more-sets)")].filter((e) => e.checkVisibility());
			const is = (kind) => seen.filter((e) => e.classList.contains(kind));
			const folded = [...is("fold"), ...document.querySelectorAll(".set:not([hidden]) .looking")].map((e) => parseInt(e.textContent) || 0);
			return {
				Outside: seen.filter((e) => e.getBoundingClientRect().bottom > innerHeight).length,
				Sets: is("set").length + numbers[0], Tiles: is("tile").length + folded.reduce((a, b) => a + b, 0) + numbers[1],
				Scrolls: document.documentElement.scrollHeight > innerHeight,
			};
		})()`)
	}
	b.until(`document.querySelector(".more-sets:not([hidden])") !== null && document.querySelector(".counts").textContent.includes("160")`)
	all := state{Sets: 80, Tiles: 160}
	if got := look(); got != all {
		t.Errorf("a wall of 80 sets shows and tells %+v, want %+v", got, all)
	}
	for _, id := range []engine.ID{"set_79.b", "set_40.a"} {
		w.set(id, engine.Result{Status: engine.Critical})
		w.await(id, engine.Critical)
		b.until(fmt.Sprintf(`document.querySelector('[id="/%s"]')?.checkVisibility() && document.querySelector(".rail").textContent.includes(%q)`, id, id[len(id)-1:]))
		b.do(settled)
		if got := look(); got != all {
			t.Errorf("with %s critical it shows and tells %+v, want %+v", id, got, all)
		}
	}
	b.do(chromedp.EmulateViewport(1920, 1080), settled)
	if got := eval[bool](b, `document.querySelector(".more-sets").hidden`); !got || look() != all {
		t.Errorf("on a larger wall it shows and tells %+v, something left out: %t, want all", look(), !got)
	}
}

// Down and up lead from row to row, also where sets stand beside each other.
func TestArrowsBetweenSetsOfAWall(t *testing.T) {
	letters := func(s string) (names []string) {
		for _, r := range s {
			names = append(names, string(r))
		}
		return names
	}
	w := newWall(t, nil, spec{set: "One", names: letters("abcdefghi")}, spec{set: "Two", names: letters("ABCD")}, spec{set: "Three", names: letters("1234567")})
	b := newTab(t, 1920, 1080)
	b.open(w.url("/?kiosk"))
	b.until(`document.querySelectorAll(".tile").length === 20`)
	if got := eval[int](b, `new Set([...document.querySelectorAll(".set")].map((set) => set.offsetTop)).size`); got != 2 {
		t.Fatalf("the sets stand on %d shelves, want two of them on one", got)
	}
	const focused = `document.activeElement.querySelector(".name").textContent`
	b.press(kb.ArrowRight)
	// abcdef
	// ghi
	// AB 1234
	// CD 567
	for _, step := range []struct{ key, want string }{
		{kb.ArrowDown, "g"}, {kb.ArrowDown, "A"}, {kb.ArrowDown, "C"}, {kb.ArrowDown, "C"}, {kb.ArrowUp, "A"}, {kb.End, "7"},
		{kb.ArrowUp, "3"}, {kb.ArrowUp, "i"}, {kb.ArrowUp, "c"}, {kb.ArrowUp, "c"}, {kb.ArrowDown, "i"}, {kb.ArrowDown, "1"}, {kb.ArrowDown, "5"},
	} {
		b.press(step.key)
		if got := eval[string](b, focused); got != step.want {
			t.Errorf("%q leads to %q, want %q", step.key, got, step.want)
		}
	}
}
