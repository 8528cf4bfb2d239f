package browsertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// look is how a tile looks to a reader: its texts, its shape and its colour.
type look struct {
	Name, Value, Unit, Word, Why string
	Shape                        string
	Background                   string
}

// looks gives every visible tile's look, in the order of the board.
func looks(b *tab) []look {
	return eval[[]look](b, `[...document.querySelectorAll(".tile:not([hidden])")].map((tile) => {
		const text = (name) => tile.querySelector("." + name).textContent;
		const glyph = getComputedStyle(tile.querySelector(".glyph"));
		const style = getComputedStyle(tile);
		return {
			Name: text("name"), Value: text("value"), Unit: text("unit"), Word: text("word"), Why: text("why"),
			Shape: glyph.clipPath === "none" ? glyph.borderTopStyle + glyph.borderTopLeftRadius + (glyph.backgroundImage === "none" ? "" : "halved") : glyph.clipPath.split("(")[0] + (glyph.clipPath.match(/,/g) ?? []).length,
			Background: style.backgroundImage === "none" ? style.backgroundColor : "hatch",
		};
	})`)
}

func TestStatusesAreToldApart(t *testing.T) {
	w := newWall(t, nil,
		spec{set: "One", names: []string{"a", "b", "c"}},
		spec{set: "Two", names: []string{"d"}},
		spec{names: []string{"e"}, interval: time.Hour},
	)
	w.hang("e")
	w.set("one.a", engine.Result{Status: engine.OK, Value: "0.0931", Unit: "s"})
	w.set("one.b", engine.Result{Status: engine.Critical, Value: "1.2", Unit: "s", Timing: []engine.Phase{{Name: "dns", Duration: time.Millisecond}, {Name: "wait", Duration: 999 * time.Millisecond}}})
	w.set("one.c", engine.Result{Status: engine.Warning, Value: "9", Detail: "nearly full\nmore"})
	w.set("two.d", engine.Result{Status: engine.Unknown, Failure: &engine.Failure{Message: "attempt to call nil", Kind: engine.KindScript, File: "a.lua", Line: 3}})
	b := newTab(t, 1440, 810)
	b.open(w.url("/?theme=dark"))
	b.until(`document.querySelectorAll(".tile.-critical, .tile.-warning, .tile.-unknown").length === 3
		&& document.querySelector('[data-id="one.a"] .value').textContent === "0.0931"`)

	got := looks(b)
	colours := map[string]string{}
	for i := range got {
		colours[got[i].Background] += got[i].Word + " "
		got[i].Background = ""
	}
	want := []look{
		{Name: "a", Value: "0.0931", Unit: "s", Word: "ok", Shape: "none50%"},
		{Name: "b", Value: "1.2", Unit: "s", Word: "critical", Why: "wait 999 ms of 1.00 s", Shape: "inset0"},
		{Name: "c", Value: "9", Word: "warning", Why: "nearly full", Shape: "polygon2"},
		{Name: "d", Value: "–", Word: "unknown", Why: "a.lua:3: attempt to call nil", Shape: "polygon3"},
		{Name: "e", Value: "–", Word: "pending", Why: "waiting for its first result", Shape: "dotted50%"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	if len(colours) != len(want) {
		t.Errorf("backgrounds = %v, want one for each status", colours)
	}
	if got, want := eval[string](b, `document.title`), "(1■ 1◆ 1▲) Pharos"; got != want {
		t.Errorf("title = %q, want %q", got, want)
	}
	if got, want := eval[string](b, `new URL(document.getElementById("favicon").href).pathname`), "/static/icons/critical.svg"; got != want {
		t.Errorf("icon = %q, want %q", got, want)
	}
	if got, want := eval[string](b, `[...document.querySelectorAll(".problem .name")].map((e) => e.textContent).join()`), "b,d,c"; got != want {
		t.Errorf("problems rail = %q, want worst first %q", got, want)
	}
	counts := eval[string](b, `[...document.querySelectorAll(".count")].map((e) => e.textContent.trim() + (e.classList.contains("-zero") ? " (pale)" : "")).join(", ")`)
	if want := "1 critical, 1 unknown, 1 warning, 1 ok, 1 pending, 0 stale (pale), 0 in shadow (pale)"; counts != want {
		t.Errorf("counts = %q, want %q", counts, want)
	}
}

// Whoever sees no colours sees the worse tile as the one that stands out more.
func TestLuminanceFollowsSeverity(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b", "c", "d"}})
	for id, s := range map[engine.ID]engine.Status{"b": engine.Unknown, "c": engine.Warning, "d": engine.Critical} {
		w.set(id, engine.Result{Status: s, Value: "1"})
	}
	w.settle()
	w.await("a", engine.OK)
	b := newTab(t, 1000, 600)
	for _, theme := range []string{"dark", "light"} {
		for _, palette := range []string{"standard", "cb"} {
			b.open(w.url(fmt.Sprintf("/?theme=%s&palette=%s", theme, palette)))
			b.until(`document.querySelectorAll(".tile.-critical").length === 1`)
			contrast := eval[map[string]float64](b, `(() => {
				const light = (colour) => {
					const [r, g, b] = colour.match(/[\d.]+/g).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
					return 0.2126 * r + 0.7152 * g + 0.0722 * b;
				};
				const page = light(getComputedStyle(document.documentElement).backgroundColor);
				const against = (l) => (Math.max(l, page) + 0.05) / (Math.min(l, page) + 0.05);
				const out = {};
				for (const status of ["ok", "unknown", "warning", "critical"]) {
					const tile = document.querySelector(".tile.-" + status), style = getComputedStyle(tile);
					const fills = style.backgroundImage === "none" ? [style.backgroundColor] : style.backgroundImage.match(/rgb\([^)]*\)/g);
					if (status === "critical") fills.push(getComputedStyle(tile.querySelector(".name")).backgroundColor);
					out[status] = Math.max(...fills.map((fill) => against(light(fill))));
				}
				return out;
			})()`)
			if !(contrast["ok"] < contrast["unknown"] && contrast["unknown"] < contrast["warning"] && contrast["warning"] < contrast["critical"]) {
				t.Errorf("contrast to the page in %s %s = %v, want ok < unknown < warning < critical", theme, palette, contrast)
			}
		}
	}
}

func TestUpdateIsSeenWithin250ms(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b"}})
	b := newTab(t, 1000, 600)
	b.open(w.url("/"))
	eval[int](b, `(() => {
		window.seen = [];
		const tile = document.querySelector(".tile");
		new MutationObserver(() => {
			const value = tile.querySelector(".value").textContent;
			if (seen.at(-1)?.value !== value) seen.push({ value, at: Date.now() / 1000 });
		}).observe(tile, { subtree: true, childList: true, characterData: true, attributes: true });
		return 1;
	})()`)
	// A machine that is busy with others is late, so the best of several tries
	// counts, and of more while none was in time.
	best := time.Hour
	for i, began := 0, time.Now(); i < 8 || best > 250*time.Millisecond && time.Since(began) < patience; i++ {
		status := []engine.Status{engine.Critical, engine.OK}[i%2]
		w.set("a", engine.Result{Status: status, Value: fmt.Sprintf("v%d", i)})
		b.until(fmt.Sprintf(`seen.at(-1)?.value === "v%d"`, i))
		view, _ := w.engine.Board().View("a")
		seen := eval[float64](b, `seen.at(-1).at`)
		delay := time.Duration((seen - float64(view.Since.UnixNano())/1e9) * float64(time.Second))
		best = min(best, delay)
		t.Logf("from the result to the page: %v", delay)
		time.Sleep(400 * time.Millisecond) // one colour change may wait for the one before
	}
	if best > 250*time.Millisecond {
		t.Errorf("from the result to the page: %v at best, want at most 250ms", best)
	}
}

// A blip shorter than a look stays visible: in the trail, as an edge that
// fades, as a count.
func TestBlipStaysVisible(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}, interval: time.Second}) // a trail of a minute
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	b.until(`document.querySelector(".tile .o") !== null`)
	w.set("a", engine.Result{Status: engine.Critical, Value: "9"})
	w.await("a", engine.Critical)
	w.set("a", engine.Result{Status: engine.OK, Value: "1"})
	b.until(`/^tile -ok -glow\d -from-critical$/.test(document.querySelector(".tile").className)`)
	if got := eval[string](b, `document.querySelector(".tile .c")?.getAttribute("d") ?? ""`); got == "" {
		t.Error("the trail shows no critical run")
	}
	b.until(`document.querySelector(".tile .note").textContent === "1 blip"`) // or that it is late, on a busy machine
	if got := eval[string](b, `getComputedStyle(document.querySelector(".tile > a"), "::after").borderTopColor`); got == "rgba(0, 0, 0, 0)" || got == "" {
		t.Errorf("colour of the edge = %q, want one", got)
	}
	b.open(w.url("/")) // a page that comes later knows as well
	if got := eval[string](b, `document.querySelector(".tile").className`); !strings.Contains(got, "-from-critical") {
		t.Errorf("tile after a reload = %q, want it to glow", got)
	}
}

// However fast a watcher flickers, its colour does so at most three times a
// second (WCAG 2.3.1).
func TestColourChangesAtMostThreeTimesASecond(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}, interval: 50 * time.Millisecond})
	w.otherwise(func(_ engine.ID, run int) engine.Result {
		return engine.Result{Status: []engine.Status{engine.OK, engine.Critical}[run/2%2], Value: fmt.Sprint(run)}
	})
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	eval[int](b, `(() => { // noted as they are made: an observer is told when the machine has the time
		window.changes = [];
		const tile = document.querySelector(".tile"), { get, set } = Object.getOwnPropertyDescriptor(Element.prototype, "className");
		Object.defineProperty(tile, "className", { get, set(classes) {
			const was = tile.classList[1];
			set.call(tile, classes);
			if (tile.classList[1] !== was) changes.push(performance.now());
		} });
		return 1;
	})()`)
	b.until(`changes.length > 8`) // it goes on showing the flicker
	changes := eval[[]float64](b, `changes`)
	for i := 3; i < len(changes); i++ {
		if within := changes[i] - changes[i-3]; within < 1000 {
			t.Errorf("four colour changes within %.0f ms, want at most three a second", within)
		}
	}
}
