package browsertest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"pharos/engine"
)

func TestFocusAndDetailSurviveUpdates(t *testing.T) {
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("w%02d", i)
	}
	w := newWall(t, nil, spec{set: "Fast", names: names, interval: 50 * time.Millisecond})
	w.set("fast.w03", engine.Result{Status: engine.Warning, Value: "7", Output: "first line\nsecond line"})
	b := newTab(t, 1440, 810)
	b.open(w.url("/"))
	eval[int](b, `(document.querySelector('[data-id="fast.w03"] a').focus(), 1)`)
	b.press(kb.Enter)
	b.until(`document.querySelector("[data-part=output]").textContent === "first line\nsecond line"`)
	if got, want := eval[string](b, `document.querySelector("[data-part=source]").textContent`), "  18     line 18 of pharos.lua\n  19 ▸   line 19 of pharos.lua\n  20     line 20 of pharos.lua"; got != want {
		t.Errorf("source = %q, want %q", got, want)
	}
	eval[int](b, `(window.kept = { link: document.activeElement, output: document.querySelector("[data-part=output]") }, getSelection().selectAllChildren(kept.output), 1)`)

	runs := func() (n uint64) {
		for _, set := range w.engine.Board().Snapshot().Sets {
			for _, v := range set.Watchers {
				n += v.Runs
			}
		}
		return n
	}
	start := runs()
	for i := 0; runs()-start < 1000; i++ {
		w.set("fast.w03", engine.Result{Status: []engine.Status{engine.OK, engine.Critical}[i%2], Value: fmt.Sprint(i), Output: "first line\nsecond line"})
		time.Sleep(100 * time.Millisecond)
	}
	w.replace(2, spec{set: "New", names: []string{"before"}}, spec{set: "Fast", names: names, interval: 50 * time.Millisecond})
	b.until(`document.querySelectorAll(".set").length === 2`)
	w.set("fast.w03", engine.Result{Status: engine.Critical, Value: "last", Output: "first line\nsecond line"})
	b.until(`document.querySelector("[data-part=value]").textContent === "last" && document.querySelector('[data-id="fast.w03"] .value').textContent === "last"`)
	for what, expression := range map[string]string{
		"the focus is on the same link":     `document.activeElement === kept.link && kept.link.isConnected`,
		"the detail is open":                `!document.getElementById("detail").hidden && location.hash === "#/fast.w03"`,
		"the selection in the output stays": `getSelection().toString().includes("first line") && kept.output.isConnected`,
		"the detail lists transitions":      `document.querySelectorAll(".transition").length > 3`,
	} {
		if !eval[bool](b, expression) {
			t.Errorf("after 1,000 updates: %s: false, want true", what)
		}
	}
}

// server is a pharos server in a process of its own.
type server struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: ln.Addr().String()}
	ln.Close()
	s.start()
	return s
}

// start starts the process at the same address as before and waits for it.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), serverEnv+"="+s.addr)
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.cmd
	s.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not answer: %v", err)
		}
	}
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

const (
	isStale = `!document.getElementById("stale").hidden && /^STALE \d+:\d\d$/.test(document.getElementById("stale-age").textContent)
		&& getComputedStyle(document.getElementById("board")).filter.includes("grayscale(1)") && document.title.startsWith("STALE")`
	isLive = `Boolean(document.getElementById("stale")?.hidden && document.documentElement.classList.contains("-live") && !document.title.startsWith("STALE"))`
)

// recordStale notes what the veil says when it first appears, and the longest
// time for which the page could do nothing.
const recordStale = `(() => {
	delete window.firstStale;
	const veil = document.getElementById("stale");
	const note = () => { if (!veil.hidden) window.firstStale ??= document.getElementById("stale-age").textContent; };
	new MutationObserver(note).observe(veil, { attributes: true });
	note();
	let last = Date.now();
	window.heldUp = 0;
	clearInterval(window.pulse);
	window.pulse = setInterval(() => { const now = Date.now(); heldUp = Math.max(heldUp, now - last); last = now; }, 50);
	return 1;
})()`

// checkStale judges by the page's own clock, and leaves out for how long that
// stood still, so that a busy machine does no harm.
func (b *tab) checkStale(after string) {
	b.t.Helper()
	got, heldUp := eval[string](b, `String(window.firstStale)`), eval[float64](b, `heldUp / 1000`)
	var age int
	if _, err := fmt.Sscanf(got, "STALE 0:%d", &age); err != nil || age < 3 || float64(age) > 4+heldUp {
		b.t.Errorf("after %s the board first says %q, want STALE within 4 s, and the %.2f s for which the page was held up", after, got, heldUp)
	}
}

