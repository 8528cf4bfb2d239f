package browsertest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/chromedp"
)

// A page that is left open for weeks must not grow. It is watched for as long
// as PHAROS_HEAP says ("10m"), and else for a moment, from when every tile has
// changed a few times: until then its strings come to be.
func TestHeapStaysFlat(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PHAROS_HEAP"))
	if err != nil {
		length = 12 * time.Second
	}
	const watchers = 1000
	w := busy(t, watchers)
	b := newTab(t, 1920, 1080)
	b.open(w.url("/"))
	time.Sleep(8 * time.Second)
	first := heapInUse(b)
	last := first
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(min(30*time.Second, length/4))
		last = heapInUse(b)
		t.Logf("JS heap %.2f MB, %.2f MB at first", last/1e6, first/1e6)
	}
	if last > 1.1*first {
		t.Errorf("after %v at 1,000 updates/s the JS heap holds %.2f MB, want at most a tenth more than %.2f MB", length, last/1e6, first/1e6)
	}
}

// heapInUse gives the bytes that the tab's scripts hold after a collection. A
// second collection takes what the first one's finalizers let go.
func heapInUse(b *tab) float64 {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, heapprofiler.CollectGarbage, cdp.Empty{})
		return err
	}))
	return measure(b)["JSHeapUsedSize"]
}
