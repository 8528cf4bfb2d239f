package probe

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Exec runs a command on a host until it ends or ctx does.
//
// It is [Runner.Exec] seen from the other side of a connection: the same
// request and result, with these differences. Argv[0] is looked up by the login
// of the other side, whose environment the command has, with Env laid over it;
// a program that is not there is exit code 127, as the shell there says. User
// must be "". Stdin nil is an empty one.
//
// When ctx ends first the command gets TERM and after KillAfter KILL, through
// the connection and by timeout(1) if the host has that, and Exec returns at
// once, as [Runner.Exec] does, with what was written so far. An error of kind
// [Timeout] then means that the command ran; if the host itself does not answer
// the kind is [Vantage].
//
// A background job that a Shell command leaves is ended, with TERM; one that a
// program leaves by itself is not, as usual with ssh. Neither is waited for.
func (p *SSHPool) Exec(ctx context.Context, host string, req ExecRequest) (*ExecResult, error) {
	if err := sshValidate(host, &req); err != nil {
		return nil, err
	}
	h, err := p.host(host)
	if err != nil {
		return nil, err
	}
	asked := time.Now()
	var res *ExecResult
	err = h.attempt(ctx, sshSession, func(c *sshConn) (err error) {
		queued := time.Since(asked)
		if res, err = c.exec(ctx, req); res != nil {
			res.Queued = queued
		}
		return err
	})
	return res, err
}

// errSSHElsewhere marks the error of a command that was certainly not started,
// because the connection had ended unnoticed or took no further session: it can
// be run on another one without running twice.
var errSSHElsewhere = errors.New("not started here")

// exec runs a command in a session that was acquired, which it gives back.
func (c *sshConn) exec(ctx context.Context, req ExecRequest) (*ExecResult, error) {
	var left time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		left = max(time.Until(deadline), time.Millisecond)
	}
	s := c.begin(ctx, sshCommand(req, c.wrap, left), req.Stdin, req.MaxOutput, req.KillAfter)
	over := s.wait(ctx)
	res := s.result()
	switch {
	case over:
		return res, c.overdue(ctx, s, req, res.Elapsed)
	case s.err == nil:
		return res, nil
	case s.started.IsZero() || c.host.pool.ctx.Err() != nil:
		res = nil
	}
	return res, c.broke(s, req)
}

// broke is the error of a command of which no exit came.
func (c *sshConn) broke(s *sshRun, req ExecRequest) error {
	switch {
	case c.host.pool.ctx.Err() != nil:
		return sshClosed(c.host.name)
	case s.started.IsZero():
		return c.host.errorf(Vantage, s.err, "cannot run a command: %s", sshReason(s.err))
	}
	return c.host.errorf(Vantage, s.err, "%v while %q ran", s.err, req)
}

// overdue is the error of a command that ctx ended.
func (c *sshConn) overdue(ctx context.Context, s *sshRun, req ExecRequest, elapsed time.Duration) error {
	err := ctx.Err()
	if !errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Cancelled, Err: err, Message: fmt.Sprintf("running %q on %s: cancelled", req, c.host.name)}
	}
	if !s.running() || c.doubtful() {
		return c.host.errorf(Vantage, err, "the host does not answer")
	}
	return &Error{Kind: Timeout, Err: err, Message: fmt.Sprintf(
		"running %q on %s: not finished after %s", req, c.host.name, elapsed.Round(time.Millisecond))}
}
