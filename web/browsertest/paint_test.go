package browsertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// mixed is a wall with every kind of tile, and those of more; it returns when all
// of the former have run.
func mixed(t *testing.T, more ...spec) *wall {
	w := newWall(t, map[engine.ID]engine.Saved{"shop.home": {Status: engine.OK, Since: time.Now().Add(-100 * time.Hour), Ended: time.Now().Add(-time.Hour)}},
		append(more, spec{set: "Shop", names: []string{"Home", "Check out", "Login", "Uplink", "Slow"}, interval: time.Second},
			spec{set: "Blip", names: []string{"flicker"}},
			spec{names: []string{"waiting"}, interval: time.Hour})...,
	)
	w.hang("waiting")
	w.set("shop.home", engine.Result{Status: engine.OK, Value: "0.0931", Unit: "s", Timing: []engine.Phase{{Name: "dns", Duration: 1200 * time.Microsecond}, {Name: "connect", Duration: 3 * time.Millisecond}, {Name: "wait", Duration: 88900 * time.Microsecond}}})
	w.set("shop.check_out", engine.Result{Status: engine.Critical, Value: "a value that is far too long for any tile", Unit: "seconds", Detail: "\n  second line"})
	w.set("shop.login", engine.Result{Status: engine.Warning, Value: "0.31", Unit: "s", Detail: "0.1 0.2 0.31 (200)", Link: "https://example.org/", Cells: []engine.Cell{
		{Name: "fra", Status: engine.OK, Value: "0.1", Unit: "s"}, {Name: "<b>nyc", Status: engine.Warning, Value: "0.31"}, {Name: "here", Status: engine.Unknown}}})
	w.set("shop.slow", engine.Result{Status: engine.Critical, Value: "-10", Unit: "days", Detail: "expired", Timing: []engine.Phase{{Name: "tls", Duration: 3 * time.Millisecond}}, Cells: make([]engine.Cell, 6)})
	w.set("shop.uplink", engine.Result{Status: engine.Unknown, Failure: &engine.Failure{Message: "no <b>route</b>", Kind: engine.KindVantage}})
	w.await("blip.flicker", engine.OK)
	w.set("blip.flicker", engine.Result{Status: engine.Critical})
	w.await("blip.flicker", engine.Critical)
	w.set("blip.flicker", engine.Result{Status: engine.OK, Value: "ü"})
	for id, status := range map[engine.ID]engine.Status{
		"blip.flicker": engine.OK, "shop.home": engine.OK, "shop.check_out": engine.Critical,
		"shop.login": engine.Warning, "shop.uplink": engine.Unknown, "shop.slow": engine.Critical,
	} {
		w.await(id, status)
	}
	return w
}

