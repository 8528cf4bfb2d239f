package main

import (
	"math"
	"slices"
	"time"
)

// report is what pharosload prints. Times are seconds.
type report struct {
	Scenario    scenario `json:"scenario"`
	Due         float64  `json:"due"`  // runs that the schedule asked for
	Runs        int64    `json:"runs"` // runs made
	RunsPerSec  float64  `json:"runs_per_s"`
	Made        float64  `json:"made"`   // runs / due
	Missed      int64    `json:"missed"` // ticks that the daemon counted as dropped
	CPUPer1000  float64  `json:"cpu_s_per_1000_runs"`
	Cores       float64  `json:"cores"`
	RSSMB       float64  `json:"rss_mb"` // highest seen
	Threads     int      `json:"threads"`
	FDsBefore   int      `json:"fds_before"` // before the viewers came
	FDsAfter    int      `json:"fds_after"`  // after they left
	ReadyIn     float64  `json:"ready_in_s"` // start to every watcher's first result
	StopIn      float64  `json:"stop_in_s"`
	Reloads     int      `json:"reloads"`
	BytesViewer float64  `json:"bytes_per_viewer_per_s"`
	TargetHits  int64    `json:"target_hits"`
	LogLines    int64    `json:"log_lines"` // of the daemon: warnings and changes of status

	Viewers viewersResult `json:"viewers"`
	Raw     *rawReport    `json:"raw,omitempty"`
}

// rawReport holds the raw loops of the same call beside the daemon's figures.
type rawReport struct {
	HTTPCPUPer1000 float64      `json:"http_cpu_s_per_1000,omitempty"` // net/http without keep-alive
	HTTPRatio      float64      `json:"http_ratio,omitempty"`          // the daemon's CPU to it
	SSEMicros      float64      `json:"sse_us_per_frame,omitempty"`    // hand-written stream, per frame and viewer
	SSELatency     distribution `json:"sse_latency"`
}

// distribution sums up many figures.
type distribution struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

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

func secs(d time.Duration) float64 { return round(d.Seconds(), 3) }
