package probe

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSSHExec(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	tests := []struct {
		name string
		req  ExecRequest
		want ExecResult
	}{
		{"output", ExecRequest{Shell: "echo out; echo err >&2"}, ExecResult{Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{"argv", ExecRequest{Argv: []string{"printf", "%s|", "a b", "$HOME", `it's`, `\n`, "", "*", "ü"}},
			ExecResult{Stdout: []byte(`a b|$HOME|it's|\n||*|ü|`)}},
		{"exit code", ExecRequest{Shell: "exit 7"}, ExecResult{Code: 7}},
		{"exit 124 is the command's own", ExecRequest{Shell: "exit 124"}, ExecResult{Code: 124}},
		{"signal", ExecRequest{Shell: "kill -9 $$"}, ExecResult{Code: -1, Signal: "KILL"}},
		{"stdin", ExecRequest{Argv: []string{"cat"}, Stdin: []byte("a\x00b\xff")}, ExecResult{Stdout: []byte("a\x00b\xff")}},
		{"no stdin is an empty one", ExecRequest{Argv: []string{"cat"}}, ExecResult{}},
		{"dir", ExecRequest{Shell: "pwd", Dir: "/usr"}, ExecResult{Stdout: []byte("/usr\n")}},
		{"env", ExecRequest{Shell: `printf %s "$A$B"`, Env: []string{"A=it's $x", "B=\nü"}}, ExecResult{Stdout: []byte("it's $x\nü")}},
		{"background job", ExecRequest{Shell: "sleep 12 & echo hi"}, ExecResult{Stdout: []byte("hi\n")}},
		{"background job of a program", ExecRequest{Argv: []string{"sh", "-c", "sleep 12 & echo hi"}}, ExecResult{Stdout: []byte("hi\n")}},
		{"background job and code", ExecRequest{Shell: "sleep 12 & cat; exit 7", Stdin: []byte("in")}, ExecResult{Code: 7, Stdout: []byte("in")}},
		{"capped", ExecRequest{Shell: "printf 0123456789", MaxOutput: 4},
			ExecResult{Stdout: []byte("01\n[... 6 bytes left out ...]\n89"), Truncated: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Exec(sshWithin(t, time.Minute), "web-3", tt.req)
			if err != nil {
				t.Fatalf("Exec(%q) = %v, want no error", tt.req, err)
			}
			got.Elapsed, got.Queued = 0, 0
			if diff := cmp.Diff(&tt.want, got, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
				t.Errorf("Exec(%q): -want +got\n%s", tt.req, diff)
			}
		})
	}
}

func TestSSHExecMissingProgram(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	got, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Argv: []string{"no-such-program"}})
	if err != nil || got.Code != 127 || !strings.Contains(string(got.Stderr), "no-such-program") {
		t.Errorf("Exec(no-such-program) = %+v, %v, want code 127 and its name on stderr", got, err)
	}
}

func TestSSHExecTimeoutEndsTheRemoteTree(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	for i, shell := range []string{
		"echo begun; sleep %[1]s",
		"echo begun; sleep %[1]s & sleep %[1]s | cat",
		"echo begun; trap '' TERM; sleep %[1]s; sleep %[1]s",
	} {
		word := fmt.Sprintf("%d.%d", 7000+i, os.Getpid())
		shell = fmt.Sprintf(shell, word)
		if _, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Argv: []string{"true"}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		got, err := p.Exec(sshWithin(t, 1500*time.Millisecond), "web-3", ExecRequest{Shell: shell})
		if took := time.Since(began); took > sshDeadBy {
			t.Errorf("Exec(%q) took %v, want 1.5s", shell, took)
		}
		if KindOf(err) != Timeout || got == nil || string(got.Stdout) != "begun\n" {
			t.Errorf("Exec(%q) = %+v, %v, want kind timeout and what was written", shell, got, err)
		}
		eventually(t, "the end of "+shell, func() bool { return sshRunning(word) == 0 })
	}
}

func TestSSHExecEndsBackgroundJobs(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	word := fmt.Sprintf("7777.%d", os.Getpid())
	for _, shell := range []string{"sleep %s & echo hi", "sleep %s >/dev/null 2>&1 & echo hi", "(sleep %s | cat) & echo hi"} {
		res, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Shell: fmt.Sprintf(shell, word)})
		if err != nil || string(res.Stdout) != "hi\n" {
			t.Errorf("Exec(%q) = %+v, %v, want hi", shell, res, err)
		}
		eventually(t, "the end of "+shell, func() bool { return sshRunning(word) == 0 })
	}
}

func TestSSHBackgrounds(t *testing.T) {
	for shell, want := range map[string]bool{
		"a & b": true, "a &": true, "a&": true, "& a": true, "a && b & c": true,
		"a && b": false, "a 2>&1": false, "a &> b": false, "a <&3": false, "": false,
	} {
		if got := sshBackgrounds(shell); got != want {
			t.Errorf("sshBackgrounds(%q) = %v, want %v", shell, got, want)
		}
	}
}

func TestSSHExec200Parallel(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	ctx := sshWithin(t, time.Minute)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			got, err := p.Exec(ctx, "web-3", ExecRequest{Shell: fmt.Sprint("echo ", i)})
			if want := fmt.Sprintln(i); err != nil || string(got.Stdout) != want {
				t.Errorf("Exec(echo %d) = %+v, %v, want %q", i, got, err, want)
			}
		})
	}
	wg.Wait()
	h, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.conns); n < 1 || n > sshConns {
		t.Errorf("200 parallel runs made %d connections, want 1 to %d", n, sshConns)
	}
}
