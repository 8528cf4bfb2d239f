package browsertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"pharos/engine"
)

// TestShots takes pictures of boards to look at, into the folder that
// PHAROS_SHOTS names.
func TestShots(t *testing.T) {
	dir := os.Getenv("PHAROS_SHOTS")
	if dir == "" {
		t.Skip("takes pictures only when PHAROS_SHOTS names a folder for them")
	}
	for _, board := range []struct {
		name  string
		serve func(*testing.T) *wall
		shots []shot
	}{
		{"showcase", showcase, []shot{
			{"desk-dark", "/?theme=dark", 1440, 810},
			{"desk-light", "/?theme=light", 1440, 810},
			{"desk-cb", "/?palette=cb&theme=dark", 1440, 810},
			{"detail", "/?theme=dark#/storefront.checkout", 1440, 810},
			{"detail-unknown", "/?theme=light#/office__network.uplink_b", 1440, 900},
			{"kiosk-1080", "/?kiosk&theme=dark", 1920, 1080},
			{"kiosk-4k", "/?kiosk&theme=dark", 3840, 2160},
			{"kiosk-portrait", "/?kiosk&theme=dark", 1080, 1920},
			{"tablet", "/?theme=dark", 820, 1180},
			{"phone", "/?theme=dark", 390, 844},
			{"phone-detail", "/?theme=dark#/storefront.checkout", 390, 844},
			{"compact", "/?density=compact&theme=dark", 1440, 810},
			{"wall", "/?density=wall&theme=dark", 1920, 1080},
			{"problems", "/?problems&theme=dark", 1440, 810},
		}},
		{"three", func(t *testing.T) *wall { return crowd(t, 3, time.Second) }, []shot{
			{"three-desk", "/?theme=dark", 1440, 810},
			{"three-kiosk-4k", "/?kiosk&theme=dark", 3840, 2160},
		}},
		{"long-values", longValues, []shot{
			{"long-values-small", "/?kiosk&theme=dark", 1024, 600},
			{"long-values-compact", "/?density=compact&theme=light", 1280, 720},
		}},
		{"forty", func(t *testing.T) *wall { return crowd(t, 40, time.Second) }, []shot{
			{"forty-kiosk", "/?kiosk&theme=dark", 1920, 1080},
			{"forty-portrait", "/?kiosk&theme=dark", 1080, 1920},
		}},
		{"four-hundred", func(t *testing.T) *wall { return crowd(t, 400, time.Second) }, []shot{
			{"400-kiosk", "/?kiosk&theme=dark", 1920, 1080},
			{"400-kiosk-4k", "/?kiosk&theme=dark", 3840, 2160},
			{"400-desk", "/?theme=dark", 1440, 810},
		}},
		{"two-thousand", func(t *testing.T) *wall { return crowd(t, 2000, 5*time.Second) }, []shot{
			{"2000-kiosk", "/?kiosk&theme=dark", 1920, 1080},
			{"2000-compact", "/?density=compact&theme=dark", 1920, 1080},
		}},
	} {
		t.Run(board.name, func(t *testing.T) { takeShots(t, dir, board.serve, board.shots) })
	}
}

// shot is a picture to take: of a path, in a window of a size.
type shot struct {
	name, path    string
	width, height int
}

func takeShots(t *testing.T, dir string, serve func(*testing.T) *wall, shots []shot) {
	var w *wall
	for _, s := range shots {
		if want := os.Getenv("PHAROS_SHOT"); want != "" && !slices.Contains(strings.Fields(want), s.name) {
			continue
		}
		if w == nil {
			w = serve(t)
			time.Sleep(9 * time.Second) // long enough for full trails
		}
		takeShot(t, dir, s.name, w.url(s.path), s.width, s.height)
	}
	if w == nil || t.Name() != "TestShots/showcase" {
		return
	}
	for _, eyes := range []emulation.SetEmulatedVisionDeficiencyType{emulation.SetEmulatedVisionDeficiencyTypeAchromatopsia, emulation.SetEmulatedVisionDeficiencyTypeDeuteranopia} {
		b := newTab(t, 1440, 810)
		b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedVisionDeficiency, emulation.SetEmulatedVisionDeficiencyParams{Type: eyes})
			return err
		}))
		b.open(w.url("/?theme=dark"))
		save(b, dir, string(eyes))
	}
	w.engine.Board().LoadFailed(engine.LoadError{File: "pharos.lua", Line: 31, Message: "'}' expected (to close '{' at line 28) near 'thresholds'"})
	takeShot(t, dir, "banner", w.url("/?theme=dark"), 1440, 810)
	takeShot(t, dir, "banner-kiosk", w.url("/?kiosk&theme=dark"), 1920, 1080)
	b := newTab(t, 1440, 810)
	b.open(w.url("/?theme=dark"))
	w.stop()
	time.Sleep(7 * time.Second)
	save(b, dir, "stale")
}

func takeShot(t *testing.T, dir, name, url string, width, height int) {
	t.Helper()
	b := newTab(t, width, height)
	b.open(url)
	time.Sleep(1500 * time.Millisecond)
	save(b, dir, name)
}

