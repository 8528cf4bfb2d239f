package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

func TestRestore(t *testing.T) {
	tests := []struct {
		name   string
		gap    time.Duration // since the last run of the process before
		status engine.Status // of the first result
		kept   bool
		approx bool
	}{
		{"short gap", 2 * time.Second, engine.Critical, true, false},
		{"long gap", time.Hour, engine.Critical, true, true},
		{"other status", 2 * time.Second, engine.OK, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				since := time.Now().Add(-5 * time.Hour)
				e := serve(t, engine.Config{}, enginetest.Watcher("w", time.Second, enginetest.Always(test.status, "")))
				e.Restore(map[engine.ID]engine.Saved{"w": {Status: engine.Critical, Since: since, Ended: time.Now().Add(-test.gap)}})
				if v := view(t, e, "w"); v.Status != engine.Pending {
					t.Fatalf("before the first run: status = %v, want pending", v.Status)
				}
				time.Sleep(1500 * time.Millisecond)
				v := view(t, e, "w")
				if got := v.Since.Equal(since); got != test.kept || v.SinceApprox != test.approx {
					t.Errorf("since = %v, approx = %v, want the saved one = %v, approx %v", v.Since, v.SinceApprox, test.kept, test.approx)
				}
				if got := e.Board().Save()["w"]; got.Approx != test.approx || !got.Since.Equal(v.Since) || got.Status != test.status {
					t.Errorf("Save() = %+v, want what is on the board", got)
				}
			})
		})
	}
}

func TestSaveKeepsWhatHasNotRun(t *testing.T) {
	saved := map[engine.ID]engine.Saved{
		"w":     {Status: engine.Warning, Since: time.Unix(100, 0), Ended: time.Unix(200, 0), Approx: true},
		"never": {Status: engine.OK, Since: time.Unix(100, 0), Ended: time.Unix(200, 0)},
	}
	e := engine.New(engine.Config{})
	e.Restore(saved)
	e.Replace(enginetest.Generation(1, enginetest.Watcher("w", time.Minute, enginetest.Always(engine.OK, ""))))
	want := map[engine.ID]engine.Saved{"w": saved["w"]}
	if diff := cmp.Diff(want, e.Board().Save()); diff != "" {
		t.Errorf("Save() (-want +got):\n%s", diff)
	}
}
