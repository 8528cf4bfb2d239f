package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// sshLinger is for how long a session may be silent after its command ended
	// before it is taken for one that a background job holds open.
	sshLinger = 100 * time.Millisecond

	// sshLetGo is for how long the other side may keep a session that was closed,
	// or whose command was killed, before its place is used again.
	sshLetGo = 5 * time.Second
)

// sshRun is one command in one session. A goroutine of the pool drives it, and
// goes on until the other side has let go of the session; the caller leaves as
// soon as it knows enough.
type sshRun struct {
	conn      *sshConn
	line      string
	stdin     []byte
	held      bool   // standard input stays open
	up        func() // called when the command runs; nil = nobody asks
	killAfter time.Duration

	stdout, stderr sshOutput
	ended          chan struct{} // closed when there is an exit and all output, or err
	err            error         // why there is no exit; set before ended is closed

	mu       sync.Mutex
	started  time.Time // when the other side was asked to run the command
	accepted bool      // and when it said yes
	exited   time.Time
	code     int
	signal   string
}

// begin starts a command in a session that the caller counted; the count is
// given back when the session is over.
func (c *sshConn) begin(ctx context.Context, line string, stdin []byte, most int, killAfter time.Duration) *sshRun {
	return c.launch(ctx, &sshRun{
		line: line, stdin: stdin, killAfter: killAfter,
		stdout: sshOutput{out: execOutput{max: most}}, stderr: sshOutput{out: execOutput{max: most}},
	})
}

// launch is begin for a run that is made already.
func (c *sshConn) launch(ctx context.Context, s *sshRun) *sshRun {
	s.conn, s.ended, s.code = c, make(chan struct{}), -1
	if !c.host.pool.start(func() { s.drive(ctx) }) {
		s.fail(sshClosed(c.host.name))
	}
	return s
}

// wait returns when the command ended, or reports that ctx did before.
func (s *sshRun) wait(ctx context.Context) (over bool) {
	select {
	case <-s.ended:
		return false
	case <-ctx.Done():
	}
	select {
	case <-s.ended:
		return false
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exited.IsZero()
}

// running reports whether the other side said that it runs the command.
func (s *sshRun) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// result gives what is known by now. What comes later is dropped.
func (s *sshRun) result() *ExecResult {
	s.mu.Lock()
	res := &ExecResult{Code: s.code, Signal: s.signal}
	switch {
	case !s.exited.IsZero():
		res.Elapsed = s.exited.Sub(s.started)
	case !s.started.IsZero():
		res.Elapsed = time.Since(s.started)
	}
	s.mu.Unlock()
	var more bool
	res.Stdout, res.Truncated = s.stdout.take()
	res.Stderr, more = s.stderr.take()
	res.Truncated = res.Truncated || more
	return res
}

func (s *sshRun) fail(err error) {
	s.err = err
	close(s.ended)
}

// drive takes the command through its session.
func (s *sshRun) drive(ctx context.Context) {
	defer s.conn.host.release(s.conn, sshSession)
	answered := s.conn.expect(ctx, s.conn.host.pool.cfg.ConnectTimeout)
	defer answered()
	ch, reqs, err := s.open(ctx)
	if err != nil {
		s.fail(err)
		return
	}
	if ctx.Err() != nil { // nobody waits any more: do not start it
		ch.Close()
		s.fail(ctx.Err())
		s.letGo(ch, reqs)
		return
	}
	streams := make(chan struct{}, 2)
	s.copy(&s.stdout, ch, streams)
	s.copy(&s.stderr, ch.Stderr(), streams)
	s.mu.Lock()
	s.started = time.Now()
	s.mu.Unlock()
	ok, err := ch.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{s.line}))
	answered()
	if err != nil || !ok {
		ch.Close()
		s.fail(s.lost("the host refuses to run a command"))
		s.letGo(ch, reqs)
		return
	}
	s.mu.Lock()
	s.accepted = true
	s.mu.Unlock()
	if s.up != nil {
		s.up()
	}
	s.feed(ch)
	s.follow(ctx, ch, reqs, streams)
}

// open opens a session. One that is refused is asked for once more, because
// sshd frees a session only a little after it said that its command ended.
func (s *sshRun) open(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	ch, reqs, err := s.conn.client.OpenChannel("session", nil)
	var no *ssh.OpenChannelError
	if errors.As(err, &no) {
		select {
		case <-ctx.Done():
			return nil, nil, err
		case <-s.conn.gone:
		case <-time.After(20*time.Millisecond + rand.N(30*time.Millisecond)):
		}
		ch, reqs, err = s.conn.client.OpenChannel("session", nil)
	}
	switch {
	case err == nil:
		return ch, reqs, nil
	case !errors.As(err, &no):
		s.conn.kill(err) // if it did not end by itself; it is no use to anyone
		if cause := s.conn.cause(); cause == errSSHDead {
			return nil, nil, cause
		}
		return nil, nil, fmt.Errorf("%w: %w", errSSHElsewhere, err)
	case s.conn.host.refused(s.conn):
		return nil, nil, fmt.Errorf("%w: %w", errSSHElsewhere, err)
	}
	return nil, nil, err
}

