package luaapi

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/meta"
	"pharos/luaapi/vm"
)

var (
	metaFunction = regexp.MustCompile(`(?m)^function ([A-Za-z.]+)[.:]([A-Za-z_]+)\(`)
	metaValue    = regexp.MustCompile(`(?m)^(pharos(?:\.[A-Za-z]+)+) =`)
	metaClass    = regexp.MustCompile(`(?m)^---@class ([A-Za-z.]+)((?:[^\n]*\n---@(?:field|overload)[^\n]*)*)`)
	metaField    = regexp.MustCompile(`---@field ([A-Za-z_0-9]+)\?? ([^\n]*)`)
	metaExample  = regexp.MustCompile("(?s)\n---```lua\n(.*?)\n---```")
)

// documented is every name that the reference has a function or value for.
func documented() map[string]bool {
	names := map[string]bool{"pharos.url": true}
	for _, m := range metaFunction.FindAllStringSubmatch(meta.Reference, -1) {
		names[m[1]+"."+m[2]] = true
	}
	for _, m := range metaValue.FindAllStringSubmatch(meta.Reference, -1) {
		names[m[1]] = true
	}
	return names
}

// documentedFields is what the reference says a class or table has, by its name.
func documentedFields(class string) map[string]string {
	fields := map[string]string{}
	for _, m := range metaClass.FindAllStringSubmatch(meta.Reference, -1) {
		if m[1] != class {
			continue
		}
		for _, f := range metaField.FindAllStringSubmatch(m[2], -1) {
			fields[f[1]] = f[2]
		}
	}
	return fields
}

// hidden are the fields of classes that are how they are made.
var hidden = map[string]bool{"__index": true, "super": true, "class_name": true, "options": true, "init": true, "construct": true}

// provided is every name that a script finds in the table pharos.
func provided(L *lua.LState, prefix string, t *lua.LTable, names map[string]bool) {
	t.ForEach(func(k, v lua.LValue) {
		name := prefix + "." + k.String()
		inner, isTable := v.(*lua.LTable)
		switch {
		case isClass(t) && (hidden[k.String()] || v.Type() != lua.LTFunction):
		case isClass(t) && inherits(L, t, k.String()): // overrides what is documented there
		case isTable:
			names[name] = true
			provided(L, name, inner, names)
		default:
			names[name] = true
		}
	})
}

func inherits(L *lua.LState, class *lua.LTable, method string) bool {
	super, ok := class.RawGetString("super").(*lua.LTable)
	return ok && !isNil(L.GetField(super, method))
}

