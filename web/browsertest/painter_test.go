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