// copy reads one stream to its end.
func (s *sshRun) copy(to *sshOutput, from io.Reader, done chan<- struct{}) {
	pool := s.conn.host.pool
	if !pool.start(func() {
		pool.copy(to, from)
		done <- struct{}{}
	}) {
		done <- struct{}{}
	}
}

// feed writes stdin and ends it.
func (s *sshRun) feed(ch ssh.Channel) {
	if s.held {
		return
	}
	if len(s.stdin) == 0 {
		ch.CloseWrite()
		return
	}
	s.conn.host.pool.start(func() {
		if _, err := ch.Write(s.stdin); err == nil {
			ch.CloseWrite()
		}
	})
}

// follow waits for the exit and the output, then for the session to be closed.
func (s *sshRun) follow(ctx context.Context, ch ssh.Channel, reqs <-chan *ssh.Request, streams <-chan struct{}) {
	if err := s.untilExit(ctx, ch, reqs); err != nil {
		ch.Close()
		s.fail(err)
	} else {
		s.untilQuiet(reqs, streams)
		close(s.ended)
	}
	s.letGo(ch, reqs)
}

// untilExit waits for the command's exit. When ctx ends before, it ends the
// command and gives ctx's error.
func (s *sshRun) untilExit(ctx context.Context, ch ssh.Channel, reqs <-chan *ssh.Request) error {
	done := ctx.Done()
	var kill <-chan time.Time
	for {
		select {
		case req, more := <-reqs:
			if !more {
				return s.lost("the session ended without an exit code")
			}
			if s.note(req) {
				return nil
			}
		case <-done:
			done = nil
			sshSignal(ch, "TERM")
			kill = time.After(s.killAfter)
		case <-kill:
			sshSignal(ch, "KILL")
			return ctx.Err()
		}
	}
}

// untilQuiet waits for the end of both streams, or for a silence that means
// that a background job holds them.
func (s *sshRun) untilQuiet(reqs <-chan *ssh.Request, streams <-chan struct{}) {
	silence := time.NewTicker(sshLinger)
	defer silence.Stop()
	for left, seen := 2, int64(-1); left > 0; {
		select {
		case <-streams:
			left--
		case req, more := <-reqs:
			if !more {
				reqs = nil // both streams end with it
				continue
			}
			s.note(req)
		case <-silence.C:
			now := s.stdout.seen() + s.stderr.seen()
			if now == seen {
				return
			}
			seen = now
		}
	}
}

// letGo stays until the other side closed the session, which it may have done,
// and hurries it if it takes long.
func (s *sshRun) letGo(ch ssh.Channel, reqs <-chan *ssh.Request) {
	timer := time.NewTimer(sshLinger)
	defer timer.Stop()
	for hurried := false; ; {
		select {
		case req, more := <-reqs:
			if !more {
				return
			}
			s.note(req)
		case <-timer.C:
			if hurried {
				// The connection stalls if nobody takes a session's messages.
				s.conn.host.pool.start(func() { ssh.DiscardRequests(reqs) })
				return
			}
			ch.Close()
			hurried = true
			timer.Reset(sshLetGo)
		}
	}
}

// note takes a message of the session in, and reports whether it was the exit.
func (s *sshRun) note(req *ssh.Request) bool {
	if req.WantReply {
		req.Reply(false, nil) // ClientAliveInterval: any answer is one
	}
	code, signal := -1, ""
	switch req.Type {
	case "exit-status":
		var m struct{ Status uint32 }
		if ssh.Unmarshal(req.Payload, &m) != nil {
			return false
		}
		code = int(m.Status)
	case "exit-signal":
		var m struct {
			Signal     string
			CoreDumped bool
			Error      string
			Lang       string
		}
		if ssh.Unmarshal(req.Payload, &m) != nil {
			return false
		}
		signal = m.Signal
	default:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.signal, s.exited = code, signal, time.Now()
	return true
}

// lost says why a session ended early: the connection's reason if that ended.
func (s *sshRun) lost(otherwise string) error {
	select {
	case <-s.conn.gone:
		return &sshLost{s.conn.err}
	case <-time.After(sshLinger): // the session hears of it a moment earlier
		return errors.New(otherwise)
	}
}

// sshLost is the end of the connection in the middle of a command.
type sshLost struct{ cause error }

func (e *sshLost) Error() string { return "connection lost (" + sshReason(e.cause) + ")" }
func (e *sshLost) Unwrap() error { return e.cause }

// sshSignal sends a signal to a session's command. sshd does not pass it on for
// root.
func sshSignal(ch ssh.Channel, name string) {
	ch.SendRequest("signal", false, ssh.Marshal(struct{ Signal string }{name}))
}

// sshOutput keeps a stream's start and end, until they are taken.
type sshOutput struct {
	mu    sync.Mutex
	out   execOutput
	lines *lineWriter // takes the stream instead; nil = nobody does
	taken bool
}

func (o *sshOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.taken {
		return len(p), nil
	}
	if o.lines != nil {
		o.out.seen += int64(len(p))
		return o.lines.Write(p)
	}
	for rest := p; len(rest) > 0; {
		n := copy(o.out.space(), rest)
		o.out.advance(n)
		rest = rest[n:]
	}
	return len(p), nil
}

func (o *sshOutput) seen() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.seen
}

func (o *sshOutput) take() (kept []byte, truncated bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = true
	return o.out.bytes(), o.out.truncated()
}