// The server's first paint and the page's own are the same, tile for tile:
// what the page takes over it does not draw again.
func TestFirstPaintIsThePagesOwn(t *testing.T) {
	reporting := func(r engine.Result, err error) engine.Source {
		return func(ctx context.Context, report func(engine.Result)) error {
			report(r)
			if err == nil {
				<-ctx.Done()
			}
			return err
		}
	}
	w := mixed(t,
		spec{set: "Events", names: []string{"opening"}, source: func(ctx context.Context, _ func(engine.Result)) error { <-ctx.Done(); return nil }},
		spec{set: "Events", names: []string{"quiet"}, source: reporting(engine.Result{Detail: "following /var/log/<app>.log; no event yet"}, nil)},
		spec{set: "Events", names: []string{"flood"}, source: reporting(engine.Result{Status: engine.OK, Value: "1", Events: 9_000_000, Dropped: 1_234_567}, nil)},
		spec{set: "Events", names: []string{"down"}, source: reporting(engine.Result{Status: engine.OK}, errors.New("it ended"))},
		spec{set: "Leaning", names: []string{"shadowed"}, needs: []engine.Pattern{"shop.uplink"}},
		spec{set: "Leaning", names: []string{"derived"}, derive: &engine.Derive{Of: []engine.Pattern{"*.shadowed"}}},
		spec{set: "Leaning", names: []string{"confirming"}, confirm: engine.Confirm{Seen: 60}},
		spec{set: "Leaning", names: []string{"a name that one line is too short for"}},
	)
	w.await("events.down", engine.Unknown)
	w.await("leaning.confirming", engine.OK)
	for _, name := range []engine.ID{"confirming", "derived", "shadowed"} {
		w.set("leaning."+name, engine.Result{Status: engine.Critical, Value: "refused", Detail: "connection refused"})
	}
	w.await("leaning.shadowed", engine.Critical)
	w.await("leaning.derived", engine.Critical)
	b := newTab(t, 1000, 700)
	b.open(w.url("/"))
	b.do(await(`(async () => {
		const { face } = await import("/static/face.js"), { Tile } = await import("/static/tile.js");
		const text = await (await fetch("/")).text();
		const page = new DOMParser().parseFromString(text, "text/html");
		const snapshot = JSON.parse(page.getElementById("snapshot").textContent);
		window.paints = [];
		for (const set of snapshot.sets) for (const data of set.tiles) {
			const tile = Tile.create(page.getElementById("tile-template"), data.id);
			tile.update(face(data, snapshot.time));
			tile.element.firstElementChild.setAttribute("href", decodeURI(tile.element.firstElementChild.getAttribute("href")));
			const painted = page.querySelector('.tile[data-id="' + CSS.escape(data.id) + '"]');
			painted.firstElementChild.setAttribute("href", decodeURI(painted.firstElementChild.getAttribute("href")));
			paints.push({ Server: painted.outerHTML, Page: tile.element.outerHTML });
		}
	})()`))
	paints := eval[[]struct{ Server, Page string }](b, `paints`)
	if len(paints) != 15 {
		t.Fatalf("got %d tiles, want 15", len(paints))
	}
	for _, want := range []string{"in the shadow of shop.uplink", "tile -shadow", "/60", " -name6", `role="img" aria-label="fra ok: 0.1 s"`} {
		if !slices.ContainsFunc(paints, func(p struct{ Server, Page string }) bool { return strings.Contains(p.Server, want) }) {
			t.Errorf("no tile says %q", want)
		}
	}
	for _, p := range paints {
		if diff := cmp.Diff(strings.ReplaceAll(p.Server, "><", ">\n<"), strings.ReplaceAll(p.Page, "><", ">\n<")); diff != "" {
			t.Errorf("a tile (-server +page):\n%s", diff)
		}
	}
}

func TestBoardWithoutJavaScript(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1000, 700)
	b.withoutScripts()
	b.navigate(w.url("/"))
	b.until(`document.body.innerText.includes("1 blip")`) // or that it is late, on a busy machine, until it refreshes itself
	text := eval[string](b, `document.body.innerText`)
	for _, want := range []string{"Home", "0.0931", "Check out", "critical", "unknown", "no <b>route</b>", "pending", "~4 days", "BLIP"} {
		if !strings.Contains(text, want) {
			t.Errorf("without JavaScript the page does not say %q:\n%s", want, text)
		}
	}
	if got := eval[int](b, `document.querySelectorAll(".tile").length`); got != 7 {
		t.Errorf("without JavaScript there are %d tiles, want 7", got)
	}
	if got := eval[string](b, `document.title`); got != "(2■ 1◆ 1▲) Pharos" {
		t.Errorf("without JavaScript the title is %q", got)
	}
	if got := eval[string](b, `[...document.querySelectorAll("button, input")].filter((e) => e.checkVisibility() && !e.closest(".count")).map((e) => e.id).join()`); got != "" {
		t.Errorf("without JavaScript there are %s to use, which do nothing", got)
	}
	eval[int](b, `(window.old = 1)`)
	b.until(`window.old === undefined`) // it refreshes itself
}

// What the page is on in each theme.
const (
	darkPage  = "rgb(10, 13, 18)"
	lightPage = "rgb(238, 241, 244)"
)

