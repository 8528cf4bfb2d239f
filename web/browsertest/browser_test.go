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
	"github.com/chromedp/cdproto/log"
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
	t testing.TB

	mu         sync.Mutex
	complaints []string
}

// newTab opens a tab of width x height CSS pixels in a browser of its own.
// Console errors, exceptions and reports of the content security policy fail
// the test at its end.
func newTab(t testing.TB, width, height int) *tab {
	t.Helper()
	profile, err := os.MkdirTemp("", "pharos-browser")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserPath(t)),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(profile),
		chromedp.WindowSize(width, height),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		cancel()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
		_ = os.RemoveAll(profile) // a helper process of the browser may still write to it
	})
	b := &tab{Context: ctx, t: t}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("starting the browser: %v", err)
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

// open goes to the page and waits until it is live.
func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("#board")))
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

// until waits for a JavaScript expression to be true and gives the time that
// took; the test fails after limit.
func (b *tab) until(expression string, limit time.Duration) time.Duration {
	b.t.Helper()
	start := time.Now()
	for {
		if eval[bool](b, expression) {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			b.t.Fatalf("%s: not true within %v", expression, limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
