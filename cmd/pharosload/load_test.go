package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
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

// What cannot be measured is refused before anything starts.
func TestScenarioIsChecked(t *testing.T) {
	for args, want := range map[string]string{
		"-function 1 -interval 0s": "cannot run watchers every 0s: want 50ms or more",
		"-function 9 -http -5":     "cannot run fewer than 0",
		"-function 1 -stuck -1":    "cannot run fewer than 0",
		"":                         "cannot run 0 watchers",
	} {
		if _, err := parse("load", strings.Fields(args)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("parse(%q) = %v, want %s", args, err, want)
		}
	}
}

func TestMeasureEverythingAtOnce(t *testing.T) {
	sc, err := parse("load", []string{"-http", "20", "-exec", "4", "-function", "10", "-hang", "1", "-interval", "500ms",
		"-viewers", "5", "-stuck", "1", "-reload", "1s", "-warmup", "1s", "-duration", "3s", "-raw"})
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()                                         // children die with it
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // building alone takes minutes on a busy machine
	defer cancel()
	if sc.Pharosd, err = build(ctx, t.TempDir()); err != nil {
		t.Fatal(err)
	}
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

// What came of a fault is noted. Whether it was in time is no matter of a test:
// a busy machine is late.
func TestFaultsAreNoted(t *testing.T) {
	if testing.Short() {
		t.Skip("faults take their time")
	}
	runtime.LockOSThread()
	sc := defaults("faults")
	sc.HTTP, sc.Function = 20, 5
	var err error
	if sc.Pharosd, err = build(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.HasPrefix(f.name, "1,000 requests") && !strings.HasPrefix(f.name, "end with") {
			continue
		}
		r := &faultReport{Fault: f.name, Figures: make(map[string]float64)}
		if err := f.suffer(t.Context(), sc, r); err != nil || len(r.Figures) == 0 {
			t.Errorf("%s: %v, figures %v; want figures", f.name, err, r.Figures)
		}
		t.Logf("%s: %v, wrong: %q", f.name, r.Figures, r.Wrong)
	}
}

func TestWantTellsWhatIsWrong(t *testing.T) {
	r := &faultReport{Figures: make(map[string]float64)}
	r.want(true, "cut", 50)
	r.want(false, "missed", 3)
	if len(r.Wrong) != 1 || r.Wrong[0] != "missed is 3" || r.Figures["cut"] != 50 {
		t.Errorf("want() noted %v, wrong %q; want both figures, and only that missed is 3", r.Figures, r.Wrong)
	}
}

// Whoever runs the faults by a script is told by the exit code.
func TestVerdict(t *testing.T) {
	good, bad := &faultReport{}, &faultReport{Wrong: []string{"missed is 3"}}
	if err := verdict([]*faultReport{good, good}); err != nil {
		t.Errorf("verdict of two good ones = %v, want nil", err)
	}
	if err := verdict([]*faultReport{good, bad}); !errors.As(err, &wrongError{}) {
		t.Errorf("verdict of a good and a bad one = %v, want a wrongError", err)
	}
}

// All times of a report are seconds, those of its scenario too.
func TestScenarioJSON(t *testing.T) {
	text, err := json.Marshal(scenario{HTTP: 1, Interval: 1500 * time.Millisecond, Duration: time.Minute})
	if err != nil || !strings.Contains(string(text), `"interval":1.5,`) || !strings.Contains(string(text), `"duration":60}`) || !strings.Contains(string(text), `"http":1,`) {
		t.Errorf("a scenario as JSON = %s, %v, want its fields, times in seconds", text, err)
	}
}

func TestTargetAnswers(t *testing.T) {
	for _, tt := range []struct {
		request     string
		page, whole bool
	}{
		{"GET /p/1 HTTP/1.1\r\nHost: x\r\n\r\n", true, true},
		{"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n", false, true},
		{"GET /p/1 HTTP/1.1\r\nHost:", false, false},
	} {
		if page, whole := answered([]byte(tt.request)); page != tt.page || whole != tt.whole {
			t.Errorf("answered(%q) = %v, %v, want %v, %v", tt.request, page, whole, tt.page, tt.whole)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{
		{}, {"-http", "0"}, {"-http", "60000"}, {"-http", "1", "-viewers", "0"},
		{"-http", "1", "-duration", "10ms"}, {"-http", "1", "-reload", "1ms"}, {"-http", "1", "extra"},
	} {
		if _, err := parse("load", args); err == nil {
			t.Errorf("parse(%q) = nil error, want one", args)
		}
	}
}

// What was never measured is 0: JSON has no other figure for it, and a report
// with one that is none would be lost.
func TestReportOfNothing(t *testing.T) {
	r := &report{Raw: &rawReport{HTTPCPUPer1000: 1, SSEMicros: 1}}
	r.compare()
	over := &overloadReport{Twice: &report{}}
	over.step(scenario{HTTP: 50, Interval: 2 * time.Second}, &report{})
	over.compare()
	crowd := (&crowd{from: time.Now()}).result([]*viewer{{}})
	for _, report := range []any{r, over, crowd} {
		if _, err := json.Marshal(report); err != nil {
			t.Errorf("encoding %+v: %v, want none", report, err)
		}
	}
	if got := over.Steps[0].Offered; got != 25 {
		t.Errorf("offered = %v, want 25", got)
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
