package probe

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNagios(t *testing.T) {
	zero, hundred := 0.0, 100.0
	for _, tt := range []struct {
		name, in string
		want     NagiosOutput
	}{
		{"nothing", "", NagiosOutput{}},
		{"text only", "OK: hi\n", NagiosOutput{Text: "OK: hi"}},
		{"no newline", "OK", NagiosOutput{Text: "OK"}},
		{"all fields", "PING OK - fine|rta=0.303000ms;100.0;@200:300;0.000000;100 pl=0%;20;~:50;0;\n", NagiosOutput{Text: "PING OK - fine", Perf: []NagiosMetric{
			{Label: "rta", Value: 0.303, Known: true, Unit: "ms", Warn: "100.0", Crit: "@200:300", Min: &zero, Max: &hundred},
			{Label: "pl", Value: 0, Known: true, Unit: "%", Warn: "20", Crit: "~:50", Min: &zero},
		}}},
		{"blanks around the bar, semicolon at the end", "LOAD | load1=6.170;5;9;0; load5=2.950;5;9;0; \n", NagiosOutput{Text: "LOAD", Perf: []NagiosMetric{
			{Label: "load1", Value: 6.17, Known: true, Warn: "5", Crit: "9", Min: &zero},
			{Label: "load5", Value: 2.95, Known: true, Warn: "5", Crit: "9", Min: &zero},
		}}},
		{"a path as label, bytes", "DISK| /=18904776704B;;;0", NagiosOutput{Text: "DISK", Perf: []NagiosMetric{
			{Label: "/", Value: 18904776704, Known: true, Unit: "B", Min: &zero}}}},
		{"quoted labels", "X|'it''s me'=1s 'a=b c'=2 ''=3 'open=4", NagiosOutput{Text: "X", Perf: []NagiosMetric{
			{Label: "it's me", Value: 1, Known: true, Unit: "s"}, {Label: "a=b c", Value: 2, Known: true}}}},
		{"undetermined", "X|a=U;1;2 b=3", NagiosOutput{Text: "X", Perf: []NagiosMetric{
			{Label: "a", Warn: "1", Crit: "2"}, {Label: "b", Value: 3, Known: true}}}},
		{"decimal comma", "X|a=0,25s;1,5;2,5;0,0;100", NagiosOutput{Text: "X", Perf: []NagiosMetric{
			{Label: "a", Value: 0.25, Known: true, Unit: "s", Warn: "1,5", Crit: "2,5", Min: &zero, Max: &hundred}}}},
		{"numbers", "X|a=-1 b=+2.5e3c c=.5 d=1e e=1E-3%", NagiosOutput{Text: "X", Perf: []NagiosMetric{
			{Label: "a", Value: -1, Known: true}, {Label: "b", Value: 2500, Known: true, Unit: "c"}, {Label: "c", Value: .5, Known: true},
			{Label: "d", Value: 1, Known: true, Unit: "e"}, {Label: "e", Value: 0.001, Known: true, Unit: "%"}}}},
		{"not performance data", "X|some words =1 a= b=x c=1", NagiosOutput{Text: "X", Perf: []NagiosMetric{
			{Label: "c", Value: 1, Known: true}}}},
		{"many lines", "DISK OK|a=1\r\n / 15272 MB\n /boot 68 MB\n /var 819 MB | b=2\nc=3\nd=4;5 e=6\n", NagiosOutput{Text: "DISK OK", Long: " / 15272 MB\n /boot 68 MB\n /var 819 MB", Perf: []NagiosMetric{
			{Label: "a", Value: 1, Known: true}, {Label: "b", Value: 2, Known: true}, {Label: "c", Value: 3, Known: true},
			{Label: "d", Value: 4, Known: true, Warn: "5"}, {Label: "e", Value: 6, Known: true}}}},
		{"blank lines", "OK\n\nlong\n\n", NagiosOutput{Text: "OK", Long: "long"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseNagios(tt.in)); diff != "" {
				t.Errorf("ParseNagios(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// TestNagiosPlugins runs real plugins twice, barely and through Exec and
// ParseNagios, and compares what they said and what became of it.
func TestNagiosPlugins(t *testing.T) {
	const dir = "/usr/lib/nagios/plugins"
	if _, err := os.Stat(dir + "/check_dummy"); err != nil {
		execMissing(t, "Debian's monitoring-plugins-basic")
	}
	web := httptest.NewServer(http.FileServerFS(os.DirFS(t.TempDir())))
	t.Cleanup(web.Close)
	host, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	closed := nagiosClosedPort(t)
	file := filepath.Join(t.TempDir(), "file")
	execWrite(t, file, "line\n", 0o644)
	execWrite(t, file+".old", "line\n", 0o644) // check_log compares with it

	for _, tt := range []struct {
		command string
		code    int
		perf    string // labels and units
		long    bool
	}{
		{"check_dummy 0 fine", 0, "", false},
		{"check_dummy 1 'a | b=2s'", 1, "b=s", false},
		{"check_dummy 2 down", 2, "", false},
		{"check_dummy 3", 3, "", false},
		{"negate -o CRITICAL " + dir + "/check_dummy 0 fine", 2, "", false},
		{"urlize http://127.0.0.1 " + dir + "/check_dummy 1 x", 1, "", false},
		{"check_load -w 1000,1000,1000 -c 2000,2000,2000", 0, "load1= load5= load15=", false},
		{"check_load -w 0,0,0 -c 1000,1000,1000 -r", -1, "load1= scaled_load1= load5= scaled_load5= load15= scaled_load15=", false},
		{"check_disk -w 1 -c 1 -p /", 0, "/=B", false},
		{"check_procs -w 1:100000", 0, "procs=", false},
		{"check_procs -c 0:0 -m VSZ", 2, "procs= procs_warn= procs_crit=", false},
		{"check_swap -w 1% -c 1%", -1, "swap=B", false},
		{"check_users -w 1000 -c 2000", 0, "users=", false},
		{"check_file_age -w 1000 -c 2000 -f " + file, 0, "age=s size=B", false},
		{"check_file_age -f " + file + ".no", 2, "", false},
		{"check_log -F " + file + " -O " + file + ".old -q nothing", 0, "", false},
		{"check_cluster -s -l x -d 0,1,2 -c 0", 2, "", false},
		{"check_tcp -H " + host + " -p " + port, 0, "time=s", false},
		{"check_tcp -H 127.0.0.1 -p " + closed, 2, "", false},
		{"check_http -I " + host + " -p " + port + " -t 3", 0, "time=s size=B", false},
		{"check_http -I " + host + " -p " + port + " -u /none", 1, "time=s size=B", false},
		{"check_smtp -H 127.0.0.1 -p " + closed, 2, "time=s", true},
		{"check_time -H 127.0.0.1 -p " + closed, 3, "", true},
		{"check_ssh -p " + closed + " 127.0.0.1", 2, "", false},
		{"check_clamd -H 127.0.0.1 -p " + closed, 2, "", false},
		{"check_ping -H 127.0.0.1 -w 1000,50% -c 2000,80% -p 1", 0, "rta=ms pl=%", false},
		{"check_mrtg", 3, "", true},
		{"check_no_such_plugin", 127, "", false},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			command := dir + "/" + tt.command
			bare := exec.Command("/bin/sh", "-c", command)
			bare.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
			want, _ := bare.Output()
			res, err := new(Runner).Exec(t.Context(), ExecRequest{Shell: command})
			if err != nil {
				t.Fatalf("Exec(%q) = %v, want no error", command, err)
			}
			if code := bare.ProcessState.ExitCode(); res.Code != code || tt.code >= 0 && code != tt.code {
				t.Errorf("Exec(%q).Code = %d, by itself %d, want %d", command, res.Code, code, tt.code)
			}
			if diff := cmp.Diff(nagiosNoDigits(string(want)), nagiosNoDigits(string(res.Stdout))); diff != "" {
				t.Errorf("Exec(%q).Stdout, digits left out (-by itself +got):\n%s", command, diff)
			}
			nagiosCheckParsed(t, string(res.Stdout), tt.perf, tt.long)
		})
	}
}

func nagiosCheckParsed(t *testing.T, raw, perf string, long bool) {
	t.Helper()
	out := ParseNagios(Clean([]byte(raw)))
	line, _, _ := strings.Cut(raw, "\n")
	text, _, _ := strings.Cut(line, "|")
	if out.Text != strings.TrimSpace(text) {
		t.Errorf("ParseNagios(%q).Text = %q, want %q", raw, out.Text, strings.TrimSpace(text))
	}
	if got := out.Long != ""; got != long {
		t.Errorf("ParseNagios(%q).Long = %q, want some: %t", raw, out.Long, long)
	}
	labels := make([]string, len(out.Perf))
	for i, m := range out.Perf {
		labels[i] = m.Label + "=" + m.Unit
		if !m.Known || math.IsNaN(m.Value) {
			t.Errorf("ParseNagios(%q): %s has no value", raw, m.Label)
		}
	}
	if got := strings.Join(labels, " "); got != perf {
		t.Errorf("ParseNagios(%q).Perf = %s, want %s", raw, got, perf)
	}
}

var nagiosDigits = regexp.MustCompile(`[0-9.]+`)

func nagiosNoDigits(s string) string { return nagiosDigits.ReplaceAllString(s, "#") }

// nagiosClosedPort gives a port that nobody listens on.
func nagiosClosedPort(t *testing.T) string { return httpPort(httpRefused(t)) }

func FuzzParseNagios(f *testing.F) {
	for _, s := range []string{"OK|a=1", "X|'it''s'=U;@1:2;~:3;0;1\nlong|b=2,5ms\nc=1e3", "|", "a\n\n|'", "X|=1 ;; '=' a==b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := ParseNagios(in)
		if len(out.Perf) > nagiosMostMetrics {
			t.Errorf("ParseNagios gives %d metrics, want at most %d", len(out.Perf), nagiosMostMetrics)
		}
		if strings.ContainsAny(out.Text, "|\n") || strings.Contains(out.Long, "|") {
			t.Errorf("ParseNagios(%q) = text %q, long %q, want no bar left", in, out.Text, out.Long)
		}
		for _, m := range out.Perf {
			if m.Label == "" || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) || strings.ContainsAny(m.Unit+m.Warn+m.Crit, "; \t\n") {
				t.Errorf("ParseNagios(%q) gives %+v", in, m)
			}
			quoted := fmt.Sprintf("x|'%s'=%v%s;%s;%s", strings.ReplaceAll(m.Label, "'", "''"), m.Value, m.Unit, m.Warn, m.Crit)
			if again := ParseNagios(quoted).Perf; m.Known && !strings.ContainsAny(m.Label, "|\n\r") && (len(again) != 1 || again[0].Label != m.Label || again[0].Value != m.Value) {
				t.Errorf("ParseNagios(%q) = %+v, want %+v again", quoted, again, m)
			}
		}
	})
}
