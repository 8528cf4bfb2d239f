package luaapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// seen loads a board, puts results on it and runs the watcher "it" there.
func (b *testBoard) seen(text string, results map[engine.ID]engine.Result) engine.Result {
	b.Helper()
	b.load(text)
	e := engine.New(engine.Config{})
	e.Replace(b.config.Generation)
	for id, r := range results {
		if !e.Report(id, r) {
			b.Fatalf("no watcher %q", id)
		}
	}
	result, ok := e.Once(b.Context(), "it")
	if !ok {
		b.Fatal("no watcher it")
	}
	return result
}

const derivedBoard = `
local function db(name) return pharos.CommandMetricWatcher{ name = name, command = "true" } end
metric_watchers = { pharos.derive{ name = "it", of = { "databases.*", "front_page" }, %s }, db("front page"), db("else") }
metric_watcher_sets = { pharos.WatcherSet("Databases", { db("a"), db("b"), db("c") }) }
`

func TestDerive(t *testing.T) {
	results := map[engine.ID]engine.Result{
		"databases.a": {Status: engine.OK, Value: "3", Unit: "ms", Detail: "well"},
		"databases.b": {Status: engine.Critical, Value: "refused", Detail: "nobody there"},
		"databases.c": {Status: engine.OK, Value: "4.5"},
		"else":        {Status: engine.Unknown, Value: "100"},
	}
	for _, test := range []struct{ options, want string }{
		{`check = function(board) return board:count("ok") >= 2, board:count("pending") end`, "ok  1"},
		{`check = function(board) return board:total(), ("%.2f"):format(board:ratio("ok")) end, thresholds = { 9, 0, 1 }`, "critical 4 0.50"},
		{`check = function(board) return board:worst() end`, "critical b "},
		{`check = function(board) return board:sum() end, unit = "ms"`, "ok 7.5 2"},
		{`check = function(board, self) return self:warning(board:get("databases.a").value, self.name) end`, "warning 3 it"},
		{`check = function(board)
			local all = {}
			for id, tile in board:each() do
				all[#all + 1] = id .. "=" .. tile.status .. "/" .. tostring(tile.value) .. tile.unit .. "/" .. tostring(tile.shadow)
			end
			return "ok", #all, table.concat(all, " ")
		end`, "ok 4 front_page=pending/nil/nil databases.a=ok/3ms/nil databases.b=critical/refused/nil databases.c=ok/4.5/nil"},
		{`check = function(board)
			local ok, err = pcall(getmetatable(board:get("databases.a")).__index, pharos.ring(1), "value")
			return "ok", ok, tostring(err):match("want.*")
		end`, "ok false want a tile, as board:get gives)"},
		{`check = function(board) return "ok", 1, table.concat({ board:worst(2) }, " ") end`, "ok 1 critical b"},
		{`check = function(board) local ok, err = pcall(board.worst, board, 0) return "ok", ok, err:match("want.*") end`, "ok false want how many to name, 1 to 20)"},
		{`link = "http://127.0.0.1/"`, "critical 2/4 b"}, // the worst, by default
		{`check = function(board) return "ok", (pharos.status("else")), (select(3, pharos.status("databases.b"))) end`, "ok unknown nobody there"},
	} {
		b := newTestBoard(t)
		got := b.seen(fmt.Sprintf(derivedBoard, test.options), results)
		if text := fmt.Sprintf("%s %s %s", got.Status, got.Value, got.Detail); text != test.want {
			t.Errorf("derive{ %s } = %s, want %s", test.options, text, test.want)
		}
	}
}

