package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"pharos/engine"
)

func TestKioskShowsEveryProblem(t *testing.T) {
	for _, n := range []int{3, 40, 400} {
		w := crowd(t, n, time.Second)
		for i, id := range []engine.ID{"zone_a.node_00-000", "zone_b.node_01-000", "zone_c.node_02-000"} {
			w.set(id, engine.Result{Status: []engine.Status{engine.Critical, engine.Warning, engine.Unknown}[i], Value: "1.5", Unit: "s"})
		}
		w.settle()
		problems := 0
		for _, set := range w.engine.Board().Snapshot().Sets {
			for _, v := range set.Watchers {
				if v.Status.Problem() {
					problems++
				}
			}
		}
		b := newTab(t, 800, 600)
		b.open(w.url("/?kiosk"))
		for _, size := range [][2]int{{1920, 1080}, {3840, 2160}, {1080, 1920}, {1280, 720}} {
			b.do(chromedp.EmulateViewport(int64(size[0]), int64(size[1]))) // it lays itself out anew
			b.until(fmt.Sprintf(`document.querySelectorAll(".tile").length === %d && document.querySelectorAll(".tile.-pending:not([hidden])").length === 0`, n))
			b.do(await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
			type state struct {
				Problems, Outside, Hidden int
				Size                      float64
				Scrolls                   bool
			}
			got := eval[state](b, `(() => {
				const bad = [...document.querySelectorAll(".tile.-critical, .tile.-warning, .tile.-unknown")];
				const out = bad.filter((tile) => { const r = tile.getBoundingClientRect(); return r.top < 0 || r.left < 0 || r.bottom > innerHeight + 0.5 || r.right > innerWidth + 0.5; });
				const shown = [...document.querySelectorAll(".tile:not([hidden])")];
				return { Problems: bad.length, Outside: out.length, Hidden: bad.filter((t) => t.hidden).length,
					Size: Math.min(...shown.map((t) => parseFloat(getComputedStyle(t).fontSize))), Scrolls: document.documentElement.scrollHeight > innerHeight + 1 };
			})()`)
			want := state{Problems: problems, Size: got.Size}
			if got != want || got.Size < 14 {
				t.Errorf("%d watchers at %v: %+v, want %+v and a text of at least 14 px", n, size, got, want)
			}
		}
	}
}

// Also on a narrow wall, where problems are one above the other, those of the rail
// leave room for their tiles: nobody scrolls there.
func TestNarrowKioskShowsEveryProblem(t *testing.T) {
	s := spec{set: "Shop"}
	for i := range 12 {
		s.names = append(s.names, fmt.Sprintf("n%02d", i))
	}
	w := newWall(t, nil, s)
	for _, name := range s.names {
		w.set(engine.MakeID(s.set, name), engine.Result{Status: engine.Critical, Value: "9", Detail: "refused"})
	}
	w.settle()
	b := newTab(t, 480, 800)
	b.open(w.url("/?kiosk"))
	b.until(`document.querySelectorAll(".problem").length + Number(document.getElementById("rail-more").textContent) === 12`)
	b.do(settled)
	if got := eval[int](b, `[...document.querySelectorAll(".tile")].filter((tile) => tile.getBoundingClientRect().bottom <= innerHeight).length`); got != 12 {
		t.Errorf("%d of 12 problems are on the screen, want all", got)
	}
}

// The pointer hides on a wall, and comes back when it is moved.
func TestKioskHidesThePointer(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.open(w.url("/?kiosk"))
	b.until(`getComputedStyle(document.body).cursor === "none"`)
	b.do(chromedp.MouseEvent("mouseMoved", 100, 100))
	b.until(`getComputedStyle(document.body).cursor !== "none"`)
}

func TestKeyboard(t *testing.T) {
	w := newWall(t, nil, spec{set: "One", names: []string{"a", "b", "c", "d", "e", "f", "g"}}, spec{set: "Two", names: []string{"x", "y"}})
	w.set("one.b", engine.Result{Status: engine.Critical, Value: "1"})
	b := newTab(t, 1000, 800)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".tile.-critical").length === 1`)
	columns := eval[int](b, `(() => { const tops = [...document.querySelectorAll(".set:first-child .tile")].map((t) => t.offsetTop); return tops.filter((top) => top === tops[0]).length; })()`)
	names := "abcdefg"

	focused := func() string {
		return eval[string](b, `document.activeElement.closest("[data-id]")?.dataset.id ?? document.activeElement.id ?? ""`)
	}
	visible := func() string {
		return eval[string](b, `[...document.querySelectorAll(".tile")].filter((t) => t.checkVisibility()).map((t) => t.dataset.id.split(".")[1]).join("")`)
	}
	step := func(key, what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("after %s: %s = %q, want %q", key, what, got, want)
		}
	}
	b.press(kb.ArrowRight)
	step("→", "focus", focused(), "one.a")
	b.press(kb.ArrowRight)
	step("→ →", "focus", focused(), "one.b")
	b.press(kb.ArrowDown)
	step("↓", "focus", focused(), "one."+string(names[1+columns]))
	b.press(kb.ArrowUp)
	step("↑", "focus", focused(), "one.b")
	if got := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); got != "solid" {
		t.Errorf("outline of the focused tile = %q, want it visible", got)
	}
	b.press(kb.End)
	step("End", "focus", focused(), "two.y")
	b.press(kb.Home)
	b.press(kb.ArrowRight)
	b.press(kb.Enter)
	b.until(`!document.getElementById("detail").hidden`)
	step("Enter", "address", eval[string](b, `location.hash`), "#/one.b")
	step("Enter", "focus", focused(), "one.b")
	b.press(kb.Enter)
	step("Enter twice", "focus in the panel", eval[string](b, `document.activeElement.dataset.part`), "name")
	b.press(kb.End) // scrolls it
	step("End in the panel", "focus in the panel", eval[string](b, `document.activeElement.dataset.part ?? ""`), "name")
	eval[int](b, `(document.querySelector("[data-part=name]").focus(), 1)`)
	b.press(kb.Escape)
	step("Escape", "focus", focused(), "one.b")
	b.press(kb.Escape)
	step("Escape twice", "panel hidden", fmt.Sprint(eval[bool](b, `document.getElementById("detail").hidden`)), "true")

	b.press("p")
	b.until(`location.search === "?problems=1"`)
	step("p", "tiles", visible(), "b")
	b.press("p")
	step("p p", "tiles", visible(), "abcdefgxy")
	b.hit("/")
	step("/", "focus", focused(), "search")
	b.press("set:two")
	step("/set:two", "tiles", visible(), "xy")
	step("/set:two", "address", eval[string](b, `location.search`), "?q=set%3Atwo")
	b.press(kb.Enter)
	step("Enter in the search", "focus", focused(), "two.x")
	b.press(kb.Escape)
	step("Escape", "tiles", visible(), "abcdefgxy")
	b.press("d")
	step("d", "density", eval[string](b, `document.documentElement.dataset.density`), "wall")
	b.press("t")
	step("t", "page", eval[string](b, `getComputedStyle(document.documentElement).backgroundColor`), darkPage)
	b.press("c")
	step("c", "palette", eval[string](b, `document.documentElement.dataset.palette`), "cb")
	step("d t c", "address", eval[string](b, `location.search`), "?density=wall&theme=dark&palette=cb")
	b.press("?")
	step("?", "help open", fmt.Sprint(eval[bool](b, `document.getElementById("help").open`)), "true")
	b.press(kb.Escape)
	step("Escape", "help open", fmt.Sprint(eval[bool](b, `document.getElementById("help").open`)), "false")

	b.open(w.url("/?keys=off")) // for who dictates
	b.press("?")
	b.press("p")
	b.press(kb.ArrowRight)
	step("keys=off ? p →", "focus", focused(), "one.a")
	step("keys=off ? p →", "address", eval[string](b, `location.search`), "?keys=off")
	step("keys=off ? p →", "help open", fmt.Sprint(eval[bool](b, `document.getElementById("help").open`)), "false")
}

func TestDeepLinkAndSettingsFromTheAddress(t *testing.T) {
	w := newWall(t, nil, spec{set: "One", names: []string{"a", "b"}}, spec{set: "Zwei & drei", names: []string{"größe?"}})
	w.set("one.b", engine.Result{Status: engine.Warning, Value: "1"})
	id := engine.MakeID("Zwei & drei", "größe?")
	b := newTab(t, 1200, 800)
	b.open(w.url("/?set=zwei+%26+drei&theme=light&density=compact#/" + string(id)))
	b.until(`!document.getElementById("detail").hidden && document.querySelector("[data-part=name]").textContent === "größe?"`)
	if got := eval[string](b, `[...document.querySelectorAll(".tile")].filter((t) => t.checkVisibility()).map((t) => t.dataset.id).join()`); got != string(id) {
		t.Errorf("tiles of ?set= = %q, want only %q", got, id)
	}
	if got := eval[string](b, `document.title`); got != "Pharos" {
		t.Errorf("title = %q, want nothing of the warning in another set", got)
	}
	b.until(`document.querySelector("[data-part=where]").textContent.includes("pharos.lua:10")`)
	b.open(w.url("/#one.b"))
	b.until(`document.querySelector("[data-part=name]").textContent === "b"`)
	b.open(w.url("/#/no.such"))
	b.until(`!document.querySelector("[data-part=gone]").hidden`)
}

// The way back closes what was opened, and undoes no setting made since; who
// closes the panel by its button is back on the tile.
func TestBackAndClose(t *testing.T) {
	w := newWall(t, nil, spec{set: "One", names: []string{"a", "b"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/?density=wall"))
	const open = `!document.getElementById("detail").hidden`
	b.press(kb.ArrowRight)
	b.press(kb.Enter)
	b.until(open)
	b.press("t")
	eval[int](b, `(history.back(), 1)`)
	b.until("!(" + open + ")")
	if got := eval[string](b, `location.search + location.hash + " " + getComputedStyle(document.documentElement).backgroundColor`); got != "?density=wall&theme=dark "+darkPage {
		t.Errorf("address and theme after the way back = %q, want the theme chosen meanwhile in both", got)
	}
	eval[int](b, `(history.forward(), 1)`)
	b.until(open)
	eval[int](b, `(document.querySelector("[data-part=close]").focus(), 1)`)
	b.press(kb.Enter)
	b.until("!(" + open + ")")
	if got := eval[string](b, `document.activeElement.closest("[data-id]")?.dataset.id ?? document.activeElement.localName`); got != "one.a" {
		t.Errorf("focus after the panel was closed from within = %q, want the tile one.a", got)
	}
}

// A link from one watcher's panel to another's leaves the focus in the panel.
func TestFocusFollowsALinkWithinThePanel(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"db"}}, spec{set: "Shop", names: []string{"site"}, needs: []engine.Pattern{"db"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/#/shop.site"))
	b.until(`document.querySelector("[data-part=needs] a") !== null`)
	eval[int](b, `(document.querySelector("[data-part=needs] a").focus(), 1)`)
	b.press(kb.Enter)
	b.until(`document.querySelector("[data-part=name]").textContent === "db"`)
	if got := eval[string](b, `document.activeElement.dataset.part ?? document.activeElement.localName`); got != "name" {
		t.Errorf("focus after following a link of the panel = %q, want the name of what it shows", got)
	}
}

// Where the panel takes the whole screen, as on a phone or enlarged fourfold, the
// focus is in it as long as it is open: behind it nobody sees it.
func TestFocusIsInAPanelThatCoversAll(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 320, 256)
	b.open(w.url("/"))
	b.press(kb.ArrowRight)
	b.press(kb.Enter)
	if got := eval[string](b, `document.activeElement.dataset.part ?? document.activeElement.localName`); got != "name" {
		t.Errorf("focus when the panel is open = %q, want its name", got)
	}
	b.press(kb.Escape)
	if got := eval[string](b, `document.getElementById("detail").hidden + " " + document.activeElement.closest(".tile")?.dataset.id`); got != "true a" {
		t.Errorf("after Escape: closed and focus on = %q, want both", got)
	}
}

// What is selected in the panel is not taken from who is about to copy it.
func TestSelectionSurvivesUpdates(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	w.otherwise(func(_ engine.ID, run int) engine.Result {
		return engine.Result{Status: engine.OK, Value: fmt.Sprint(run), Detail: fmt.Sprintf("line of run %d", run)}
	})
	b := newTab(t, 1200, 800)
	b.open(w.url("/#/a"))
	const detail = `document.querySelector("pre[data-part=detail]")`
	b.until(detail + `.textContent.startsWith("line")`)
	selected := eval[string](b, `(getSelection().selectAllChildren(`+detail+`), String(getSelection()))`)
	before := eval[string](b, `document.querySelector("[data-part=value]").textContent`)
	b.until(fmt.Sprintf(`Number(document.querySelector("[data-part=value]").textContent) > 2 + %s`, before))
	if got := eval[string](b, `String(getSelection())`); got != selected {
		t.Errorf("selected after updates = %q, want %q as before them", got, selected)
	}
	eval[int](b, `(getSelection().removeAllRanges(), 1)`)
	b.until(fmt.Sprintf(`%s.textContent !== %q`, detail, selected))
}

// A link to a watcher that is not there yet shows it when it comes, and which
// tile it is.
func TestLinkToAWatcherThatComes(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/#/later"))
	b.until(`!document.querySelector("[data-part=gone]").hidden`)
	w.replace(2, spec{names: []string{"a", "later"}})
	b.until(`document.querySelector("[data-part=gone]").hidden && document.querySelector('[id="/later"] > a')?.ariaExpanded === "true"`)
}

// Enter that ends the writing of a word in characters of several keys is not the
// page's. Safari tells it by its code alone.
func TestEnterThatComposes(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/"))
	for _, what := range []string{"isComposing: true", "keyCode: 229"} {
		if got := eval[string](b, `(() => {
			const search = document.getElementById("search");
			search.focus();
			search.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, `+what+` }));
			return document.activeElement.id;
		})()`); got != "search" {
			t.Errorf("after Enter with %s the focus is on %q, want it to stay in the filter", what, got)
		}
	}
}

// The letters work whatever else the keyboard is set to, once each time: a theme
// that changes for as long as a key is held would flash the whole screen.
func TestLettersOfAnyKeyboard(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/"))
	for _, c := range []struct{ key, want string }{
		{`key: "t", code: "KeyT"`, "?theme=dark"},
		{`key: "t", code: "KeyT", repeat: true`, "?theme=dark"},
		{`key: "T", code: "KeyT"`, "?theme=light"},    // Caps Lock
		{`key: "е", code: "KeyT"`, ""},                // Cyrillic
		{`key: "ö", code: "Semicolon"`, ""},           // no letter of ours
		{`key: "d", code: "KeyH"`, "?density=wall"},   // another order of letters
		{`key: "é", code: "Digit2"`, "?density=wall"}, // AZERTY
		{`key: "d", code: "KeyD", ctrlKey: true`, "?density=wall"},
	} {
		got := eval[string](b, `(document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, `+c.key+` })), location.search)`)
		if got != c.want {
			t.Errorf("after {%s}: address %q, want %q", c.key, got, c.want)
		}
	}
}

// A filter works also where the address cannot keep up (a browser refuses to
// change it too often) and is no longer than an address may be.
func TestFilterBeyondTheAddress(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "xxx"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/"))
	b.hit("/")
	eval[bool](b, `document.execCommand("insertText", false, "x".repeat(10_000))`)
	if got := eval[int](b, `location.search.length`); got > 1000 {
		t.Errorf("the address of a pasted filter has %d characters, want it to be short", got)
	}
	b.press(kb.Escape)
	eval[int](b, `(history.replaceState = () => { throw new DOMException("too often", "SecurityError"); }, 1)`)
	b.hit("/")
	b.press("xx")
	b.until(`document.querySelector('[id="/a"]').hidden && !document.querySelector('[id="/xxx"]').hidden`)
}

// Who was on a tile that is not shown any more goes on from there.
func TestArrowsGoOnFromWhatIsHidden(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	w := newWall(t, nil, spec{names: names})
	for _, name := range names {
		w.set(engine.ID(name), engine.Result{Status: engine.Warning})
		w.await(engine.ID(name), engine.Warning)
	}
	b := newTab(t, 1200, 800)
	b.open(w.url("/?problems"))
	b.until(`document.querySelectorAll(".tile:not([hidden])").length === 5`)
	eval[int](b, `(document.querySelector('[data-id="c"] a').focus(), 1)`)
	w.set("c", engine.Result{Status: engine.OK})
	b.until(`document.querySelector('[data-id="c"]').hidden`)
	b.press(kb.ArrowRight)
	if got := eval[string](b, `document.activeElement.closest("[data-id]")?.dataset.id ?? document.activeElement.localName`); got != "d" {
		t.Errorf("→ from a tile that is hidden leads to %q, want the next one, d", got)
	}
}

// Escape leads out of a panel whose tile is not there to go back to.
func TestEscapeFromAPanelWithoutATile(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b"}})
	b := newTab(t, 1200, 800)
	for _, path := range []string{"/#/no.such", "/?problems#/a"} {
		b.navigate("about:blank")
		b.open(w.url(path))
		b.until(`!document.getElementById("detail").hidden`)
		eval[int](b, `(document.querySelector("[data-part=name]").focus(), 1)`)
		b.press(kb.Escape)
		if !eval[bool](b, `document.getElementById("detail").hidden`) {
			t.Errorf("%s: the panel is open after Escape, want it closed", path)
		}
	}
}

// A click that asks the browser for another tab gets one, also on the tile that
// is open.
func TestClickForAnotherTab(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1200, 800)
	b.open(w.url("/#/a"))
	if eval[bool](b, `(() => {
		let taken;
		addEventListener("click", (event) => { taken = event.defaultPrevented; event.preventDefault(); }, { once: true });
		document.querySelector(".tile a").dispatchEvent(new MouseEvent("click", { ctrlKey: true, bubbles: true, cancelable: true }));
		return taken;
	})()`) {
		t.Error("a click with Ctrl on the open tile is taken by the page, want it left to the browser")
	}
}

// A board with nothing on it says why.
func TestEmptyBoardSaysWhy(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	for path, want := range map[string]string{
		"/?q=nothing+like+it": "Nothing matches the filter. Esc clears it.",
		"/?problems":          "No problems.",
		"/?set=none":          "Nothing to show here.",
	} {
		b.open(w.url(path))
		b.until(`!document.getElementById("empty").hidden`)
		if got := eval[string](b, `document.getElementById("empty").innerText`); got != want {
			t.Errorf("%s: an empty board says %q, want %q", path, got, want)
		}
	}
}

// The address of a wall may outlive the name of a set: that is said for as long
// as it is so, whatever else is shown.
func TestSetsThatAreNotThere(t *testing.T) {
	shop, mail := spec{set: "Shop", names: []string{"a"}}, spec{set: "Mail", names: []string{"b"}}
	w := newWall(t, nil, shop, mail)
	b := newTab(t, 800, 600)
	b.open(w.url("/?kiosk&problems&set=shop&set=Post&set=Bank"))
	b.until(`!document.getElementById("missing").hidden`)
	if got, want := eval[string](b, `document.getElementById("missing-words").innerText`), `No set is called "Post" or "Bank".`; got != want {
		t.Errorf("the board says %q, want %q", got, want)
	}
	w.replace(2, shop, spec{set: "Post", names: []string{"b"}}, spec{set: "BANK", names: []string{"c"}})
	b.until(`document.getElementById("missing").hidden`)
	w.replace(3, shop, mail)
	b.until(`!document.getElementById("missing").hidden`)
	b.open(w.url("/?set=shop"))
	b.until(`document.documentElement.classList.contains("-live")`)
	if !eval[bool](b, `document.getElementById("missing").hidden`) {
		t.Error("a set is called missing that is there")
	}
}

// Screen readers are told of transitions and of nothing else.
func TestAnnouncements(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a", "b"}, interval: 50 * time.Millisecond})
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	eval[int](b, `(() => { window.said = []; new MutationObserver(() => {
		const words = document.getElementById("announce").textContent;
		if (!/^(Pharos is|Connect)/.test(words)) said.push(words); // late, or lost, or back: a busy machine
	}).observe(document.getElementById("announce"), { childList: true, characterData: true, subtree: true }); return 1; })()`)
	for i := range 20 {
		w.set("a", engine.Result{Status: engine.OK, Value: fmt.Sprint(i)})
		time.Sleep(60 * time.Millisecond)
	}
	w.set("a", engine.Result{Status: engine.Critical, Value: "7", Unit: "s"})
	b.until(`said.length > 0`)
	if got := eval[string](b, `said.join("|")`); got != "a critical, 7 s." {
		t.Errorf("announced %q, want the transition alone", got)
	}
	if got := eval[string](b, `[...document.querySelectorAll("[aria-live], [role=status], [role=alert]")].map((e) => e.id).join()`); got != "banner,announce" {
		t.Errorf("live regions = %q, want the banner and the announcer alone", got)
	}
}

func TestNoAccessibilityViolations(t *testing.T) {
	path := os.Getenv("AXE_PATH")
	if path == "" {
		if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
			t.Fatal("AXE_PATH is not set, and PHAROS_REQUIRE_REAL=1")
		}
		t.Skip("needs axe-core: AXE_PATH names no axe.min.js")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := mixed(t)
	w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 1, Message: "no"})
	b := newTab(t, 1440, 900)
	for _, path := range []string{
		"/?theme=dark", "/?theme=light", "/?theme=dark&palette=cb", "/?theme=light&palette=cb", "/?theme=dark&density=compact",
		"/?theme=dark#/shop.check_out", "/?theme=light#/shop.uplink", "/?kiosk&theme=dark", "/?theme=light&problems",
	} {
		b.navigate("about:blank") // an address that differs in its fragment alone loads nothing
		b.open(w.url(path))
		b.do(chromedp.Evaluate[chromedp.Void](string(axe)))
		b.do(await(`axe.run(document, { resultTypes: ["violations"] }).then((result) => { window.violations = result.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ""))); })`))
		if got := eval[[]string](b, `violations`); len(got) > 0 {
			t.Errorf("%s: %d violations:\n%s", path, len(got), strings.Join(got, "\n"))
		}
	}
}

// A set that has found nobody has no tile to show, but its heading says why, on
// the screen.
func TestKioskShowsHeadingsWithoutTiles(t *testing.T) {
	w := newWall(t, nil)
	w.engine.Replace(&engine.Generation{Number: 2, LoadedAt: time.Now(), Sets: []engine.Set{
		{Watchers: []engine.Watcher{w.watcher(spec{}, "a", 0), w.watcher(spec{}, "b", 1), w.watcher(spec{}, "c", 2)}},
		{Name: "Fleet", Discover: &engine.Discovery{Find: func(context.Context) ([]engine.Watcher, error) {
			return nil, errors.New("the registry does not answer")
		}}},
		{Name: "Sites", Watchers: []engine.Watcher{w.watcher(spec{set: "Sites"}, "d", 3)}},
	}})
	b := newTab(t, 800, 600)
	b.open(w.url("/?kiosk"))
	for _, size := range [][2]int{{1920, 1080}, {1280, 720}, {480, 800}, {1080, 1920}} {
		b.do(chromedp.EmulateViewport(int64(size[0]), int64(size[1])))
		b.until(`document.querySelectorAll(".tile.-ok").length === 4 && [...document.querySelectorAll(".trouble")].some((e) => e.textContent)`)
		b.do(await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
		type state struct {
			Outside, Cut int
			Scrolls      bool
		}
		got := eval[state](b, `(() => {
			const told = [...document.querySelectorAll(".trouble")].filter((e) => e.textContent);
			const boxes = [...told, ...document.querySelectorAll(".tile")].map((e) => e.getBoundingClientRect());
			return { Outside: boxes.filter((r) => r.bottom > innerHeight + 0.5 || r.height === 0).length,
				Cut: told.filter((e) => e.scrollWidth > e.clientWidth + 1).length,
				Scrolls: document.documentElement.scrollHeight > innerHeight + 1 };
		})()`)
		if got != (state{}) {
			t.Errorf("at %v: %+v, want nothing outside, cut or scrolled", size, got)
		}
	}
}

// Escape in the panel leads back to its tile, and takes the filter away only when
// the panel is closed.
func TestEscapeLeavesThePanelBeforeTheFilter(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"a", "b"}})
	b := newTab(t, 1280, 720)
	b.open(w.url("/?q=a#/shop.a"))
	b.until(`!document.getElementById("detail").hidden`)
	eval[int](b, `(document.querySelector('#detail [data-part="name"]').focus(), 1)`)
	for _, want := range []string{"?q=a#/shop.a on its tile", "?q=a on its tile", " on its tile"} {
		b.press(kb.Escape)
		got := eval[string](b, `location.search + location.hash + (document.activeElement.closest("#\\/shop\\.a") ? " on its tile" : " elsewhere")`)
		if got != want {
			t.Errorf("Escape leads to %q, want %q", got, want)
		}
	}
}
