package browsertest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// The copy button puts what is known of a watcher on the clipboard, also where
// the clipboard's own API is not to be had, as on a board of plain HTTP.
func TestCopyButton(t *testing.T) {
	w := newWall(t, nil, spec{set: "Shop", names: []string{"Home"}})
	w.set("shop.home", engine.Result{Status: engine.Critical, Value: "1.2", Unit: "s", Output: "first line\nsecond line"})
	w.await("shop.home", engine.Critical)
	for what, script := range map[string]string{"https": ``, "http": `Object.defineProperty(navigator, "clipboard", { value: undefined })`} {
		t.Run(what, func(t *testing.T) {
			b := newTab(t, 1000, 700)
			b.beforeScripts(script)
			b.open(w.url("/#/shop.home"))
			b.until(`document.querySelector("[data-part=output]").textContent.includes("second line")`)
			eval[int](b, `(() => { // it says so for two seconds
				window.said = [];
				const button = document.querySelector("[data-part=copy]");
				new MutationObserver(() => said.push(button.textContent)).observe(button, { childList: true, characterData: true, subtree: true });
				return 1;
			})()`)
			b.do(chromedp.Click(chromedp.CSS("[data-part=copy]")))
			b.until(`said[0] === "Copied"`)
			got := b.paste()
			for _, want := range []string{"Home: critical 1.2 s\nid: shop.home\n", "defined: pharos.lua:10\n", "output:\nfirst line\nsecond line\n", "-> critical 1.2 s"} {
				if !strings.Contains(got, want) {
					t.Errorf("copied %q, want %q in it", got, want)
				}
			}
			b.until(`document.querySelector("[data-part=copy]").textContent === "Copy"`)
		})
	}
}

// Who has set the colours of everything, as in Windows' high contrast, sees the
// shapes in them.
func TestForcedColours(t *testing.T) {
	w := mixed(t)
	b := newTab(t, 1440, 900)
	for _, scheme := range []string{"dark", "light"} {
		b.prefer(&emulation.MediaFeature{Name: "forced-colors", Value: "active"}, &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme})
		b.open(w.url("/"))
		got := eval[string](b, `(() => {
			const luminance = (colour) => colour.match(/\d+/g).slice(0, 3).map((n) => n / 255)
				.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0.05);
			const page = luminance(getComputedStyle(document.body).backgroundColor.replace("rgba(0, 0, 0, 0)", getComputedStyle(document.documentElement).backgroundColor));
			const contrast = (colour) => { const l = luminance(colour); return Math.max(l, page) / Math.min(l, page); };
			return [...document.querySelectorAll(".tile > a > .glyph, .problem .glyph, .count:not(.-zero) .glyph, .pulse")].filter((e) => e.checkVisibility()).filter((e) => {
				const style = getComputedStyle(e);
				return contrast(style.borderStyle === "dotted" ? style.borderTopColor : style.backgroundColor) < 3;
			}).map((e) => e.closest("li, p").className).join("; ");
		})()`)
		if got != "" {
			t.Errorf("%s: the shapes of these are not to be seen: %s", scheme, got)
		}
	}
}

// prefer makes the tab's user one who has set the system so.
func (b *tab) prefer(features ...*emulation.MediaFeature) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// paste gives what is on the clipboard.
func (b *tab) paste() string {
	b.t.Helper()
	eval[int](b, `(document.body.append(window.pasted = document.createElement("textarea")), pasted.focus(), 1)`)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Commands: []string{"paste"}})
		return err
	}))
	b.until(`pasted.value !== ""`)
	return eval[string](b, `pasted.value`)
}

// Who has asked the browser for larger text gets it, in every density; a wall
// measures its own.
func TestTextSizeOfTheBrowserHolds(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1200, 800)
	for path, want := range map[string]float64{"/": 30, "/?density=wall": 48, "/?density=compact": 26} {
		for standard, times := range map[int64]float64{16: 0.5, 32: 1} {
			b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, page.SetFontSizes, page.SetFontSizesParams{FontSizes: &page.FontSizes{Standard: standard}})
				return err
			}))
			b.open(w.url(path))
			if got := eval[float64](b, `parseFloat(getComputedStyle(document.querySelector(".tile")).fontSize)`); math.Abs(got-times*want) > 0.1 {
				t.Errorf("%s in a browser with text of %d px: %.1f px in a tile, want %.1f", path, standard, got, times*want)
			}
		}
	}
}

