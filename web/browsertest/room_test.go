package browsertest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Sections off screen are not laid out, and still take the room that they will
// need: the scroll bar tells the truth, and what is scrolled to does not jump.
func TestSectionsOffScreenKeepTheirRoom(t *testing.T) {
	var specs []spec
	for i, n := range []int{37, 1, 2, 90, 5, 64, 8, 120} {
		s := spec{set: fmt.Sprintf("Set %d", i), interval: time.Second}
		for j := range n {
			s.names = append(s.names, fmt.Sprintf("n%d", j))
		}
		specs = append(specs, s)
	}
	w := newWall(t, nil, specs...)
	b := newTab(t, 1440, 600)
	const height = `document.documentElement.scrollHeight`
	for _, path := range []string{"/", "/?density=compact", "/?density=wall", "/?q=n1"} {
		b.open(w.url(path))
		for _, width := range []int64{1440, 800, 390} {
			b.do(chromedp.EmulateViewport(width, 600), await(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`))
			skipped := eval[float64](b, height)
			eval[int](b, `(document.querySelectorAll(".set").forEach((set) => (set.style.contentVisibility = "visible")), 1)`)
			whole := eval[float64](b, height)
			eval[int](b, `(document.querySelectorAll(".set").forEach((set) => (set.style.contentVisibility = "")), 1)`)
			if math.Abs(skipped-whole) > 0.02*whole {
				t.Errorf("%s, %d px wide: %.0f px high while most of it is off screen, want the %.0f px that it is when drawn", path, width, skipped, whole)
			}
		}
	}
}