func (b *testBoard) inLua(f func(L *lua.LState, pharos *lua.LTable)) {
	b.Helper()
	b.URL = "http://127.0.0.1:8811/"
	b.load("metric_watchers = {}")
	err := b.config.scripts[0].universe.Do(context.Background(), func(L *lua.LState) error {
		f(L, L.G.Global.RawGetString("pharos").(*lua.LTable))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// The reference and what scripts can call have the same names.
func TestReferenceNames(t *testing.T) {
	b := newTestBoard(t)
	b.inLua(func(L *lua.LState, pharos *lua.LTable) {
		want := map[string]bool{"pharos.MetricWatcher.state": true} // of instances: each has its own
		provided(L, "pharos", pharos, want)
		for _, object := range []struct {
			name     string
			make     string
			argument lua.LValue
		}{{"Ring", "ring", lua.LNumber(1)}, {"Cache", "cache", lua.LNil}} {
			L.Push(pharos.RawGetString(object.make))
			L.Push(object.argument)
			L.Call(1, 1)
			meta := L.Get(-1).(*lua.LUserData).Metatable.(*lua.LTable)
			provided(L, object.name, meta.RawGetString("__index").(*lua.LTable), want)
		}
		s := b.config.scripts[0]
		f := &CaseFile{}
		globals := L.NewTable()
		f.setUp(s, L, globals)
		provided(L, "test", globals.RawGetString("test").(*lua.LTable), want)
		provided(L, "Case", f.self.Metatable.(*lua.LTable).RawGetString("__index").(*lua.LTable), want)
		provided(L, "Board", s.boardMeta.RawGetString("__index").(*lua.LTable), want)
		provided(L, "Connection", s.connMethods(L).RawGetString("__index").(*lua.LTable), want)
		if diff := cmp.Diff(want, documented()); diff != "" {
			t.Errorf("names (-in Go and builtin +in the reference):\n%s", diff)
		}
	})
}

// Every option of a class is a field of it in the reference, or a method, and
// the other way round.
func TestReferenceClassOptions(t *testing.T) {
	b := newTestBoard(t)
	b.inLua(func(L *lua.LState, pharos *lua.LTable) {
		names := documented()
		for _, c := range builtinClasses {
			class := pharos.RawGetString(c.name).(*lua.LTable)
			options, ok := class.RawGetString("options").(*lua.LTable)
			if !ok {
				continue
			}
			fields := documentedFields("pharos." + c.name)
			options.ForEach(func(k, _ lua.LValue) {
				if _, ok := fields[k.String()]; !ok && !names["pharos."+c.name+"."+k.String()] {
					t.Errorf("option %q of %s is not in the reference", k, c.name)
				}
				delete(fields, k.String())
			})
			for name, text := range fields {
				if !strings.Contains(text, "read only") && !names["pharos.MetricWatcher."+name] { // a derive's check gets a board
					t.Errorf("the reference gives %s an option %q that it does not have", c.name, name)
				}
			}
		}
	})
}

// Every option of a primitive is in the reference, and the other way round.
func TestReferencePrimitiveOptions(t *testing.T) {
	for class, options := range map[string][]string{
		"pharos.ExecOptions": execOptions,
		"pharos.HTTPOptions": httpOptions,
		"pharos.TCPOptions":  exchangeOptions,
		"pharos.TLSOptions":  tlsOptions,
		"pharos.DNSOptions":  dnsOptions,
		"pharos.PingOptions": pingOptions,
		"pharos.Tile":        slices.Collect(maps.Keys(tileFields)),

		"pharos.StreamOptions": execStreamOptions,
		"pharos.SSEOptions":    sseOptions,
		"pharos.LinesOptions":  tcpLinesOptions,

		"pharos.DiscoveryOptions": discoveryOptions,

		"pharos.ExecStub": stubFieldNames(execStub(&probe.ExecResult{})),
		"pharos.HTTPStub": stubFieldNames(httpStub(&probe.HTTPResult{})),
		"pharos.TCPStub":  stubFieldNames(tcpStub(&stubbedConn{})),
		"pharos.TLSStub":  stubFieldNames(tlsStub(&probe.TLSResult{}, &probe.Certificate{})),
		"pharos.DNSStub":  stubFieldNames(dnsStub("", &probe.DNSResult{})),
		"pharos.PingStub": stubFieldNames(pingStub(&probe.PingResult{})),
		"pharos.FileStub": stubFieldNames(fileStub(new([]byte), &probe.FileInfo{})),
	} {
		want := slices.Sorted(slices.Values(options))
		got := slices.Sorted(maps.Keys(documentedFields(class)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-in Go +in the reference):\n%s", class, diff)
		}
	}
}

// Every field of a result is in the reference, and the other way round; those
// that may be missing (marked "?") are all there in this one.
func TestReferenceResults(t *testing.T) {
	b := newTestBoard(t)
	b.inLua(func(L *lua.LState, _ *lua.LTable) {
		s := b.config.scripts[0]
		for class, table := range map[string]*lua.LTable{
			"pharos.Timing":     timingTable(L, &probe.Timing{}),
			"pharos.Answer":     s.answerTable(L, &probe.HTTPResult{RedirectURL: "x", TLS: &probe.TLSInfo{}}),
			"pharos.Handshake":  handshakeTable(L, &probe.TLSResult{VerifyError: "x", Versions: []string{"1.3"}}),
			"pharos.PingResult": pingTable(L, &probe.PingResult{Hint: "x"}),
			"pharos.DNSAnswer":  dnsTable(L, &probe.DNSResult{}),

			"pharos.TLSInfo":     tlsTable(L, &probe.TLSInfo{VerifyError: "x"}),
			"pharos.Certificate": certificateTable(L, &probe.Certificate{}),
		} {
			var want []string
			vm.Plain(table).ForEach(func(k, _ lua.LValue) { want = append(want, k.String()) })
			wantFields(t, class, want)
		}
		records := map[string]bool{}
		for _, kind := range []string{"MX", "SRV", "SOA", "CAA"} {
			vm.Plain(vm.LazyTable(L, recordFields, &probe.DNSRecord{Type: kind, Target: "x", Tag: "issue"})).ForEach(func(k, _ lua.LValue) { records[k.String()] = true })
		}
		wantFields(t, "pharos.DNSRecord", slices.Collect(maps.Keys(records)))
	})
}

func wantFields(t *testing.T, class string, want []string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(documentedFields(class)))); diff != "" {
		t.Errorf("%s (-in Go +in the reference):\n%s", class, diff)
	}
}

// overTLS is a conversation that has all that one may have.
type overTLS struct{ stubConversation }

func (overTLS) TLS() *probe.TLSInfo { return &probe.TLSInfo{} }

// The same of what only a run gives.
func TestReferenceResultsOfRuns(t *testing.T) {
	b := newTestBoard(t)
	b.primitives = fakes{
		exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
			return &probe.ExecResult{Signal: "KILL"}, nil
		},
		dial: func(context.Context, string, probe.TCPRequest) (conversation, error) { return overTLS{}, nil },
	}
	for class, call := range map[string]string{
		"pharos.ExecResult": `pharos.exec("x")`,
		"pharos.TCPResult":  `pharos.tcp("h:1")`,
		"pharos.FileInfo":   `pharos.file.stat(".")`,
	} {
		b.load(`metric_watchers = { pharos.MetricWatcher{ name = "x", check = function()
			local names = {}
			for name in pairs(` + call + `) do names[#names + 1] = name end
			return "ok", table.concat(names, " ")
		end } }`)
		wantFields(t, class, strings.Fields(b.run("x").Value))
	}
}

