package probe

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// execShellTests are commands and how they may be run: plain (no shell),
// simple (exec before it) or "" (the shell as it is).
var execShellTests = []struct{ command, how string }{
	{"printenv LANG", "plain"},
	{"  printenv   LANG\t", "plain"},
	{"id", "plain"},
	{"/usr/bin/printf %s%% a=b c@d:e,f+g -h", "plain"},
	{"env A=1 printenv A", "plain"},
	{"sort --reverse /etc/hostname", "plain"},
	{"/usr/bin/printf '%s|' 'a b' \"c  d\" e\\ f", "simple"},
	{"/usr/bin/printf '%s|' $HOME \"$HOME x\" $NOSUCH", "simple"},
	{"/usr/bin/printf '%s|' ';' \"a;b|c&d\" 'a\nb'", "simple"},
	{"/usr/bin/printf x 2>&1 >/dev/null", "simple"},
	{"sort < /etc/hostname", "simple"},
	{"cat /etc/host*name", "simple"},
	{"/usr/bin/printf '%s|' [a-z] ? ~ !", "simple"},
	{"cat /no/such/file", "plain"},
	{"sort < /no/such/file", "simple"},

	{"printenv LANG; printenv LANG", ""},
	{"printenv LANG && printenv LANG", ""},
	{"printenv LANG & wait", ""},
	{"printenv LANG | cat", ""},
	{"printenv LANG\nprintenv LANG", ""},
	{"/usr/bin/printf %s $(printenv LANG)", ""},
	{"/usr/bin/printf %s `printenv LANG`", ""},
	{"/usr/bin/printf %s \"$(printenv LANG)\"", ""},
	{"/usr/bin/printf %s \"`printenv LANG`\"", ""},
	{"/usr/bin/printf %s ${NOSUCH:-a}", ""},
	{"/usr/bin/printf %s \"${NOSUCH:-a;b}\"", ""},
	{"/usr/bin/printf %s $#", ""},
	{"/usr/bin/printf %s a # b", ""},
	{"/usr/bin/printf %s 'a", ""},
	{"/usr/bin/printf %s \"a", ""},
	{"/usr/bin/printf %s a\\", ""},
	{"/usr/bin/true a &>/dev/null", ""},
	{"/usr/bin/printf %s a >&file", ""},
	{"/usr/bin/printf %s a\\\n b", ""},
	{"cat << E\nhi\nE", ""},
	{"A=1 printenv A", ""},
	{"A=1", ""},
	{"echo a\\\\b", ""},
	{"printf %s a", ""},
	{"exit 3", ""},
	{"cd / && pwd", ""},
	{". /dev/null", ""},
	{"[ a = a ]", ""},
	{"! true", ""},
	{"{ printenv LANG; }", ""},
	{"(printenv LANG)", ""},
	{"if true; then printenv LANG; fi", ""},
	{"'printenv' LANG", ""},
	{"$SHELL", ""},
	{"~/x", ""},
	{"no-such-program-here a", ""},
	{"no-such-program-here 'a'", ""},
	{"/no/such/program a", "plain"},
	{" ", ""},
	{"#", ""},
}

func TestExecShellRule(t *testing.T) {
	var r Runner
	r.once.Do(r.init)
	for _, tt := range execShellTests {
		plan, err := r.plan(ExecRequest{Shell: tt.command})
		if err != nil {
			t.Errorf("plan(%q) = %v, want no error", tt.command, err)
			continue
		}
		how := "plain"
		if plan.path == execShell {
			how = ""
			if strings.HasPrefix(plan.argv[2], "exec ") {
				how = "simple"
			}
		}
		if how != tt.how {
			t.Errorf("plan(%q) runs %q, want %q", tt.command, plan.argv, tt.how)
		}
	}
}

// TestExecShellSame compares with the shell given as an argv, which the rule
// does not touch.
func TestExecShellSame(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range execShellTests {
		got, err := new(Runner).Exec(t.Context(), ExecRequest{Shell: tt.command})
		if err != nil {
			t.Errorf("Exec(%q) = %v, want no error", tt.command, err)
			continue
		}
		want, err := new(Runner).Exec(t.Context(), ExecRequest{Argv: []string{execShell, "-c", tt.command}})
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range []*ExecResult{got, want} { // dash names exec in its messages
			res.Stderr = []byte(strings.ReplaceAll(string(res.Stderr), "exec: ", ""))
		}
		if diff := cmp.Diff(want, got, execUntimed, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Exec(%q) (-shell +got):\n%s", tt.command, diff)
		}
	}
}

// TestExecShellScript: what has no #! is run by the shell, as the shell does.
func TestExecShellScript(t *testing.T) {
	script := filepath.Join(t.TempDir(), "check")
	execWrite(t, script, "echo \"$1\"; exit 2\n", 0o755)
	for _, command := range []string{script + " a", script + " 'a'"} {
		res, err := new(Runner).Exec(t.Context(), ExecRequest{Shell: command})
		if err != nil || res.Code != 2 || string(res.Stdout) != "a\n" {
			t.Errorf("Exec(%q) = %+v, %v, want a and code 2", command, res, err)
		}
	}
}

func TestExecEnvironment(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("PHAROS_SECRET", "hush")
	t.Setenv("TZ", "Asia/Tokyo")
	res, err := new(Runner).Exec(t.Context(), ExecRequest{Argv: []string{"env"}, Env: []string{"ADDED=1"}})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(res.Stdout)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	for _, name := range []string{"PATH", "HOME", "PWD"} {
		if env[name] == "" {
			t.Errorf("%s is empty, want it set", name)
		}
	}
	for _, name := range []string{"PATH", "HOME", "PWD", "USER", "LOGNAME"} {
		delete(env, name)
	}
	want := map[string]string{"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "ADDED": "1"}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("the environment of a command (-want +got):\n%s", diff)
	}
}