func TestStaleWhenTheServerStops(t *testing.T) {
	s := startServer(t)
	b := newTab(t, 1000, 600)
	b.open("http://" + s.addr + "/")
	eval[int](b, recordStale)
	s.signal(syscall.SIGSTOP)
	t.Logf("stale %v after SIGSTOP", b.until(isStale))
	b.checkStale("SIGSTOP")
	if lit := eval[string](b, `[...document.querySelectorAll(".board, .rail, .counts, .detail")].filter((e) => !getComputedStyle(e).filter.includes("grayscale")).map((e) => e.className).join(", ")`); lit != "" {
		t.Errorf("in its colours on a board that is stale: %s", lit)
	}
	s.signal(syscall.SIGCONT)
	t.Logf("live %v after SIGCONT", b.until(isLive))

	eval[int](b, recordStale)
	s.signal(syscall.SIGKILL)
	b.until(isStale)
	b.checkStale("SIGKILL")
	s.start()
	t.Logf("live %v after a restart", b.until(isLive))
}

// A page that never hears from the stream says so too.
func TestStaleBeforeTheFirstMessage(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1000, 600)
	b.blockEvents()
	b.beforeScripts(`addEventListener("DOMContentLoaded", () => ` + recordStale + `)`)
	b.navigate(w.url("/"))
	b.until(isStale)
	b.checkStale("loading")
}

func TestNewVersionReloadsThePage(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1000, 600)
	b.open(w.url("/?theme=light#/a"))
	eval[int](b, `(window.old = 1)`)
	addr := w.addr
	w.stop()
	w.listen(addr, "v1")
	b.until(isLive)
	if !eval[bool](b, `window.old === 1`) {
		t.Error("a restart of the same version reloaded the page, want it to go on")
	}
	w.stop()
	w.listen(addr, "v2")
	b.until(`window.old === undefined && ` + isLive)
	if got := eval[string](b, `location.search + location.hash`); got != "?theme=light#/a" {
		t.Errorf("address after the reload = %q, want it kept", got)
	}
}

// A browser that lets the page store nothing, as in another site's frame, shows
// a new version as well.
func TestNewVersionWithoutStorage(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1000, 600)
	b.beforeScripts(`Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("no", "SecurityError"); } })`)
	b.open(w.url("/"))
	eval[int](b, `(window.old = 1)`)
	addr := w.addr
	w.stop()
	w.listen(addr, "v2")
	b.until(`window.old === undefined && ` + isLive)
}

// A page that the server went away from while it was loading is loaded anew: it
// would look alive for ever.
func TestPageThatComesInPart(t *testing.T) {
	for _, file := range []string{"model.js", "css/board.css"} {
		t.Run(file, func(t *testing.T) {
			w := newWall(t, nil, spec{names: []string{"a"}})
			b := newTab(t, 1000, 600)
			b.block("*://*:*/static/" + file)
			b.navigate(w.url("/"))
			b.until(`document.readyState === "complete"`)
			b.block()
			b.until(isLive + ` && getComputedStyle(document.querySelector(".tile")).position === "relative"`)
		})
	}
}

// A panel whose question fails, or gets half an answer, asks again by itself.
func TestDetailAsksUntilItIsAnswered(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}, interval: time.Hour})
	w.await("a", engine.OK)
	b := newTab(t, 1000, 600)
	b.beforeScripts(`{
		const real = fetch, failures = [() => Promise.resolve(new Response('{"id":')), () => Promise.reject(new TypeError("no network"))];
		fetch = (url, options) => (String(url).startsWith("/api/watchers/") && failures.pop() || real)(url, options);
	}`)
	b.open(w.url("/#/a"))
	b.until(`document.querySelector("[data-part=where]").textContent.includes("pharos.lua:10")`)
}

func TestConfigErrorBanner(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 1000, 600)
	b.open(w.url("/"))
	if !eval[bool](b, `document.getElementById("banner").hidden`) {
		t.Error("banner shown without an error")
	}
	w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 12, Message: "unexpected symbol near '}'"})
	b.until(`!document.getElementById("banner").hidden`)
	if got, want := eval[string](b, `document.getElementById("banner-message").textContent`), "pharos.lua:12: unexpected symbol near '}'"; got != want {
		t.Errorf("banner = %q, want %q", got, want)
	}
	b.open(w.url("/")) // the first paint has it as well
	if eval[bool](b, `document.getElementById("banner").hidden`) {
		t.Error("banner hidden after a reload of the page, want it shown")
	}
	w.replace(2, spec{names: []string{"a"}})
	b.until(`document.getElementById("banner").hidden`)
}
