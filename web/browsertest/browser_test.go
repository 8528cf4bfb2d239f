// Package browsertest looks at the board with a real browser.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserPath finds a Chromium, or skips the test; where real parts are
// required it fails.
func browserPath(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
		t.Fatal("no chromium in PATH, and PHAROS_REQUIRE_REAL=1")
	}
	t.Skip("needs chromium: none in PATH")
	return ""
}

// tab is one tab of a headless browser, with what its console said.
type tab struct {
	context.Context
	close func()
	t     testing.TB

	mu         sync.Mutex
	complaints []string
}

// browser is the one that all tabs are opened in, started by the first.
var browser struct {
	start sync.Once
	ctx   context.Context
	stop  func()
}

func startBrowser(path string) {
	profile, err := os.MkdirTemp("", "pharos-browser")
	if err != nil {
		panic(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(profile),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	browser.ctx = ctx
	browser.stop = func() {
		cancel()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
		_ = os.RemoveAll(profile) // a helper process of the browser may still write to it
	}
	if err := chromedp.Do(ctx); err != nil {
		panic(fmt.Sprintf("starting %s: %v", path, err))
	}
}

// newTab opens a tab of width x height CSS pixels with nothing stored.
// Console errors, exceptions and reports of the content security policy fail
// the test at its end.
func newTab(t testing.TB, width, height int) *tab {
	t.Helper()
	path := browserPath(t)
	browser.start.Do(func() { startBrowser(path) })
	return openTab(t, browser.ctx, width, height, chromedp.WithNewBrowserContext())
}

// beside opens another tab of b's browser.
func (b *tab) beside(width, height int) *tab {
	b.t.Helper()
	return openTab(b.t, b, width, height)
}

func openTab(t testing.TB, parent context.Context, width, height int, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, close: cancel, t: t}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, log.Enable, cdp.Empty{})
		return err
	}), chromedp.EmulateViewport(int64(width), int64(height)))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, c := range b.complaints {
			t.Errorf("console: %s", c)
		}
	})
	return b
}

func (b *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			text = e.Entry.Text
		}
	case *runtime.EventExceptionThrown:
		text = (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			text = fmt.Sprint(e.Args)
		}
	}
	// A server that is down is part of some tests, and Chromium says so itself.
	if text == "" || strings.Contains(text, "net::ERR_") {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// open goes to the page and waits until its stream has brought a beat.
func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("#board")))
	b.until(`document.documentElement.classList.contains("-live")`)
}

// press types keys: text, or keys of package kb.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// hit presses one printing key as a keyboard does: what it types the page can
// prevent, which it cannot for [tab.press].
func (b *tab) hit(key string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: typ, Key: key, Text: key}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// eval gives the value of a JavaScript expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluating %q: %v", expression, err)
	}
	return v
}

// patience is how long a test waits for what must come: a busy machine takes
// its time.
const patience = time.Minute

// until waits for a JavaScript expression to be true and gives the time that
// took.
func (b *tab) until(expression string) time.Duration {
	b.t.Helper()
	start := time.Now()
	for {
		if eval[bool](b, expression) {
			return time.Since(start)
		}
		if time.Since(start) > patience {
			b.t.Fatalf("%s: not true within %v", expression, patience)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// navigate goes to the page without waiting for its stream.
func (b *tab) navigate(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

// blockEvents lets no stream through, in a browser without shared workers:
// those are out of a tab's reach.
func (b *tab) blockEvents() {
	b.t.Helper()
	b.beforeScripts(`delete window.SharedWorker`)
	b.block("*://*:*/events")
}

// block lets nothing through to these addresses.
func (b *tab) block(patterns ...string) {
	b.t.Helper()
	blocked := make([]*network.BlockPattern, len(patterns))
	for i, pattern := range patterns {
		blocked[i] = &network.BlockPattern{URLPattern: pattern, Block: true}
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: blocked})
		return err
	}))
}

// beforeScripts runs source in each page before its own scripts.
func (b *tab) beforeScripts(source string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return err
	}))
}

// withoutScripts turns JavaScript off in pages; tests can still look at them.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}

// await runs a JavaScript expression and waits for the promise that it gives.
func await(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise)
}