// A derive names those that are in trouble, the worst first, and counts those
// that it has no room for.
func TestDeriveNamesWhoIsInTrouble(t *testing.T) {
	ok, warning, critical := engine.Result{Status: engine.OK}, engine.Result{Status: engine.Warning}, engine.Result{Status: engine.Critical}
	for _, test := range []struct {
		results []engine.Result
		want    string
	}{
		{[]engine.Result{ok, ok, ok, ok, ok, ok}, "ok 6/6 "},
		{[]engine.Result{ok, warning, ok, ok, ok, ok}, "warning 5/6 b"},
		{[]engine.Result{warning, ok, critical, ok, warning, critical}, "critical 2/6 c, f, a, e"},
		{[]engine.Result{warning, ok, critical, warning, warning, critical}, "critical 1/6 c, f, a, d and 1 more"},
		{[]engine.Result{warning, {Status: engine.Unknown}, warning, warning, warning, critical}, "critical 0/6 f, b, a, c and 2 more"},
	} {
		results := map[engine.ID]engine.Result{}
		for i, r := range test.results {
			results[engine.ID("all."+string(rune('a'+i)))] = r
		}
		got := newTestBoard(t).seen(`
			local all = {}
			for name in ("abcdef"):gmatch(".") do all[#all + 1] = pharos.CommandMetricWatcher{ name = name, command = "true" } end
			metric_watchers = { pharos.derive{ name = "it", of = "all.*" } }
			metric_watcher_sets = { pharos.WatcherSet("All", all) }`, results)
		if text := fmt.Sprintf("%s %s %s", got.Status, got.Value, got.Detail); text != test.want {
			t.Errorf("derived from %v: %s, want %s", test.results, text, test.want)
		}
	}
}

func TestStatusOfAnother(t *testing.T) {
	b := newTestBoard(t)
	got := b.seen(`metric_watchers = {
		pharos.MetricWatcher{ name = "it", check = function(self)
			local status, value, detail = pharos.status("other")
			return status, value + 1, detail
		end },
		pharos.CommandMetricWatcher{ name = "other", command = "true" },
	}`, map[engine.ID]engine.Result{"other": {Status: engine.Warning, Value: "6", Detail: "so so"}})
	if got.Status != engine.Warning || got.Value != "7" || got.Detail != "so so" {
		t.Errorf("result = %v %q %q, want warning 7 so so", got.Status, got.Value, got.Detail)
	}
}

// A derive of a set that has found nobody yet is not asked: "0 of 0 are up, so
// all is well" would be green.
func TestDeriveOfNobody(t *testing.T) {
	b := newTestBoard(t)
	b.load(`
metric_watchers = { pharos.derive{ name = "it", of = "fleet.*", check = function(board)
	return board:count("ok") == board:total() and "ok" or "critical"
end } }
metric_watcher_sets = { pharos.WatcherSet("Fleet", function() return nil, "no registry" end) }`)
	e := engine.New(engine.Config{})
	e.Replace(b.config.Generation)
	got, _ := e.Once(b.Context(), "it")
	want := "nobody that it is derived from was found yet"
	if got.Status != engine.Unknown || got.Value != "nobody" || got.Detail != want {
		t.Errorf("result = %v %q %q, want unknown nobody %q", got.Status, got.Value, got.Detail, want)
	}
}

// Mistakes while a derived check runs are the script's, told with their line.
func TestDeriveMistakes(t *testing.T) {
	for _, test := range []struct{ check, want string }{
		{`board:count("green")`, `cannot count "green" (did you mean "ok"? valid: critical, ok, pending, unknown, warning)`},
		{`board:counts("ok")`, `cannot use board.counts: there is no such name (did you mean "count"?`},
		{`board.count("ok")`, "call its methods with a colon"},
		{`board:get("else")`, `cannot get "else": it is none of those`},
		{`return (board:get("databases.a").valeu)`, `no such field (did you mean "value"?`},
		{`board:get("databases.a").value = 3`, "it is another watcher's"},
		{`local id = "databases.aa" return pharos.status(id)`, `there is no watcher "databases.aa" (did you mean "databases.a"?`},
		{`return "ok", 1, { agian = 1 }`, `check returned the option "agian" (did you mean "again"?`},
		{`return "ok", 1, { again = "1s" }`, `only a watcher with an interval can ask for its next run`},
	} {
		b := newTestBoard(t)
		got := b.seen(fmt.Sprintf(derivedBoard, "check = function(board) "+test.check+" end"), nil)
		if got.Status != engine.Unknown || !strings.Contains(got.Detail, test.want) || !strings.Contains(got.Detail, "pharos.lua:3") {
			t.Errorf("check %s = %v %s, want unknown, pharos.lua:3 and %s", test.check, got.Status, got.Detail, test.want)
		}
	}
}

