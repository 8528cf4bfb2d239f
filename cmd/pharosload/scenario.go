package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"pharos/engine"
)

// scenario is what to measure.
type scenario struct {
	HTTP      int           `json:"http"`      // watchers of a page, a fresh connection each
	KeepAlive bool          `json:"keepalive"` // keep the connections of those
	Exec      int           `json:"exec"`      // watchers that run /bin/true
	Function  int           `json:"function"`  // watchers that only compute
	Hang      int           `json:"hang"`      // watchers of a page that never answers
	Pad       int           `json:"pad"`       // bytes of detail on each function watcher
	Interval  time.Duration `json:"-"`
	Viewers   int           `json:"viewers"` // that read
	Stuck     int           `json:"stuck"`   // that never read
	Rate      int           `json:"stream_rate"`
	Reload    time.Duration `json:"-"` // save the configuration this often; 0 = never
	Warmup    time.Duration `json:"-"`
	Duration  time.Duration `json:"-"`
	Raw       bool          `json:"raw"`
	Only      string        `json:"-"` // part of the names of the faults to play
	Pharosd   string        `json:"-"`
}

// MarshalJSON writes times as seconds, as the report does.
func (sc scenario) MarshalJSON() ([]byte, error) {
	type plain scenario
	return json.Marshal(struct {
		plain
		Interval float64 `json:"interval"`
		Reload   float64 `json:"reload"`
		Warmup   float64 `json:"warmup"`
		Duration float64 `json:"duration"`
	}{plain(sc), secs(sc.Interval), secs(sc.Reload), secs(sc.Warmup), secs(sc.Duration)})
}

const (
	maxWatchers = 50_000
	maxViewers  = 10_000
	maxDuration = 30 * time.Minute
)

// defaults are the scenario of a command before its flags.
func defaults(word string) scenario {
	sc := scenario{Interval: time.Second, Viewers: 1, Rate: 10, Warmup: 7 * time.Second, Duration: 20 * time.Second}
	switch word {
	case "overload":
		sc.HTTP = 4000 // the first that is offered
	case "soak":
		sc.HTTP, sc.Exec, sc.Function, sc.Hang, sc.Pad = 500, 20, 500, 5, 200
		sc.Viewers, sc.Stuck, sc.Duration = 100, 20, 10*time.Minute
	case "faults":
		sc.HTTP, sc.Function, sc.Viewers, sc.Stuck = 200, 50, 150, 50
		sc.Duration = 10 * time.Second // how long the process is stopped, among others
	}
	return sc
}

func parse(word string, args []string) (scenario, error) {
	sc := defaults(word)
	flags := flag.NewFlagSet("pharosload", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is said once, by who is told of it
	flags.IntVar(&sc.HTTP, "http", sc.HTTP, "watchers of a page, a fresh connection each")
	flags.BoolVar(&sc.KeepAlive, "keepalive", false, "keep the connections of the -http watchers")
	flags.IntVar(&sc.Exec, "exec", sc.Exec, "watchers that run /bin/true")
	flags.IntVar(&sc.Function, "function", sc.Function, "watchers that only compute")
	flags.IntVar(&sc.Hang, "hang", sc.Hang, "watchers of a page that never answers")
	flags.IntVar(&sc.Pad, "pad", sc.Pad, "bytes of detail on each -function watcher")
	flags.DurationVar(&sc.Interval, "interval", sc.Interval, "interval of every watcher")
	flags.IntVar(&sc.Viewers, "viewers", sc.Viewers, "viewers that read; the first one measures")
	flags.IntVar(&sc.Stuck, "stuck", sc.Stuck, "viewers that never read")
	flags.IntVar(&sc.Rate, "stream-rate", sc.Rate, "updates a second for each viewer, at most")
	flags.DurationVar(&sc.Reload, "reload", 0, "save the configuration this often; 0 = never")
	flags.DurationVar(&sc.Warmup, "warmup", sc.Warmup, "not measured, first; first runs are spread over 5 s")
	flags.DurationVar(&sc.Duration, "duration", sc.Duration, "how long to measure")
	flags.BoolVar(&sc.Raw, "raw", false, "measure raw loops too: net/http without keep-alive, a hand-written stream")
	flags.StringVar(&sc.Only, "only", "", "of the faults, those with this in their name")
	flags.StringVar(&sc.Pharosd, "pharosd", "", "the daemon's binary (default: built from this module)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usageText)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return sc, err
	case err != nil:
		return sc, fmt.Errorf("%w; pharosload -h lists the flags", err)
	}
	return sc, sc.check(flags.Args())
}

func (sc *scenario) watchers() int { return sc.HTTP + sc.Exec + sc.Function + sc.Hang }

func (sc *scenario) check(rest []string) error {
	total := sc.watchers()
	switch {
	case len(rest) > 0:
		return fmt.Errorf("cannot use argument %q: everything is a flag", rest[0])
	case min(sc.HTTP, sc.Exec, sc.Function, sc.Hang, sc.Viewers, sc.Stuck) < 0:
		return errors.New("cannot run fewer than 0 watchers or viewers of a kind")
	case sc.Interval < engine.MinInterval:
		return fmt.Errorf("cannot run watchers every %s: want %s or more", sc.Interval, engine.MinInterval)
	case total < 1 || total > maxWatchers:
		return fmt.Errorf("cannot run %d watchers: want 1 to %d of -http, -exec, -function and -hang together", total, maxWatchers)
	case sc.Viewers < 1 || sc.Viewers+sc.Stuck > maxViewers:
		return fmt.Errorf("cannot run %d viewers: want 1 to %d", sc.Viewers+sc.Stuck, maxViewers)
	case sc.Duration < time.Second || sc.Duration > maxDuration:
		return fmt.Errorf("cannot measure for %s: want 1s to %s", sc.Duration, maxDuration)
	case sc.Reload > 0 && sc.Reload < time.Second:
		return fmt.Errorf("cannot reload every %s: want 1s or more", sc.Reload)
	case sc.Pad < 0 || sc.Pad > 2000:
		return fmt.Errorf("cannot pad by %d bytes: want 0 to 2000", sc.Pad)
	}
	return nil
}
