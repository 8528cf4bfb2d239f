package web

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"pharos/engine"
)

// Bounds of text on the wire, in bytes: no less than what the engine keeps of a
// result.
const (
	maxShortText = 256  // name, value, unit, page tag
	maxDetail    = 2048 // detail and error message of a tile
	maxLink      = 2048
)

// Tile is one watcher as a viewer sees it, written by appendTile. Times are Unix seconds rounded to
// milliseconds, durations are seconds rounded to microseconds.
type Tile struct {
	ID          engine.ID     `json:"id"`
	Name        string        `json:"name"`
	Set         string        `json:"set"`
	Status      engine.Status `json:"status"`
	Value       string        `json:"value"`
	Unit        string        `json:"unit"`
	Detail      string        `json:"detail"`
	Link        string        `json:"link"` // http or https, or empty
	Since       float64       `json:"since"`
	SinceApprox bool          `json:"since_approx"`
	Ended       *float64      `json:"ended"` // null before the first result
	Next        *float64      `json:"next"`
	Elapsed     float64       `json:"elapsed"`
	Interval    float64       `json:"interval"`
	Timeout     float64       `json:"timeout"`
	TTL         float64       `json:"ttl"`
	Stale       bool          `json:"stale"`
	Late        bool          `json:"late"`
	Missed      uint64        `json:"missed"`
	Runs        uint64        `json:"runs"`
	Running     bool          `json:"running"`
	Trail       string        `json:"trail"`           // a letter for each run, oldest first: o w c u
	Blips       []float64     `json:"blips,omitempty"` // when it left ok, in the last five minutes
	Was         string        `json:"was,omitempty"`   // of a tile that recovered in the last minute: the worst that it recovered from
	Timing      []Phase       `json:"timing,omitempty"`
	Error       *TileError    `json:"error,omitempty"`
	Shadow      engine.ID     `json:"shadow,omitempty"`     // in whose shadow it is: no problem, whatever its status
	Confirming  *Confirming   `json:"confirming,omitempty"` // a change of status that is not confirmed yet
	Recovered   float64       `json:"recovered,omitempty"`  // with Was: when it was ok again, if that is not Since
	Cells       []Cell        `json:"cells,omitempty"`      // of a watcher with many vantages: what is seen from each
	Events      *Events       `json:"events,omitempty"`     // of a watcher that is set by events
}

// problem tells whether the tile is one to look at.
func (t *Tile) problem() bool { return t.Status.Problem() && t.Shadow == "" }

// standing is the status that the tile counts as, or "shadow".
func (t *Tile) standing() string {
	if t.Shadow != "" {
		return "shadow"
	}
	return t.Status.String()
}

// Confirming is a change of status that was seen in some runs and takes more.
type Confirming struct {
	Status engine.Status `json:"status"` // of the last run
	Seen   int           `json:"seen"`
	Needed int           `json:"needed"`
}

// Phase is a part of a timed request, and how long it took, in seconds. In JSON
// it is ["connect",0.0012].
type Phase struct {
	Name    string
	Seconds float64
}

// MarshalJSON writes a phase as a pair.
func (p Phase) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{p.Name, p.Seconds}) }

// UnmarshalJSON reads a phase as MarshalJSON writes it.
func (p *Phase) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[2]any{&p.Name, &p.Seconds})
}

// Cell is what a watcher came to from one of its vantages.
type Cell struct {
	Name    string        `json:"name"`
	Status  engine.Status `json:"status"`
	Value   string        `json:"value"`
	Unit    string        `json:"unit"`
	Detail  string        `json:"detail"`
	Elapsed float64       `json:"elapsed"`
}

// Events tells of the stream that a watcher is set by. Such a watcher has an
// interval of 0, and may have a ttl of 0: then it is never stale.
type Events struct {
	Up       bool    `json:"up"`              // the stream is open
	Retry    float64 `json:"retry,omitempty"` // when one that ended is opened again; 0 if it is open, or being opened
	Restarts uint64  `json:"restarts"`
	Count    uint64  `json:"count"`          // events that came
	Dropped  uint64  `json:"dropped"`        // and were not looked at, since they came too fast
	Lost     float64 `json:"lost,omitempty"` // when the last of those was dropped
}

