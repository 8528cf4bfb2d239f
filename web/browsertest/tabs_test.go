package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// shows waits until the tab's only watcher has value.
func (b *tab) shows(value string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector(".tile .value").textContent === %q`, value))
}

// A browser has six connections to a server: the tabs of one share a stream.
func TestManyTabsShareAStream(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	tabs := []*tab{newTab(t, 800, 600)}
	tabs[0].open(w.url("/"))
	for range 7 {
		b := tabs[0].beside(800, 600)
		b.open(w.url("/"))
		tabs = append(tabs, b)
	}
	for deadline := time.Now().Add(patience); w.served.Viewers() != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) { // a tab that comes brings another stream, and the one before ends
			t.Fatalf("8 tabs hold %d streams, want 1", w.served.Viewers())
		}
	}
	w.set("a", engine.Result{Status: engine.OK, Value: "all"})
	for _, b := range tabs {
		b.shows("all")
	}
	eval[int](tabs[7], `(document.querySelector(".tile a").click(), 1)`) // there is a connection left for it
	tabs[7].until(`document.querySelector("[data-part=where]").textContent.includes("pharos.lua:10")`)

	addr := w.addr
	w.stop()
	tabs[7].until(isStale)
	w.listen(addr, "v1")
	w.set("a", engine.Result{Status: engine.OK, Value: "again"})
	for _, b := range tabs {
		b.until(isLive)
		b.shows("again")
	}
	for _, b := range tabs[1:] {
		b.close()
	}
	w.set("a", engine.Result{Status: engine.OK, Value: "one left"})
	tabs[0].shows("one left")
	tabs[0].close()
	for deadline := time.Now().Add(patience); w.served.Viewers() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are open after the last tab has left, want none", w.served.Viewers())
		}
	}
}

// A stream that nothing comes of is replaced, also when at each moment some tab
// waits for it.
func TestSilentSharedStreamIsReplaced(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	var asked atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" && !asked.Swap(true) {
			<-r.Context().Done()
			return
		}
		w.served.Handler().ServeHTTP(rw, r)
	}))
	defer func() { front.CloseClientConnections(); front.Close() }()
	b := newTab(t, 800, 600)
	b.navigate(front.URL)
	b.do(await(`(async () => {
		const { SharedSource } = await import("/static/shared.js");
		window.patient = new SharedSource("/events", JSON.parse(document.getElementById("snapshot").textContent).page, () => {});
	})()`))
	b.until(isLive)
}

// A proxy may have the board below a path of its own: nothing that the page asks
// for is named from the root.
func TestBelowAPath(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	var mu sync.Mutex
	var strays []string
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/ops/pharos/") && r.URL.Path != "/favicon.ico" {
			mu.Lock()
			defer mu.Unlock()
			strays = append(strays, r.URL.Path)
		}
		http.StripPrefix("/ops/pharos", w.served.Handler()).ServeHTTP(rw, r)
	}))
	defer func() { front.CloseClientConnections(); front.Close() }()
	b := newTab(t, 800, 600)
	b.navigate(front.URL + "/ops/pharos/?theme=dark")
	b.until(isLive)
	w.set("a", engine.Result{Status: engine.Critical, Value: "seen"})
	b.shows("seen")
	b.until(`document.getElementById("favicon").href.endsWith("/ops/pharos/static/icons/critical.svg")`)
	eval[int](b, `(document.querySelector(".tile a").click(), 1)`)
	b.until(`document.querySelector("[data-part=where]").textContent.includes("pharos.lua:10")`)
	mu.Lock()
	defer mu.Unlock()
	if len(strays) > 0 {
		t.Errorf("the page asked for %q, want only what is below /ops/pharos/", strays)
	}
}

// A browser whose shared workers do not work has a stream for each tab.
func TestStreamWithoutSharedWorkers(t *testing.T) {
	for what, script := range map[string]string{
		"none":               `delete window.SharedWorker`,
		"refused":            `window.SharedWorker = class { constructor() { throw new Error("no") } }`,
		"one that is silent": `window.SharedWorker = class extends EventTarget { port = new MessageChannel().port1 }`,
		"one that fails":     `window.SharedWorker = class extends EventTarget { port = new MessageChannel().port1; constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))) } }`,
	} {
		t.Run(what, func(t *testing.T) {
			w := newWall(t, nil, spec{names: []string{"a"}})
			b := newTab(t, 800, 600)
			b.beforeScripts(script)
			b.open(w.url("/"))
			w.set("a", engine.Result{Status: engine.OK, Value: "seen"})
			b.shows("seen")
		})
	}
}

// A browser that cannot take a stream at all says so: what stands still must not
// look alive.
func TestNoStreamIsStale(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.beforeScripts(`delete window.SharedWorker; delete window.EventSource; addEventListener("error", (event) => event.preventDefault())`)
	b.navigate(w.url("/"))
	b.until(`document.getElementById("stale")?.checkVisibility()`)
}

// A page that has lost its server tries again for as long as that takes, some
// ten thousand times in a night: nothing may be left of a stream that is closed.
func TestClosedStreamsLeaveNothing(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	b.do(await(`(async () => {
		const { SharedSource } = await import("/static/shared.js");
		window.left = [];
		for (let i = 0; i < 5; i++) {
			const source = new SharedSource("/events", "another", () => {});
			await new Promise((heard) => source.addEventListener("board", heard));
			source.close();
			left.push(new WeakRef(source));
		}
	})()`))
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		collectGarbage(b)
		n := eval[int](b, `left.filter((source) => source.deref()).length`)
		if n == 0 {
			break
		}
		if time.Since(start) > patience {
			t.Fatalf("%d of 5 closed streams are still held, want none", n)
		}
	}
}

// freeze stops a tab as a browser does with one in the background, or a laptop
// that sleeps, and thaws it.
func (b *tab) freeze(frozen bool) {
	b.t.Helper()
	state := page.SetWebLifecycleStateStateActive
	if frozen {
		state = page.SetWebLifecycleStateStateFrozen
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state})
		return err
	}))
}

// A tab that slept says what is, and not what it missed; meanwhile it holds
// up neither the server nor the tabs that are awake.
func TestSleepingTab(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	awake := newTab(t, 800, 600)
	awake.open(w.url("/"))
	asleep := awake.beside(800, 600)
	asleep.open(w.url("/"))
	asleep.freeze(true)
	for i := range 80 { // more than a tab that takes nothing is sent
		w.set("a", engine.Result{Status: engine.OK, Value: fmt.Sprint(i)})
		time.Sleep(110 * time.Millisecond)
	}
	w.set("a", engine.Result{Status: engine.Critical, Value: "now"})
	awake.shows("now")
	asleep.freeze(false)
	t.Logf("a tab that slept for nine seconds says what is after %v", asleep.until(`document.title === "(1■) Pharos" && `+isLive))
	w.set("a", engine.Result{Status: engine.OK, Value: "later"})
	asleep.until(`document.title === "Pharos"`) // it stays in the background, where it draws no tile
}
