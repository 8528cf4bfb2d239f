package probe

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sshWrap is what the other side has to end a command that outlives its time.
// Closing a session does not end its command, and sshd passes signals on only
// for others than root.
type sshWrap int

const (
	sshWrapNone     sshWrap = iota // no timeout(1), or no shell to find it with
	sshWrapSeconds                 // timeout -k takes whole seconds
	sshWrapFraction                // ... and fractions
)

// sshBackstop is how much later than us the other side ends a command, so that
// it is always us who say "timeout", and the exit code 124 stays the command's.
const sshBackstop = 250 * time.Millisecond

// learn runs the connection's first command, which tells how later ones can be
// ended. It also makes sshd turn Nagle's algorithm off, which it does not do
// for forwardings alone; they would take 40 ms longer. A host that takes no
// sessions is still good for forwarding.
func (c *sshConn) learn(ctx context.Context) sshWrap {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	const fraction, seconds = "pharos-timeout-fraction", "pharos-timeout-seconds"
	script := "if timeout -k 0.1 5.5 true; then echo " + fraction + "; elif timeout -k 1 5 true; then echo " + seconds + "; fi"
	s := c.begin(ctx, "exec sh -c "+sshQuote(script), nil, 4096, DefaultKillAfter)
	s.wait(ctx)
	res := s.result()
	switch {
	case bytes.Contains(res.Stdout, []byte(fraction)):
		return sshWrapFraction
	case bytes.Contains(res.Stdout, []byte(seconds)):
		return sshWrapSeconds
	}
	return sshWrapNone
}

// sshCommand makes the command line for the login shell of the other side,
// whichever that is: plain words, exec and && mean the same to all of them.
// Time left is without limit if it is 0.
func sshCommand(req ExecRequest, wrap sshWrap, left time.Duration) string {
	var b strings.Builder
	if req.Dir != "" {
		dir := req.Dir
		if strings.HasPrefix(dir, "-") {
			dir = "./" + dir
		}
		b.WriteString("cd " + sshQuote(dir) + " && ")
	}
	b.WriteString("exec ")
	if len(req.Env) > 0 {
		b.WriteString("env ")
		for _, e := range req.Env {
			b.WriteString(sshQuote(e) + " ")
		}
	}
	if left > 0 && wrap != sshWrapNone {
		b.WriteString("timeout -k " + wrap.duration(req.KillAfter) + " " + wrap.duration(left+sshBackstop) + " ")
	}
	argv := req.Argv
	switch {
	case argv != nil:
	case sshBackgrounds(req.Shell):
		argv = []string{"sh", "-c", sshSweep, req.Shell}
	default:
		argv = []string{"sh", "-c", req.Shell}
	}
	return b.String() + sshLine(argv)
}

// sshLine makes a line of words.
func sshLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = sshQuote(word)
	}
	return strings.Join(quoted, " ")
}

// sshSweep runs a command and then ends what is left of its process group, as
// closing the session would not. It costs a process, so it is for commands that
// may leave something.
const sshSweep = `trap : TERM; sh -c "$0"; code=$?; kill -TERM 0; exit $code`

// sshBackgrounds reports whether a command may start a background job: there is
// an & in it that is no part of &&, >& or &>.
func sshBackgrounds(shell string) bool {
	padded := " " + shell + " "
	for i := 1; i < len(padded)-1; i++ {
		if padded[i] == '&' && !strings.ContainsRune("&<>", rune(padded[i-1])) && !strings.ContainsRune("&>", rune(padded[i+1])) {
			return true
		}
	}
	return false
}

// duration is d as timeout(1) takes it, never less.
func (w sshWrap) duration(d time.Duration) string {
	if w == sshWrapSeconds {
		return strconv.Itoa(int((d + time.Second - 1) / time.Second))
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
}

// sshValidate completes a request, or says why it cannot be done on a host.
func sshValidate(host string, req *ExecRequest) *Error {
	misuse := func(format string, args ...any) *Error {
		return &Error{Kind: Misuse, Message: fmt.Sprintf("running %q on %s: ", *req, host) + fmt.Sprintf(format, args...)}
	}
	if (len(req.Argv) == 0) == (req.Shell == "") {
		return misuse("want either an argv or a shell command")
	}
	if req.User != "" {
		return misuse("a user cannot be chosen over ssh: look from %s@%s instead", req.User, host)
	}
	if req.Argv != nil && (strings.HasPrefix(req.Argv[0], "-") || len(req.Env) > 0 && strings.Contains(req.Argv[0], "=")) {
		return misuse("the program's name would be taken for an option or a variable there")
	}
	size := 0
	for _, word := range slices.Concat([]string{req.Shell, req.Dir}, req.Argv, req.Env) {
		if strings.IndexByte(word, 0) >= 0 {
			return misuse("a NUL byte cannot be passed to a command")
		}
		size += len(word)
	}
	if size > sshMaxLine {
		return misuse("the command has %d bytes, more than %d: pass them as stdin", size, sshMaxLine)
	}
	for _, e := range req.Env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" || strings.HasPrefix(name, "-") {
			return misuse("environment %q: want NAME=value", e)
		}
	}
	req.setDefaults()
	return nil
}