func save(b *tab, dir, name string) {
	b.t.Helper()
	png, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("taking a picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// showcase is a board with something of everything.
func showcase(t *testing.T) *wall {
	specs := []spec{
		{set: "Storefront", names: []string{"Home page", "Search", "Checkout", "Product page", "Cart API", "Login", "Static assets", "TLS www", "DNS www", "Sitemap"}},
		{set: "Databases", names: []string{"primary: replication lag", "primary: connections", "replica-1: lag", "replica-2: lag", "redis: queue depth", "backup age", "slow queries"}},
		{set: "Office & Network", names: []string{"VPN gateway", "Uplink A", "Uplink B", "Printer", "build-01 load", "build-02 load", "new host"}},
	}
	saved := map[engine.ID]engine.Saved{}
	for _, s := range specs {
		for _, name := range s.names {
			saved[engine.MakeID(s.set, name)] = engine.Saved{Status: engine.OK, Since: time.Now().Add(-73 * time.Hour), Ended: time.Now()}
		}
	}
	w := newWall(t, saved, specs...)
	timing := func(total float64) []engine.Phase {
		d := func(share float64) time.Duration { return time.Duration(share * total * float64(time.Second)) }
		return []engine.Phase{{Name: "dns", Duration: d(.02)}, {Name: "connect", Duration: d(.03)}, {Name: "tls", Duration: d(.08)}, {Name: "send", Duration: d(.01)}, {Name: "wait", Duration: d(.75)}, {Name: "receive", Duration: d(.11)}}
	}
	page := func(id engine.ID, status engine.Status, total float64) {
		w.set(id, engine.Result{Status: status, Value: fmt.Sprintf("%.4f", total), Unit: "s", Detail: fmt.Sprintf("0.0390 1.0690 %.4f (200)", total), Timing: timing(total), Output: "HTTP/2 200 · 41.2 kB · 203.0.113.7\nserver: nginx\ncontent-type: text/html", Log: []string{"asking once more"}, Link: "https://shop.example/checkout"})
	}
	plain := func(id engine.ID, value, unit string) {
		w.set(id, engine.Result{Status: engine.OK, Value: value, Unit: unit})
	}
	page("storefront.home_page", engine.OK, .0931)
	page("storefront.search", engine.OK, .1480)
	page("storefront.product_page", engine.OK, .1122)
	page("storefront.cart_api", engine.OK, .0410)
	page("storefront.static_assets", engine.OK, .0188)
	plain("storefront.tls_www", "61", "days")
	plain("storefront.dns_www", "2.1", "ms")
	page("storefront.sitemap", engine.OK, .0712)
	plain("databases.primary_replication_lag", "0.4", "s")
	plain("databases.primary_connections", "112", "")
	plain("databases.replica-1_lag", "0.6", "s")
	plain("databases.redis_queue_depth", "41", "jobs")
	plain("databases.backup_age", "3.2", "h")
	plain("databases.slow_queries", "0", "/s")
	plain("office__network.vpn_gateway", "3.9", "ms")
	plain("office__network.uplink_a", "12.4", "ms")
	plain("office__network.printer", "up", "")
	plain("office__network.build-01_load", "0.82", "")
	plain("office__network.build-02_load", "1.13", "")
	go func() {
		time.Sleep(4 * time.Second)
		page("storefront.search", engine.Warning, .31)
		w.set("databases.redis_queue_depth", engine.Result{Status: engine.Critical, Value: "4100", Unit: "jobs"})
		page("storefront.product_page", engine.Warning, .3)
		time.Sleep(300 * time.Millisecond)
		page("storefront.search", engine.OK, .1480)
		page("storefront.product_page", engine.OK, .1122)
		plain("databases.redis_queue_depth", "41", "jobs")
		page("storefront.login", engine.Warning, .3120)
		w.set("databases.replica-2_lag", engine.Result{Status: engine.Warning, Value: "9.8", Unit: "s", Detail: "lag 9.8 s, warn at 5 s"})
		page("storefront.checkout", engine.Warning, .6)
		time.Sleep(2 * time.Second)
		page("storefront.checkout", engine.Critical, 1.204)
		w.set("office__network.uplink_b", engine.Result{Status: engine.Unknown, Failure: &engine.Failure{Message: "vpn.lua:14: attempt to index a nil value (field 'rtt')", Kind: "script", File: "vpn.lua", Line: 14, Trace: "vpn.lua:14: in check\nvpn.lua:3: in main chunk"}})
	}()
	return w
}

// crowd is n watchers in sets of various sizes, a few of them in trouble.
func crowd(t *testing.T, n int, interval time.Duration) *wall {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var specs []spec
	for left := n; left > 0; {
		size := min(left, max(1, n/(4+random.IntN(9))))
		s := spec{set: fmt.Sprintf("Zone %c", 'A'+len(specs)), interval: interval}
		for i := range size {
			s.names = append(s.names, fmt.Sprintf("node %02d.%03d", len(specs), i))
		}
		specs = append(specs, s)
		left -= size
	}
	w := newWall(t, nil, specs...)
	for _, s := range specs {
		for _, name := range s.names {
			r := engine.Result{Status: engine.OK, Value: fmt.Sprintf("%.3f", random.Float64()), Unit: "s"}
			switch random.IntN(60) {
			case 0:
				r.Status = engine.Warning
			case 1:
				if random.IntN(2) == 0 {
					r.Status = engine.Critical
				}
			}
			w.set(engine.MakeID(s.set, name), r)
		}
	}
	return w
}