// A wall's screen is kept on, again after the page was hidden, which ends a
// lock; a desk's is not.
func TestWakeLock(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	for path, want := range map[string]string{"/": "", "/?kiosk": "screen"} {
		b := newTab(t, 800, 600)
		b.beforeScripts(`window.locks = [];
			const request = WakeLock.prototype.request;
			WakeLock.prototype.request = function (type) { locks.push(type); return request.call(this, type).then((lock) => (window.lock = lock)); }`)
		b.open(w.url(path))
		if got := eval[string](b, `locks.join()`); got != want {
			t.Errorf("%s asks for locks of %q, want %q", path, got, want)
		}
		if want == "" {
			continue
		}
		b.until(`lock && !lock.released`)
		b.do(await(`lock.release()`))
		eval[bool](b, `document.dispatchEvent(new Event("visibilitychange"))`)
		b.until(`locks.length === 2 && !lock.released`)
	}
}

// A wall's picture wanders, header and tiles alike, and what fitted the screen
// still does; a desk's stays.
func TestWallWanders(t *testing.T) {
	w := crowd(t, 40, time.Hour)
	for path, moves := range map[string]bool{"/": false, "/?kiosk": true} {
		b := newTab(t, 1280, 720)
		b.beforeScripts(`const every = window.setInterval; window.minutes = [];
			window.setInterval = (f, ms) => ms === 60000 ? minutes.push(f) : every(f, ms);`)
		b.open(w.url(path))
		const places = `JSON.stringify([".header h1", ".tile"].map((name) => { const r = document.querySelector(name).getBoundingClientRect(); return [r.left, r.top]; }))`
		const fits = `document.documentElement.scrollHeight <= innerHeight && [...document.querySelectorAll(".tile, .header > *")].every((e) => {
			const r = e.getBoundingClientRect(); return r.width === 0 || r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight; })`
		const covers = `(() => { const r = document.querySelector(".header").getBoundingClientRect(); return r.left <= 0 && r.top <= 0 && r.right >= innerWidth; })()`
		b.do(await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
		at := map[string]bool{eval[string](b, places): true}
		for range 100 {
			eval[int](b, `minutes.map((f) => f()).length`)
			at[eval[string](b, places)] = true
			if moves && !eval[bool](b, fits) {
				t.Fatalf("%s: a part is off the screen where the picture wandered", path)
			}
			if !eval[bool](b, covers) {
				t.Fatalf("%s: the header's edge shows where the picture wandered", path)
			}
		}
		if (len(at) > 1) != moves || moves && len(at) < 40 {
			t.Errorf("%s was drawn at %d places", path, len(at))
		}
	}
}

// Whoever asks for less motion gets none.
func TestReducedMotion(t *testing.T) {
	w := mixed(t)
	for motion, want := range map[string]string{"no-preference": "pulse", "reduce": ""} {
		b := newTab(t, 1000, 700)
		b.prefer(&emulation.MediaFeature{Name: "prefers-reduced-motion", Value: motion})
		b.open(w.url("/"))
		b.press("p")
		if got := eval[string](b, `document.getAnimations().map((a) => a.animationName ?? "transition").join()`); got != want {
			t.Errorf("with prefers-reduced-motion: %s the page moves %q, want %q", motion, got, want)
		}
	}
}

// On paper the detail stands below the board, not over each page of it.
func TestDetailOnPaper(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.open(w.url("/#/a"))
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	if !eval[bool](b, `(() => {
		const [board, detail] = ["board", "detail"].map((id) => document.getElementById(id).getBoundingClientRect());
		return detail.top >= board.bottom && detail.width > 700 && board.width > 700;
	})()`) {
		t.Error("printed, the detail covers the board, or takes its room")
	}
}

func TestFullscreen(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	for _, want := range []bool{true, false} {
		b.hit("f")
		b.until(fmt.Sprintf(`(document.fullscreenElement === document.documentElement) === %t`, want))
	}
}
