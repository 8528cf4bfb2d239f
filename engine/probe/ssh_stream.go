package probe

import (
	"context"
	"fmt"
)

// Stream is [Runner.Stream] on a host. It holds one of the sessions of a
// connection all the time. The command there is ended, with TERM and after a
// second KILL, when ctx ends or the connection breaks.
func (p *SSHPool) Stream(ctx context.Context, host string, req ExecRequest, sink LineSink) error {
	req.Stdin, req.MaxOutput = nil, streamStderr
	if err := sshValidate(host, &req); err != nil {
		return err
	}
	h, err := p.host(host)
	if err != nil {
		return err
	}
	return h.attempt(ctx, sshSession, func(c *sshConn) error { return c.stream(ctx, req, sink) })
}

// stream runs a command in a session that was acquired, which it gives back.
func (c *sshConn) stream(ctx context.Context, req ExecRequest, sink LineSink) error {
	lines := &lineWriter{line: sink.Line}
	s := c.launch(ctx, &sshRun{
		line: sshStreamCommand(req), killAfter: req.KillAfter, held: true,
		stdout: sshOutput{lines: lines}, stderr: sshOutput{out: execOutput{max: req.MaxOutput}},
		up: func() { sink.Up(fmt.Sprintf("%s runs on %s", req, c.host.name)) },
	})
	over := s.wait(ctx)
	res := s.result() // from here on no line comes
	switch {
	case over:
		return &Error{Kind: Cancelled, Err: ctx.Err(), Message: fmt.Sprintf("running %q on %s: cancelled", req, c.host.name)}
	case s.err == nil:
		lines.flush()
		return streamEnded(fmt.Sprintf("running %q on %s", req, c.host.name), res)
	}
	return c.broke(s, req)
}

// sshStreamCommand makes the command line of a stream. Nobody knows how long it
// will take, so timeout(1) cannot end it: standard input, which is held open,
// ends with the session, and whoever waits for that ends the command's group.
func sshStreamCommand(req ExecRequest) string {
	shell := req.Shell
	if req.Argv != nil {
		shell = "exec " + sshLine(req.Argv)
	}
	req.Shell, req.Argv = "", []string{"sh", "-c", sshLeash, shell}
	return sshCommand(req, sshWrapNone, 0)
}

const sshLeash = `exec 3<&0; trap : TERM
{ trap '' TERM; cat; kill -TERM 0; sleep 1; kill -KILL 0; } <&3 >/dev/null 2>&1 &
sh -c "$0" </dev/null 3<&-; code=$?; exec 3<&-; kill -TERM 0; exit $code`
