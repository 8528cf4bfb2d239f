package browsertest

import (
	"fmt"
	"testing"

	"pharos/engine"
)

// A tile that nobody sees follows too, without being looked at: a search in the
// page and a screen reader find it as it is. What is scrolled into sight is current.
func TestTilesOutOfSightFollow(t *testing.T) {
	names := make([]string, 600)
	for i := range names {
		names[i] = fmt.Sprintf("node %03d", i)
	}
	w := newWall(t, nil, spec{set: "Fleet", names: names})
	b := newTab(t, 1280, 720)
	b.open(w.url("/"))
	last := func(value string) string {
		return fmt.Sprintf(`(() => {
			const tile = document.getElementById("/fleet.node_599");
			return tile.querySelector(".value").textContent === %q && tile.classList.contains("-critical");
		})()`, value)
	}
	w.set("fleet.node_599", engine.Result{Status: engine.Critical, Value: "gone"})
	b.until(last("gone"))
	if got := eval[float64](b, `scrollY`); got != 0 {
		t.Fatalf("the page is scrolled by %v px, want a tile that is out of sight", got)
	}
	eval[int](b, `(document.getElementById("/fleet.node_599").scrollIntoView(), 0)`)
	w.set("fleet.node_599", engine.Result{Status: engine.Critical, Value: "still gone"})
	b.until(last("still gone"))
}

// Where frames are dear, updates get fewer of them.
func TestSlowPageDrawsFewerFrames(t *testing.T) {
	w := busy(t, 40) // changes in each of the stream's updates
	b := newTab(t, 1280, 720)
	b.beforeScripts(`window.frames = [];
		const next = window.requestAnimationFrame;
		window.requestAnimationFrame = (f) => next((at) => {
			frames.push(performance.now());
			f(at);
			const until = performance.now() + 40; // as a weak machine's rendering
			while (performance.now() < until);
		});`)
	b.open(w.url("/"))
	b.until(`document.querySelectorAll(".tile").length === 40`)
	b.until(`frames.length > 3`)
	eval[int](b, `frames.length = 0`)
	b.until(`frames.length >= 10`)
	gaps := eval[[]float64](b, `frames.slice(1, 10).map((at, i) => at - frames[i])`)
	slow := 0
	for _, gap := range gaps {
		if gap > 240 {
			slow++
		}
	}
	if slow < 7 { // one in which drawing took long is followed at once
		t.Errorf("frames of 40 ms came after %.0f ms, want 250", gaps)
	}
}