// A page has the looks that its address asks for before its script runs, which
// leaves them as they are.
func TestLooksAreThereFromTheStart(t *testing.T) {
	w := newWall(t, nil, spec{set: "One", names: []string{"a", "b"}})
	for _, tt := range []struct{ path, scheme, page, attributes string }{
		{"/", "dark", darkPage, " desk standard"},
		{"/", "light", lightPage, " desk standard"},
		{"/?theme=dark&density=wall&palette=cb", "light", darkPage, " wall cb"},
		{"/?theme=light&density=compact&kiosk", "dark", lightPage, "-kiosk compact standard"},
		{"/?theme=none&density=none&palette=none&kiosk=0", "dark", darkPage, " desk standard"},
	} {
		for _, scripts := range []bool{false, true} {
			b := newTab(t, 1000, 700)
			b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: tt.scheme}}})
				return err
			}))
			if scripts {
				b.open(w.url(tt.path))
			} else {
				b.withoutScripts()
				b.navigate(w.url(tt.path))
			}
			const looks = `(({ classList, dataset }) => [[...classList].filter((name) => name !== "-live").join(), dataset.density, dataset.palette].join(" "))(document.documentElement)`
			if got := eval[string](b, looks); got != tt.attributes {
				t.Errorf("%s, scripts %v: looks %q, want %q", tt.path, scripts, got, tt.attributes)
			}
			if got := eval[string](b, `getComputedStyle(document.documentElement).backgroundColor`); got != tt.page {
				t.Errorf("%s where %s is preferred, scripts %v: the page is %s, want %s", tt.path, tt.scheme, scripts, got, tt.page)
			}
			b.close()
		}
	}
}

// hostile is text that would do harm as markup, and to the layout as text.
var hostile = strings.Join([]string{
	`<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`,
	`"><svg onload=window.pwned=1>`, `{{.}} ${1+1} javascript:alert(1)`,
	"\u202Ereversed\u2066isolated", "\x00\x07\x1b[31mred\x1b[0m", strings.Repeat("W", 100_000), strings.Repeat("\u0300", 500),
}, " ")

func TestHostileTextStaysText(t *testing.T) {
	specs := []spec{{set: "<b>Set</b>\u202E " + strings.Repeat("S", 300), names: []string{"<i>Name</i>\u202Eeman " + strings.Repeat("N", 300), "plain"}}}
	w := newWall(t, nil, specs...)
	id := engine.MakeID(specs[0].set, specs[0].names[0])
	w.set(id, engine.Result{Status: engine.Critical, Value: hostile, Unit: hostile, Detail: hostile, Output: hostile, Log: []string{hostile}, Link: "javascript:window.pwned=1", Failure: &engine.Failure{Message: hostile, File: hostile, Line: 1, Trace: hostile},
		Timing: []engine.Phase{{Name: hostile, Duration: time.Second}}})
	w.engine.Board().LoadFailed(engine.LoadError{File: "<u>file</u>", Line: 1, Message: hostile})
	for _, size := range [][2]int{{1440, 810}, {390, 844}} {
		b := newTab(t, size[0], size[1])
		b.open(w.url("/"))
		b.until(`document.querySelectorAll(".tile.-critical").length === 1`)
		eval[int](b, `(document.querySelector(".tile.-critical a").click(), 1)`)
		b.until(`document.querySelector("[data-part=output]").textContent.length > 1000`)
		for what, expression := range map[string]string{
			"nothing of it ran":              `window.pwned === undefined`,
			"no element came of it":          `document.querySelector("main img, main script, main i i, main b b, aside img, aside script, .banner img, u") === null`,
			"the name is there as text":      `document.querySelector(".tile.-critical .name").textContent.startsWith("<i>Name</i>")`,
			"the page is not wider":          `document.documentElement.scrollWidth <= innerWidth`,
			"the panel is not wider":         `document.getElementById("detail").scrollWidth <= document.getElementById("detail").clientWidth`,
			"tiles keep their height":        `new Set([...document.querySelectorAll(".tile")].map((tile) => tile.offsetHeight)).size === 1`,
			"the banner leaves the board be": `document.getElementById("banner").offsetHeight < innerHeight / 3`,
			"javascript: is no link":         `document.querySelector("[data-part=link]").hidden && !document.querySelector('a[href^="javascript"]')`,
			"bidi controls stay in the name": `getComputedStyle(document.querySelector(".tile .name")).unicodeBidi === "isolate"`,
		} {
			if !eval[bool](b, expression) {
				t.Errorf("at %v: %s: false, want true", size, what)
			}
		}
	}
}