func TestLeaningMistakes(t *testing.T) {
	for _, test := range []struct{ options, want string }{
		{`needs = "gatewya"`, `(did you mean "s.gateway"?`},
		{`needs = "wna"`, `pharos.lua:2: cannot use option "needs" of "a": there is no watcher "wna" (did you mean "wan"? valid: a, s.b, s.gateway, wan)`},
		{`needs = "b"`, `did you mean "s.b"?`},
		{`needs = { "wan", "x.*" }`, `the pattern "x.*" matches no watcher`},
		{`needs = "a"`, `it needs itself`},
		{`needs = {}`, "want 1 to 1000 ids"},
		{`needs = { a = 1 }`, `want a list of ids, got the name "a"`},
		{`needs = { 3 }`, "got a number at place 1"},
		{`needs = ""`, "none of them empty"},
		{`needs = 3`, "want string or table, got number"},
		{`confirm = 0`, "want a whole number from 1 to 60"},
		{`confirm = 61`, "want a whole number from 1 to 60"},
		{`confirm = 1.5`, "want a whole number"},
		{`confirm = { 3, of = 2 }`, "3 of 2 runs is more than there are"},
		{`confirm = { of = 2 }`, "how often it must be seen comes first"},
		{`confirm = { 2, off = 3 }`, `want { 2, of = 3 }, got "off"`},
		{`of = "b"`, `cannot use option "of" of MetricWatcher`},
	} {
		b := newTestBoard(t)
		err := b.tryLoad(`metric_watchers = {
pharos.MetricWatcher{ name = "a", ` + test.options + ` }, pharos.MetricWatcher{ name = "wan" } }
metric_watcher_sets = { pharos.WatcherSet("s", { pharos.MetricWatcher{ name = "b", needs = "a" }, pharos.MetricWatcher{ name = "gateway" } }) }`)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "pharos.lua:2: ") {
			t.Errorf("%s: error = %v, want pharos.lua:2: and %s", test.options, err, test.want)
		}
	}
	b := newTestBoard(t)
	err := b.tryLoad(`metric_watchers = {
		pharos.MetricWatcher{ name = "a", needs = "b" },
		pharos.MetricWatcher{ name = "b", needs = "a" } }`)
	if want := `pharos.lua:3: cannot use option "needs" of "b": it leans on itself: b -> a -> b`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %s", err, want)
	}
	for _, test := range []struct{ options, want string }{
		{``, `cannot make a derive without of`},
		{`of = "x"`, `cannot use option "of" of "d": there is no watcher "x"`},
		{`of = "d"`, "it is derived from itself"},
		{`of = { "*" }, interval = "1s"`, `cannot use option "interval" of a derive: it runs when what it is derived from changes`},
		{`of = { "*" }, confirm = 2`, `cannot use option "confirm" of a derive`},
		{`of = { "*" }, events = pharos.exec.stream("x", print)`, `cannot use option "events" of a derive`},
		{`off = { "*" }`, `(did you mean "of"?`},
		{`of = { "a", "e" }`, "it leans on itself: e -> d -> e"},
	} {
		b := newTestBoard(t)
		err := b.tryLoad(`metric_watchers = { pharos.MetricWatcher{ name = "a" },
pharos.derive{ name = "d", ` + test.options + ` }, pharos.derive{ name = "e", of = "d" } }`)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "pharos.lua:2: ") {
			t.Errorf("derive{ %s }: error = %v, want pharos.lua:2: and %s", test.options, err, test.want)
		}
	}
}

// Who passes on how another is passes on that this has had no result yet: that
// is no error of the script.
func TestPendingIsPassedOn(t *testing.T) {
	for _, it := range []string{
		`pharos.MetricWatcher{ name = "it", check = function() return pharos.status("other") end }`,
		`pharos.derive{ name = "it", of = "other", check = function(board) return { status = board:get("other").status } end }`,
	} {
		b := newTestBoard(t)
		text := `metric_watchers = { pharos.CommandMetricWatcher{ name = "other", command = "true" }, ` + it + ` }`
		if got := b.seen(text, nil); got.Status != engine.Pending || got.Failure != nil {
			t.Errorf("%s: status, failure = %v, %v, want pending, none", it, got.Status, got.Failure)
		}
		if got := b.seen(text, map[engine.ID]engine.Result{"other": {Status: engine.OK}}); got.Status != engine.OK {
			t.Errorf("%s: with the other ok: status = %v, want ok", it, got.Status)
		}
	}
}

