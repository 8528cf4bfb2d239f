// Command pharosload measures a whole pharosd under load: it starts a target,
// a daemon with the watchers asked for, and viewers of its board, each in a
// process of its own, and prints one JSON report.
//
// Traffic stays on loopback, and everything stops by itself when the time is
// over, or when pharosload ends for whatever reason. Figures of one machine
// compare to the raw loops measured in the same call (-raw), not to other
// machines.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// scenario is what to measure.
type scenario struct {
	HTTP      int           `json:"http"`      // watchers of a page, a fresh connection each
	KeepAlive bool          `json:"keepalive"` // keep the connections of those
	Exec      int           `json:"exec"`      // watchers that run /bin/true
	Function  int           `json:"function"`  // watchers that only compute
	Hang      int           `json:"hang"`      // watchers of a page that never answers
	Interval  time.Duration `json:"interval"`
	Viewers   int           `json:"viewers"` // that read
	Stuck     int           `json:"stuck"`   // that never read
	Rate      int           `json:"stream_rate"`
	Reload    time.Duration `json:"reload"` // save the configuration this often; 0 = never
	Warmup    time.Duration `json:"warmup"`
	Duration  time.Duration `json:"duration"`
	Raw       bool          `json:"raw"`
	Pharosd   string        `json:"-"`
}

const (
	maxWatchers = 50_000
	maxViewers  = 10_000
	maxDuration = 30 * time.Minute
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == roleFlag {
		os.Exit(playRole(os.Args[2], os.Args[3:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	sc, err := parse(os.Args[1:])
	if err == nil {
		var report *report
		if report, err = measure(ctx, sc); err == nil {
			enc := json.NewEncoder(os.Stdout)
			enc.SetIndent("", "  ")
			err = enc.Encode(report)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pharosload:", err)
		os.Exit(1)
	}
}

func parse(args []string) (scenario, error) {
	var sc scenario
	flags := flag.NewFlagSet("pharosload", flag.ExitOnError)
	flags.IntVar(&sc.HTTP, "http", 0, "watchers of a page, a fresh connection each")
	flags.BoolVar(&sc.KeepAlive, "keepalive", false, "keep the connections of the -http watchers")
	flags.IntVar(&sc.Exec, "exec", 0, "watchers that run /bin/true")
	flags.IntVar(&sc.Function, "function", 0, "watchers that only compute")
	flags.IntVar(&sc.Hang, "hang", 0, "watchers of a page that never answers")
	flags.DurationVar(&sc.Interval, "interval", time.Second, "interval of every watcher")
	flags.IntVar(&sc.Viewers, "viewers", 1, "viewers that read; the first one measures")
	flags.IntVar(&sc.Stuck, "stuck", 0, "viewers that never read")
	flags.IntVar(&sc.Rate, "stream-rate", 10, "updates a second for each viewer, at most")
	flags.DurationVar(&sc.Reload, "reload", 0, "save the configuration this often; 0 = never")
	flags.DurationVar(&sc.Warmup, "warmup", 7*time.Second, "not measured, first; first runs are spread over 5 s")
	flags.DurationVar(&sc.Duration, "duration", 20*time.Second, "how long to measure")
	flags.BoolVar(&sc.Raw, "raw", false, "measure raw loops too: net/http without keep-alive, a hand-written stream")
	flags.StringVar(&sc.Pharosd, "pharosd", "", "the daemon's binary (default: built from this module)")
	flags.Parse(args) // exits on error
	total := sc.HTTP + sc.Exec + sc.Function + sc.Hang
	switch {
	case flags.NArg() > 0:
		return sc, fmt.Errorf("cannot use argument %q: everything is a flag", flags.Arg(0))
	case total < 1 || total > maxWatchers:
		return sc, fmt.Errorf("cannot run %d watchers: want 1 to %d of -http, -exec, -function and -hang together", total, maxWatchers)
	case sc.Viewers < 1 || sc.Viewers+sc.Stuck > maxViewers:
		return sc, fmt.Errorf("cannot run %d viewers: want 1 to %d", sc.Viewers+sc.Stuck, maxViewers)
	case sc.Duration < time.Second || sc.Duration > maxDuration:
		return sc, fmt.Errorf("cannot measure for %s: want 1s to %s", sc.Duration, maxDuration)
	case sc.Reload > 0 && sc.Reload < time.Second:
		return sc, fmt.Errorf("cannot reload every %s: want 1s or more", sc.Reload)
	}
	return sc, nil
}