// All that the header can say at once fits every screen, as does the longest
// that Pharos says of itself.
func TestHeaderFits(t *testing.T) {
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprint("web ", i)
	}
	w := newWall(t, nil, spec{names: names})
	for _, name := range names {
		w.set(engine.MakeID("", name), engine.Result{Status: engine.Critical, Value: "down", Detail: strings.Repeat("why ", 50)})
	}
	for _, width := range []int{360, 390, 560, 800, 961, 1024, 1216, 1280, 1440, 1472, 1500, 1920, 3840} {
		b := newTab(t, width, 844)
		b.open(w.url("/"))
		b.until(`document.querySelectorAll(".problem").length + (parseInt(document.getElementById("rail-more").textContent) || 0) === 40`)
		eval[int](b, `(() => {
			document.getElementById("tag").textContent = "Keeps watch over a shop with a long name";
			document.getElementById("lag").hidden = false;
			document.getElementById("lag-words").textContent = "Pharos is late: 10000 watchers, by up to 123 ms";
			for (const count of document.querySelectorAll(".count")) {
				count.classList.remove("-zero");
				count.querySelector(".n").textContent = "2000";
			}
			return 1;
		})()`)
		if got := eval[int](b, `document.documentElement.scrollWidth`); got > width {
			t.Errorf("at a width of %d the page is %d px wide", width, got)
		}
		if got := eval[int](b, `document.getElementById("tag").checkVisibility() ? document.querySelector(".tag").clientWidth : 0`); got > 0 && got < 90 {
			t.Errorf("at a width of %d the tag has %d px, want room for some words or none at all", width, got)
		}
		outside := eval[string](b, `[...document.querySelectorAll(".header > *, .count button, #lag")].filter((part) => {
			const box = part.getBoundingClientRect();
			return box.right > innerWidth || box.left < 0 || part.scrollWidth > part.clientWidth && !part.matches(".tag");
		}).map((part) => part.className + part.textContent.trim()).join("; ")`)
		if outside != "" {
			t.Errorf("at a width of %d these are cut: %s", width, outside)
		}
		b.close() // a dozen pages that follow 40 watchers each leave a small machine no time for the next
	}
}

// With all that the header of a wall can say at once, its clock is on the screen.
func TestKioskHeaderFits(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1080, 1920)
	b.open(w.url("/?kiosk"))
	eval[int](b, `(() => {
		document.getElementById("lag").hidden = false;
		document.getElementById("lag-words").textContent = "Pharos is late: 10000 watchers, by up to 123 ms";
		for (const count of document.querySelectorAll(".count")) { count.classList.remove("-zero"); count.querySelector(".n").textContent = "1000"; }
		return 1;
	})()`)
	for _, size := range [][2]int64{{1080, 1920}, {1920, 1080}, {1280, 720}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		if got := eval[float64](b, `document.getElementById("clock").getBoundingClientRect().right - innerWidth`); got > 0 {
			t.Errorf("at %v the clock ends %.0f px beyond the screen", size, got)
		}
		if got := eval[float64](b, `document.querySelector(".count.-critical button").getBoundingClientRect().right - document.getElementById("clock").getBoundingClientRect().left`); got > 0 {
			t.Errorf("at %v the clock hides the count of critical ones", size)
		}
	}
}