// The reference names every kind of an error, and tells those apart that say
// nothing of what is watched.
func TestReferenceErrorKinds(t *testing.T) {
	var got []string
	for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(documentedFields("pharos.Error")["kind"], -1) {
		got = append(got, m[1])
	}
	want := append(slices.Clone(stubErrorKinds), string(probe.Ended))
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("kinds (-in Go +in the reference):\n%s", diff)
	}
	critical, unknown, _ := strings.Cut(meta.Reference, "\n--- or unknown, where the kind")
	for _, kind := range want {
		text := critical
		if engine.Blameless(kind) {
			text = unknown
		}
		if !strings.Contains(text, "\n--- - "+kind+": ") {
			t.Errorf("the reference does not have the kind %q where it belongs", kind)
		}
	}
}

// stubWorld answers every primitive as if all were well.
func stubWorld() primitives {
	timing := probe.Timing{Wait: time.Millisecond, Total: 2 * time.Millisecond}
	return fakes{
		exec: func(context.Context, string, probe.ExecRequest) (*probe.ExecResult, error) {
			return &probe.ExecResult{Stdout: []byte("1 42% of 100 | load=1.5s;2;3\n")}, nil
		},
		http: func(_ context.Context, _ string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
			a := answer(200, timing, "42")
			a.Header = http.Header{"Content-Length": {"2"}}
			return a, nil
		},
		dns: func(context.Context, string, probe.DNSRequest) (*probe.DNSResult, error) {
			return &probe.DNSResult{Code: "NOERROR", Records: []probe.DNSRecord{{Type: "A", Data: "192.0.2.1"}}, Timing: timing}, nil
		},
		ping: func(_ context.Context, req probe.PingRequest) (*probe.PingResult, error) {
			return &probe.PingResult{IP: "192.0.2.1", Sent: 3, Received: 3, Avg: time.Millisecond, Via: "raw"}, nil
		},
		dial: func(context.Context, string, probe.TCPRequest) (conversation, error) {
			return stubConversation{}, nil
		},
		lines: func(_ context.Context, sink probe.LineSink) error {
			sink.Up("open")
			sink.Line([]byte(`{"version": "ERROR FLUSHALL oom"}`))
			return &probe.Error{Kind: probe.Ended, Message: "it ended"}
		},
		tls: func(context.Context, string, probe.TLSRequest) (*probe.TLSResult, error) {
			return &probe.TLSResult{Version: "1.3", Verified: true, DaysLeft: 30, ChainDaysLeft: 30, Versions: []string{"1.2", "1.3"},
				Chain: []probe.Certificate{{Subject: "example.com", Issuer: "A CA"}}, Timing: timing}, nil
		},
	}
}

