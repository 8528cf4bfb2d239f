package browsertest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// TestSpeed measures the page and prints figures; it judges none. It runs for
// as long as PHAROS_SPEED says ("60s"; "10m" for the heap), and not without.
func TestSpeed(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PHAROS_SPEED"))
	if err != nil {
		t.Skip("measures only when PHAROS_SPEED says how long, as 60s")
	}
	for _, n := range []int{2000, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := busy(t, n)
			time.Sleep(4 * time.Second)
			firstPaint(t, w, 4)
			b := newTab(t, 1920, 1080)
			b.open(w.url("/"))
			b.until(`document.querySelectorAll(".tile").length > 0`)
			steady(t, b, w, length)
		})
	}
}

// busy is n watchers, each with a new value every n milliseconds: a thousand
// updates a second.
func busy(t *testing.T, n int) *wall {
	interval := time.Duration(n) * time.Millisecond
	var specs []spec
	for i := range n {
		if i%100 == 0 {
			specs = append(specs, spec{set: fmt.Sprintf("Zone %02d", i/100), interval: interval})
		}
		last := &specs[len(specs)-1]
		last.names = append(last.names, fmt.Sprintf("node %05d", i))
	}
	w := newWall(t, nil, specs...)
	w.otherwise(func(_ engine.ID, run int) engine.Result {
		r := engine.Result{Status: engine.OK, Value: fmt.Sprintf("%.4f", float64(run%977)/977), Unit: "s",
			Timing: []engine.Phase{{Name: "dns", Duration: time.Millisecond}, {Name: "wait", Duration: time.Duration(run%977) * time.Millisecond}}}
		if run%97 == 0 {
			r.Status = engine.Warning
		}
		return r
	})
	return w
}

// firstPaint loads the page in new tabs with the processor slowed down.
func firstPaint(t *testing.T, w *wall, slowdown float64) {
	const tabs = 5
	sum := 0.0
	for range tabs {
		b := newTab(t, 1920, 1080)
		painted := make(chan struct{})
		if err := chromedp.Listen(b, func(event any) {
			if e, ok := event.(*page.EventLifecycleEvent); ok && e.Name == "firstContentfulPaint" {
				close(painted)
			}
		}); err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			// Nobody who looks at a wall has these on. They copy and index what comes,
			// a tenth of the time that is measured, as would asking when it is over.
			for _, off := range []cdp.Command[cdp.Empty, cdp.Empty]{network.Disable, dom.Disable, css.Disable} {
				if _, err := cdp.Call(ctx, target, off, cdp.Empty{}); err != nil {
					return err
				}
			}
			_, err := cdp.Call(ctx, target, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: slowdown})
			return err
		}))
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, page.Navigate, page.NavigateParams{URL: w.url("/")})
			return err
		}))
		select {
		case <-painted:
		case <-time.After(patience):
			t.Fatalf("nothing is painted after %v", patience)
		}
		b.until(`performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
		first := eval[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		sum += first
		t.Logf("first contentful paint, %vx slower: %.0f ms; loaded %.0f ms; transferred %s", slowdown, first,
			eval[float64](b, `performance.getEntriesByType("navigation")[0].loadEventEnd`),
			eval[string](b, `(() => {
				const files = performance.getEntriesByType("resource").filter((e) => e.name.includes("/static/"));
				const page = performance.getEntriesByType("navigation")[0];
				return files.length + " files of " + files.reduce((sum, e) => sum + e.encodedBodySize, 0) + " bytes, page of " + page.encodedBodySize + " (" + page.decodedBodySize + ")";
			})()`))
		b.close()
	}
	t.Logf("first contentful paint: mean %.0f ms", sum/tabs)
}

// steady watches the page take updates.
func steady(t *testing.T, b *tab, w *wall, length time.Duration) {
	// What is kept is counted after a collection of garbage. To force one stops
	// the page for 170 ms, so time is measured between the two. A frame is told
	// of late: those that began before, as the first collection's, do not count.
	collectGarbage(b)
	before := measure(b)
	eval[int](b, `(() => {
		window.long = [];
		const from = performance.now();
		new PerformanceObserver((list) => { for (const e of list.getEntries()) if (e.startTime >= from) long.push(Math.round(e.duration)); }).observe({ type: "long-animation-frame" });
		return 1;
	})()`)
	revs, start := w.engine.Board().Rev(), time.Now()
	time.Sleep(length)
	after, took := measure(b), time.Since(start).Seconds()
	frames := eval[int](b, `long.length`)
	longest := eval[string](b, `long.sort((a, b) => b - a).slice(0, 5).join()`)
	collectGarbage(b)
	kept := measure(b)
	t.Logf("%.0f updates/s for %.0f s: main thread %.1f %% busy (script %.1f, layout %.1f, style %.1f); %d frames over 50 ms, the longest: %s ms",
		float64(w.engine.Board().Rev()-revs)/took, took,
		100*(after["TaskDuration"]-before["TaskDuration"])/took, 100*(after["ScriptDuration"]-before["ScriptDuration"])/took,
		100*(after["LayoutDuration"]-before["LayoutDuration"])/took, 100*(after["RecalcStyleDuration"]-before["RecalcStyleDuration"])/took,
		frames, longest)
	t.Logf("JS heap %.1f MB -> %.1f MB; nodes %.0f -> %.0f", before["JSHeapUsedSize"]/1e6, kept["JSHeapUsedSize"]/1e6, before["Nodes"], kept["Nodes"])
}

func collectGarbage(b *tab) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{})
		return err
	}))
}

// measure reads the tab's counters.
func measure(b *tab) map[string]float64 {
	b.t.Helper()
	values := make(map[string]float64)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
			return err
		}
		got, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			return err
		}
		for _, m := range got.Metrics {
			values[m.Name] = m.Value
		}
		return nil
	}))
	return values
}
