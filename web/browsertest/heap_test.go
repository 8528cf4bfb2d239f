package browsertest

import (
	"math"
	"os"
	"testing"
	"time"
)

// heapNoise is how many bytes the heap of a page differs by from look to look.
// Thirty bytes left behind by each update are as much after ten seconds.
const heapNoise = 300e3

// A page that is left open for weeks must not grow. It is watched for as long
// as PHAROS_HEAP says ("10m"), and else for a moment, from when every trail is
// full: until then tiles do grow.
func TestHeapStaysFlat(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PHAROS_HEAP"))
	if err != nil {
		length = 10 * time.Second
	}
	w := busy(t, 200) // each five times a second
	b := newTab(t, 1920, 1080)
	b.open(w.url("/"))
	b.until(`[...document.querySelectorAll(".tile .trail")].every((trail) => /M0 /.test(trail.innerHTML))`)
	first := heapFloor(b)
	last := first
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(min(30*time.Second, length/4))
		last = heapFloor(b)
		t.Logf("JS heap %.2f MB, %.2f MB at first", last/1e6, first/1e6)
	}
	if last > 1.1*first+heapNoise {
		t.Errorf("after %v at 1,000 updates/s the JS heap holds %.2f MB, want at most a tenth more than %.2f MB", length, last/1e6, first/1e6)
	}
}

// heapFloor gives the bytes that the tab's scripts hold: the least of several
// looks after a collection each, because updates that have come and are not
// taken in yet count too, many of them on a busy machine.
func heapFloor(b *tab) float64 {
	b.t.Helper()
	least := math.Inf(1)
	for range 10 {
		collectGarbage(b)
		least = min(least, measure(b)["JSHeapUsedSize"])
		time.Sleep(100 * time.Millisecond)
	}
	return least
}
