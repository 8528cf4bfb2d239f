package main

import (
	"math"
	"slices"
	"time"
)

// report is what pharosload prints. Times are seconds.
type report struct {
	Scenario    scenario   `json:"scenario"`
	Due         float64    `json:"due"`  // runs that the schedule asked for
	Runs        int64      `json:"runs"` // runs made
	RunsPerSec  float64    `json:"runs_per_s"`
	Made        float64    `json:"made"`                // runs / due
	Missed      int64      `json:"missed"`              // ticks that the daemon counted as dropped
	CPUPer1000  float64    `json:"cpu_s_per_1000_runs"` // of the daemon, without the commands that it runs
	Cores       float64    `json:"cores"`               // the same
	TargetCores float64    `json:"target_cores"`        // of the target, which shares the machine
	ViewerCores float64    `json:"viewer_cores"`        // of the viewers, all together
	RSSMB       float64    `json:"rss_mb"`              // highest seen
	Threads     int        `json:"threads"`
	Before      restingSum `json:"before"`     // the viewers came
	After       restingSum `json:"after"`      // they left
	ReadyIn     float64    `json:"ready_in_s"` // start to every watcher's first result
	StopIn      float64    `json:"stop_in_s"`
	Reloads     int        `json:"reloads"`
	ReloadMax   float64    `json:"reload_max_s"`               // save to taken
	SSEMicros   float64    `json:"sse_us_per_frame,omitempty"` // all of the daemon's processor time, for each frame and viewer
	StuckCut    int        `json:"stuck_cut"`                  // stuck viewers that the daemon let go of
	StuckCutIn  float64    `json:"stuck_cut_in_s"`             // from their coming to the last one's cut, 0 if not all were
	BytesViewer float64    `json:"bytes_per_viewer_per_s"`
	TargetHits  int64      `json:"target_hits"`
	LogLines    int64      `json:"log_lines"` // of the daemon: warnings and changes of status

	Viewers viewersResult `json:"viewers"`
	Raw     *rawReport    `json:"raw,omitempty"`
}

// rawReport holds the raw loops of the same call beside the daemon's figures.
type rawReport struct {
	HTTPCPUPer1000  float64      `json:"http_cpu_s_per_1000,omitempty"` // net/http without keep-alive
	HTTPRatio       float64      `json:"http_ratio,omitempty"`          // the daemon's CPU to it
	SSEMicros       float64      `json:"sse_us_per_frame,omitempty"`    // hand-written stream, per frame and viewer
	SSERatio        float64      `json:"sse_ratio,omitempty"`           // the daemon's to it
	SSELatency      distribution `json:"sse_latency"`
	SSELatencyRatio float64      `json:"sse_latency_ratio,omitempty"` // of the 99th percentiles
}

// distribution sums up many figures.
type distribution struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// distributionOf sums figures up. The quantile q is the least of them that more
// than that part of all do not exceed: of few it is the highest.
func distributionOf(figures []float64) distribution {
	if len(figures) == 0 {
		return distribution{}
	}
	slices.Sort(figures)
	at := func(q float64) float64 {
		return round(figures[min(int(q*float64(len(figures))), len(figures)-1)], 6)
	}
	return distribution{Count: len(figures), P50: at(0.50), P99: at(0.99), Max: at(1)}
}

func round(f float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(f*scale) / scale
}

// ratio gives 0 for what cannot be compared: JSON has no figure for it.
func ratio(a, b float64, digits int) float64 {
	if b == 0 {
		return 0
	}
	return round(a/b, digits)
}

func secs(d time.Duration) float64 { return round(d.Seconds(), 3) }