// TileError says why there is no good verdict, and where in a script.
type TileError struct {
	Message string `json:"message"`
	Kind    string `json:"kind"`
	Phase   string `json:"phase"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

// Detail is all that is known of one watcher: /api/watchers/ID.
type Detail struct {
	Tile
	Output      string       `json:"output"`
	Log         []string     `json:"log"`
	Transitions []Transition `json:"transitions"`
	Source      engine.Place `json:"source"`
	SourceLines []SourceLine `json:"source_lines,omitempty"` // with Config.ShowSource only
	SourceAt    engine.Place `json:"source_at,omitzero"`     // the place they are around: of the error if it has one, else of the definition
	Trace       string       `json:"trace"`
	Needs       []engine.ID  `json:"needs,omitempty"`    // whose trouble explains its own
	Of          []engine.ID  `json:"of,omitempty"`       // what it is derived from, the first 200
	OfTotal     int          `json:"of_total,omitempty"` // how many those are in all
}

// Transition is a change of status.
type Transition struct {
	At     float64       `json:"at"`
	From   engine.Status `json:"from"`
	To     engine.Status `json:"to"`
	Value  string        `json:"value"`
	Unit   string        `json:"unit"`
	Detail string        `json:"detail"`
}

// SourceLine is one line of a script.
type SourceLine struct {
	Line int    `json:"line"` // from 1
	Text string `json:"text"`
}

// ConfigState is the configuration that runs, and why a newer one does not.
type ConfigState struct {
	Generation uint64            `json:"generation"`
	LoadedAt   float64           `json:"loaded_at"`
	Error      *engine.LoadError `json:"error"`
}

// Lag tells whether Pharos itself keeps up.
type Lag struct {
	Missed       uint64  `json:"missed"` // ticks dropped since the start
	Late         bool    `json:"late"`
	LateWatchers int     `json:"late_watchers"`
	P99          float64 `json:"p99"` // from due to start, over the last ten seconds
	Max          float64 `json:"max"`
}

// Board is the whole board: the event "board" and /api/board.
type Board struct {
	Rev     uint64      `json:"rev"`
	Boot    string      `json:"boot"` // another one after a restart
	Version string      `json:"version"`
	Page    string      `json:"page"` // another one when the page that this server brings is another: reload
	Host    string      `json:"host"`
	Time    float64     `json:"time"`
	PageTag string      `json:"page_tag"`
	Config  ConfigState `json:"config"`
	Lag     Lag         `json:"lag"`
	Sets    []Set       `json:"sets"`
}

// Set is one section of the board.
type Set struct {
	Name    string `json:"name"`
	Note    string `json:"note,omitempty"`    // of a set that finds its members: that it is looking for them
	Problem string `json:"problem,omitempty"` // why it does not find them, or not all
	Tiles   []Tile `json:"tiles"`
}

// update is the event "update": every tile that changed since the viewer's last.
type update struct {
	Rev   uint64  `json:"rev"`
	Time  float64 `json:"time"`
	Tiles []Tile  `json:"tiles"`
}

// beat is the event "beat", each second: the server lives.
type beat struct {
	Rev        uint64  `json:"rev"`
	Time       float64 `json:"time"`
	Generation uint64  `json:"generation"`
	Lag        Lag     `json:"lag"`
}

func newTile(v *engine.View, now time.Time) Tile {
	r := &v.Result
	t := Tile{
		ID: validID(v.ID), Name: bound(v.Name, maxShortText), Set: bound(v.Set, maxShortText),
		Status: v.Status,
		Value:  bound(r.Value, maxShortText), Unit: bound(r.Unit, maxShortText),
		Detail: bound(r.Detail, maxDetail), Link: safeLink(r.Link),
		Since: unixTime(v.Since), SinceApprox: v.SinceApprox,
		Ended: unixOrNull(v.Ended), Next: unixOrNull(v.Next),
		Elapsed:  seconds(r.Elapsed),
		Interval: seconds(v.Interval), Timeout: seconds(v.Timeout), TTL: seconds(v.TTL),
		Stale: v.Stale(now, v.TTL), Late: v.Late, Missed: v.Missed,
		Runs: v.Runs, Running: v.Running,
		Trail: trail(v.Trail),
	}
	t.Blips, t.Was, t.Recovered = flicker(v, now)
	if v.Shadow != "" {
		t.Shadow = validID(v.Shadow)
	}
	if c := v.Confirming; c.Needed > 0 {
		t.Confirming = &Confirming{c.Status, c.Seen, c.Needed}
	}
	if len(r.Timing) > 0 {
		t.Timing = make([]Phase, 0, len(r.Timing))
	}
	for _, p := range r.Timing {
		t.Timing = append(t.Timing, Phase{Name: bound(p.Name, maxShortText), Seconds: seconds(p.Duration)})
	}
	for _, c := range r.Cells {
		t.Cells = append(t.Cells, Cell{
			Name: bound(c.Name, maxShortText), Status: c.Status, Value: bound(c.Value, maxShortText), Unit: bound(c.Unit, maxShortText),
			Detail: bound(c.Detail, maxShortText), Elapsed: seconds(c.Elapsed),
		})
	}
	if s := v.Source; s != nil {
		t.Events = &Events{
			Up: s.Up, Retry: unixTime(s.Retry), Restarts: s.Restarts,
			Count: s.Events, Dropped: s.Dropped, Lost: unixTime(s.Lost),
		}
	}
	if f := r.Failure; f != nil {
		t.Error = &TileError{
			Message: bound(f.Message, maxDetail), Kind: f.Kind, Phase: f.Phase,
			File: bound(f.File, maxShortText), Line: f.Line,
		}
	}
	return t
}

func validID(id engine.ID) engine.ID { return engine.ID(strings.ToValidUTF8(string(id), "\uFFFD")) }

func newDetail(v *engine.View, now time.Time) Detail {
	d := Detail{
		Tile:        newTile(v, now),
		Output:      bound(v.Result.Output, engine.EvidenceMaxBytes),
		Log:         make([]string, 0, len(v.Result.Log)),
		Transitions: make([]Transition, 0, len(v.Transitions)),
		Source:      v.Place,
	}
	for _, line := range v.Result.Log {
		d.Log = append(d.Log, bound(line, maxDetail))
	}
	for _, t := range v.Transitions {
		d.Transitions = append(d.Transitions, Transition{
			At: unixTime(t.At), From: t.From, To: t.To,
			Value: bound(t.Value, maxShortText), Unit: bound(t.Unit, maxShortText),
			Detail: bound(t.Detail, maxDetail),
		})
	}
	if f := v.Result.Failure; f != nil {
		d.Trace = bound(f.Trace, engine.EvidenceMaxBytes)
	}
	return d
}

// maxKin bounds how many of those that a watcher is derived from are listed.
const maxKin = 200

func (d *Detail) lean(needs, of []engine.ID) {
	for _, id := range needs {
		d.Needs = append(d.Needs, validID(id))
	}
	for _, id := range of[:min(len(of), maxKin)] {
		d.Of = append(d.Of, validID(id))
	}
	d.OfTotal = len(of)
}

func newConfigState(c engine.ConfigState) ConfigState {
	w := ConfigState{Generation: c.Generation, LoadedAt: unixTime(c.LoadedAt)}
	if c.Error != nil {
		w.Error = &engine.LoadError{
			File: bound(c.Error.File, maxShortText), Line: c.Error.Line,
			Message: bound(c.Error.Message, engine.EvidenceMaxBytes),
		}
	}
	return w
}

func newLag(l engine.Lag) Lag {
	return Lag{
		Missed: l.Missed, Late: l.Late, LateWatchers: l.LateWatchers,
		P99: seconds(l.P99), Max: seconds(l.Max),
	}
}

func trail(statuses []engine.Status) string {
	letters := make([]byte, len(statuses))
	for i, s := range statuses {
		letters[i] = s.Letter()
	}
	return string(letters)
}

// bound makes s valid UTF-8 of at most limit bytes; what was cut ends in an
// ellipsis.
func bound(s string, limit int) string {
	const ellipsis = "…"
	if !utf8.ValidString(s) { // seen at eight bytes at once
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	cut := limit - len(ellipsis)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}

// safeLink lets web addresses through and nothing that a browser would run.
func safeLink(link string) string {
	if link == "" || len(link) > maxLink {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return u.String()
}

func unixTime(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func fromUnix(s float64) time.Time { return time.UnixMilli(int64(math.Round(s * 1000))) }

func unixOrNull(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := unixTime(t)
	return &s
}

func seconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1e6
}
