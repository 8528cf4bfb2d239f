package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/enginetest"
)

// leaningWall has what needs "wan", which is unknown, and what is derived of
// that. What they come to is there from the start.
func leaningWall(t *testing.T) *wall {
	statuses := map[string]engine.Status{"wan": engine.Unknown, "a": engine.Critical, "b": engine.OK, "c": engine.Warning, "sum": engine.Critical}
	watcher := func(name string, needs ...engine.Pattern) engine.Watcher {
		w := enginetest.Watcher(name, time.Hour, enginetest.Always(statuses[name], "7"))
		w.Needs = needs
		return w
	}
	sum := watcher("sum")
	sum.Derive = &engine.Derive{Of: []engine.Pattern{"a", "b"}}
	w, _ := tcpWall(t, Config{}, engine.Set{Watchers: []engine.Watcher{watcher("wan"), watcher("a", "wan"), watcher("b", "wan"), watcher("c"), sum}})
	for name, status := range statuses {
		if !w.engine.Report(engine.ID(name), engine.Result{Status: status, Value: "7"}) {
			t.Fatalf("Report(%q) = false, want true", name)
		}
	}
	return w
}

// What another watcher's trouble explains is a problem nowhere.
func TestShadowIsNoProblem(t *testing.T) {
	w := leaningWall(t)
	if _, body := w.get(t, "/mood"); body != "unknown\n" {
		t.Errorf("/mood = %q, want unknown: the critical ones are in the shadow", body)
	}
	_, page := w.get(t, "/")
	for _, want := range []string{
		"<title>(1◆ 1▲) Pharos</title>", `href="static/icons/unknown.svg"`, `<span class="n">3</span> in shadow`,
		`<span class="n">0</span> critical`, `class="tile -shadow" id="/a"`, "in the shadow of wan",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page, `class="problem -critical"`) {
		t.Error("the rail has a critical problem, want none")
	}
	_, metrics := w.get(t, "/metrics")
	for _, want := range []string{
		`pharos_watcher_status{id="a",set="",name="a",status="critical"} 0`, `pharos_watcher_shadowed{id="a"} 1`,
		`pharos_watcher_status{id="c",set="",name="c",status="warning"} 1`, `pharos_watcher_shadowed{id="c"} 0`,
		`pharos_watchers{status="critical"} 0`, `pharos_watchers{status="shadowed"} 3`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if _, badge := w.get(t, "/badge/a.svg"); !strings.Contains(badge, ">in the shadow of wan<") || strings.Contains(badge, badgeColours[engine.Critical]) {
		t.Errorf("badge = %s, want it in the shadow of wan", badge)
	}
}

func TestShadowOnTheWire(t *testing.T) {
	w := leaningWall(t)
	var polled struct {
		Watchers []polled `json:"metric_watchers"`
	}
	_, body := w.get(t, "/poll/json")
	if err := json.Unmarshal([]byte(body), &polled); err != nil {
		t.Fatal(err)
	}
	if a := polled.Watchers[1]; a.StatusCritical || a.Status != engine.Critical || a.Shadow != "wan" {
		t.Errorf("polled = %+v, want no flag, critical, in the shadow of wan", a)
	}
	var detail Detail
	_, body = w.get(t, "/api/watchers/a")
	if err := json.Unmarshal([]byte(body), &detail); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]engine.ID{"wan"}, detail.Needs); diff != "" || detail.Shadow != "wan" {
		t.Errorf("shadow, needs of a = %q (-want +got):\n%s", detail.Shadow, diff)
	}
	detail = Detail{}
	_, body = w.get(t, "/api/watchers/sum")
	if err := json.Unmarshal([]byte(body), &detail); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]engine.ID{"a", "b"}, detail.Of); diff != "" || detail.OfTotal != 2 || detail.Shadow != "wan" || detail.Interval != 0 || detail.TTL != 0 {
		t.Errorf("sum: %d in all, shadow %q, of (-want +got):\n%s", detail.OfTotal, detail.Shadow, diff)
	}
}

// A blip that was not confirmed leaves its mark: on the trail, in the count of
// blips, and as the afterglow from when it was over.
func TestFlickerOfWhatIsNotConfirmed(t *testing.T) {
	began := time.Now()
	view := func(confirm engine.Confirm, statuses ...engine.Status) engine.View {
		w := enginetest.Watcher("w", time.Hour, enginetest.Always(engine.OK, ""))
		w.Confirm = confirm
		e := engine.New(engine.Config{Logger: quiet()})
		e.Replace(enginetest.Generation(1, w))
		for _, s := range statuses {
			e.Report("w", engine.Result{Status: s, Detail: "what " + s.String() + " says"})
		}
		v, _ := e.Board().View("w")
		return v
	}
	twice := engine.Confirm{Seen: 2}
	for _, test := range []struct {
		name      string
		view      engine.View
		blips     int
		was, note string
		why       string
	}{
		{"shown at once", view(engine.Confirm{}, engine.OK, engine.Critical, engine.OK), 1, "critical", "1 blip", ""},
		{"held back", view(twice, engine.OK, engine.Critical, engine.OK), 1, "critical", "1 blip", ""},
		{"being confirmed", view(twice, engine.OK, engine.Critical, engine.OK, engine.Warning), 2, "", "warning 1/2", "what warning says"},
		{"confirmed", view(twice, engine.OK, engine.Critical, engine.Critical), 1, "", "1 blip", "what critical says"},
		{"recovering", view(twice, engine.OK, engine.Critical, engine.Critical, engine.OK), 1, "", "ok 1/2", "what ok says"},
		{"recovered", view(twice, engine.OK, engine.Critical, engine.Critical, engine.OK, engine.OK), 1, "critical", "1 blip", ""},
	} {
		tile := newTile(&test.view, time.Now())
		face := newFace(&tile, time.Now())
		if len(tile.Blips) != test.blips || tile.Was != test.was || face.Note != test.note || face.Why != test.why {
			t.Errorf("%s: blips, was, note, why = %d, %q, %q, %q, want %d, %q, %q, %q",
				test.name, len(tile.Blips), tile.Was, face.Note, face.Why, test.blips, test.was, test.note, test.why)
		}
		if test.was != "" && !strings.Contains(face.Classes, "-glow6 -from-critical") {
			t.Errorf("%s: classes = %q, want a fresh afterglow", test.name, face.Classes)
		}
	}
	v := view(twice, engine.OK, engine.Critical, engine.OK)
	v.Since = began.Add(-time.Hour)
	if tile := newTile(&v, time.Now()); tile.Was != "critical" || tile.Recovered < unixTime(began) {
		t.Errorf("an hour after it was first ok: was, recovered = %q, %v, want critical, just now", tile.Was, tile.Recovered)
	}
}
