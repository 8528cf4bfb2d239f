package main

import (
	"context"
	"os"
	"testing"
	"time"
)

// TestMain lets the test binary play the roles that the harness starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == roleFlag {
		os.Exit(playRole(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

func TestMeasureEverythingAtOnce(t *testing.T) {
	sc, err := parse([]string{"-http", "20", "-exec", "4", "-function", "10", "-hang", "1", "-interval", "500ms",
		"-viewers", "5", "-stuck", "1", "-reload", "1s", "-warmup", "1s", "-duration", "3s", "-raw"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r, err := measure(ctx, sc)
	if err != nil {
		t.Fatal(err)
	}
	// What is counted must be there; how fast it was is no matter of a test.
	for _, row := range []struct {
		name string
		got  float64
	}{
		{"due", r.Due}, {"runs", float64(r.Runs)}, {"target_hits", float64(r.TargetHits)},
		{"rss_mb", r.RSSMB}, {"reloads", float64(r.Reloads)},
		{"viewers.frames", float64(r.Viewers.Frames)}, {"viewers.verdict.count", float64(r.Viewers.Verdict.Count)},
		{"viewers.lateness.count", float64(r.Viewers.Lateness.Count)},
		{"raw.http_cpu_s_per_1000", r.Raw.HTTPCPUPer1000}, {"raw.sse_us_per_frame", r.Raw.SSEMicros},
		{"raw.sse_latency.count", float64(r.Raw.SSELatency.Count)},
	} {
		if row.got <= 0 {
			t.Errorf("%s = %v, want more than 0", row.name, row.got)
		}
	}
	if got, want := r.Viewers.Open, 5; got != want {
		t.Errorf("viewers.open = %d, want %d", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{
		{}, {"-http", "0"}, {"-http", "60000"}, {"-http", "1", "-viewers", "0"},
		{"-http", "1", "-duration", "10ms"}, {"-http", "1", "-reload", "1ms"}, {"-http", "1", "extra"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("parse(%q) = nil error, want one", args)
		}
	}
}

func TestDistribution(t *testing.T) {
	figures := make([]float64, 0, 100)
	for i := 100; i > 0; i-- {
		figures = append(figures, float64(i))
	}
	want := distribution{Count: 100, P50: 51, P99: 100, Max: 100}
	if got := distributionOf(figures); got != want {
		t.Errorf("distributionOf(1..100) = %+v, want %+v", got, want)
	}
	if got := distributionOf(nil); got != (distribution{}) {
		t.Errorf("distributionOf(nil) = %+v, want zero", got)
	}
}