// stubConversation says "220 hello" to everything.
type stubConversation struct{}

func (stubConversation) Send(context.Context, []byte) error { return nil }
func (stubConversation) Expect(context.Context, []byte) ([]byte, error) {
	return []byte("220 hello"), nil
}
func (stubConversation) Line(context.Context) ([]byte, error)      { return []byte("220 hello"), nil }
func (stubConversation) StartTLS(context.Context, string) error    { return nil }
func (stubConversation) Read(context.Context, int) ([]byte, error) { return []byte("220"), nil }
func (stubConversation) Timing() probe.Timing                      { return probe.Timing{Total: time.Millisecond} }
func (stubConversation) Close() error                              { return nil }
func (stubConversation) TLS() *probe.TLSInfo                       { return nil }
func (stubConversation) RemoteIP() string                          { return "192.0.2.1" }

// Every example of the reference runs, in a world where all is well: none is a
// mistake of its script.
func TestReferenceExamples(t *testing.T) {
	examples := metaExample.FindAllStringSubmatch(meta.Reference, -1)
	if len(examples) < 50 {
		t.Fatalf("the reference has %d examples, want at least 50", len(examples))
	}
	for _, m := range examples {
		text := strings.ReplaceAll(strings.TrimPrefix(m[1], "---"), "\n---", "\n")
		b := newTestBoard(t)
		if strings.HasPrefix(text, "test.case(") {
			b.write("pharos.lua", `metric_watchers = {
				pharos.PageGETMetricWatcher{ name = "Front page", url = "http://127.0.0.1/", thresholds = { 0, 0.1, 1 } },
				pharos.CommandMetricWatcher{ name = "disk", command = "df" },
				pharos.MetricWatcher{ name = "app log", quiet = "10m", events = pharos.file.tail("/var/log/app.log", function(self, line)
					if line:find("ERROR") then return "warning" end
				end) } }`)
			b.write("fleet.lua", `metric_watcher_sets = { pharos.WatcherSet("Fleet", function()
				local hosts = {}
				for i, name in ipairs(pharos.json.decode(assert(pharos.http.get("http://127.0.0.1/hosts")).body)) do
					hosts[i] = pharos.PageGETMetricWatcher{ name = name, url = "http://" .. name .. "/" }
				end
				return hosts
			end) }`)
			b.wantCases(b.write("example_test.lua", text))
			continue
		}
		b.primitives = stubWorld()
		b.LookupEnv = func(string) (string, bool) { return "a long secret", true }
		config := text
		if !strings.Contains(text, "metric_watcher") {
			lines := strings.Split(text, "\n")
			if !strings.HasPrefix(lines[len(lines)-1], "return") {
				text += "\nreturn true"
			}
			config = "metric_watchers = { pharos.MetricWatcher{ name = 'example', timeout = 30, check = function(self)\n" + text + "\nend } }"
		}
		if err := b.tryLoad(config); err != nil {
			t.Errorf("loading the example: %v\n%s", err, text)
			continue
		}
		b.runAll(text)
	}
}

// runAll runs every watcher once; none may be a script error.
func (b *testBoard) runAll(text string) {
	b.Helper()
	for _, problem := range b.problems {
		b.Errorf("%s\n%s", problem.Message, text)
	}
	for _, set := range b.found.Sets {
		for _, w := range set.Watchers {
			if got := b.run(w.ID); got.Failure != nil && got.Failure.Kind == "script" {
				b.Errorf("run(%q) = %s\n%s", w.ID, got.Detail, text)
			}
		}
	}
}

// What only the builtin classes use is no name that a message proposes.
func TestInternalNamesAreNotProposed(t *testing.T) {
	b := newTestBoard(t)
	for _, name := range []string{"wher", "sugest", "xyzzy"} {
		err := b.tryLoad("return pharos." + name)
		if err == nil || strings.Contains(err.Error(), "where") || strings.Contains(err.Error(), "suggest,") || !strings.Contains(err.Error(), "valid: Class") {
			t.Errorf("pharos.%s: %v, want the valid names without where and suggest", name, err)
		}
	}
}