// What pharos.status asks for is looked for when the file loads, where it is
// written out; in a comment, or of a table of that name, it means nothing.
func TestStatusOfNobody(t *testing.T) {
	board := `metric_watchers = { pharos.CommandMetricWatcher{ name = "front", command = "true" },
pharos.MetricWatcher{ name = "it", check = function()
  %s
end } }`
	for ask, want := range map[string]string{
		`return pharos.status("fornt")`:   `pharos.lua:3: cannot ask for the status of "fornt": there is no such watcher (did you mean "front"? valid: front, it)`,
		`return (pharos.status "web.it")`: `pharos.lua:3: cannot ask for the status of "web.it"`,
		`return pharos.status("front")`:   "",
		`-- pharos.status("fornt")
  return true`: "",
		`local pharos = { status = function() end } return pharos.status("fornt")`: "",
		`local id = "fornt" return pharos.status(id)`:                              "",
	} {
		b := newTestBoard(t)
		err := b.tryLoad(fmt.Sprintf(board, ask))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error = %v, want %q", ask, err, want)
		}
	}
}

func TestLeaningOptions(t *testing.T) {
	b := newTestBoard(t)
	b.load(`metric_watchers = {
		pharos.MetricWatcher{ name = "a", needs = "wan", confirm = 2 },
		pharos.MetricWatcher{ name = "b", needs = { "wan", "s.*" }, confirm = { 2, of = 3 } },
		pharos.MetricWatcher{ name = "wan" },
		pharos.derive{ name = "d", of = { "a", "s.*" }, timeout = "1s" },
	}
	metric_watcher_sets = { pharos.WatcherSet("s", { pharos.MetricWatcher{ name = "c" } }) }`)
	type options struct {
		Needs   []engine.Pattern
		Confirm engine.Confirm
		Derive  *engine.Derive
	}
	for id, want := range map[engine.ID]options{
		"a": {Needs: []engine.Pattern{"wan"}, Confirm: engine.Confirm{Seen: 2}},
		"b": {Needs: []engine.Pattern{"wan", "s.*"}, Confirm: engine.Confirm{Seen: 2, Of: 3}},
		"d": {Derive: &engine.Derive{Of: []engine.Pattern{"a", "s.*"}}},
	} {
		w := b.watcher(id)
		if diff := cmp.Diff(want, options{w.Needs, w.Confirm, w.Derive}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

// How a watcher leans on others makes it what it is; who leans on it does not.
func TestLeaningIsDefinition(t *testing.T) {
	const board = `metric_watchers = {
		pharos.MetricWatcher{ name = "wan" }, pharos.MetricWatcher{ name = "a" %s }, pharos.derive{ name = "d", of = %s },
	}`
	b := newTestBoard(t)
	b.load(fmt.Sprintf(board, "", `"a"`))
	for _, test := range []struct {
		options, of string
		changed     string
	}{
		{``, `"a"`, ""},
		{`, needs = "wan"`, `"a"`, "a"},
		{`, needs = "w*"`, `"a"`, "a"},
		{`, needs = "w*", confirm = 2`, `"a"`, "a"},
		{`, needs = "w*", confirm = { 2, of = 3 }`, `"a"`, "a"},
		{`, needs = "w*", confirm = { 2, of = 3 }`, `{ "a", "wan" }`, "d"},
		{``, `"wan"`, "a d"},
	} {
		before := b.definitions()
		b.load(fmt.Sprintf("\n"+board, test.options, test.of))
		var changed []string
		for _, id := range []engine.ID{"wan", "a", "d"} {
			if b.definitions()[id] != before[id] {
				changed = append(changed, string(id))
			}
		}
		if got := strings.Join(changed, " "); got != test.changed {
			t.Errorf("a{ %s } and of = %s: changed %q, want %q", test.options, test.of, got, test.changed)
		}
	}
}
