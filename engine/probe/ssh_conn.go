package probe

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// A peer is asked for a sign of life once it has been silent for sshQuiet
	// while something waits on it, for sshIdleQuiet otherwise, and is dead when
	// it gives none for sshPatience. Together less than 3 s.
	sshQuiet     = 500 * time.Millisecond
	sshPatience  = 2 * time.Second
	sshIdleQuiet = 15 * time.Second

	// sshDoubt is the age of an unanswered question from which on a run that
	// times out is no longer blamed on its command.
	sshDoubt = 200 * time.Millisecond
)

var (
	errSSHIdle  = errors.New("not used any more")
	errSSHDead  = errors.New("the host does not answer")
	errSSHStuck = errors.New("all that was left on it the host neither answers nor closes")
)

// sshConn is one connection.
type sshConn struct {
	host   *sshHost
	addr   string
	client *ssh.Client
	base   *sshTraffic
	wrap   sshWrap

	sessions int  // guarded by host.mu
	limit    int  // guarded by host.mu
	retired  bool // guarded by host.mu: takes no new work
	left     int  // guarded by host.mu: sessions and forwardings that nobody waits for, and that do not begin or end

	users atomic.Int32  // sessions and forwardings
	waits atomic.Int32  // those of them that wait for the peer
	since atomic.Int64  // when waits last became more than none, or users none
	asked atomic.Int64  // when the unanswered keepalive was sent, 0 if there is none
	kick  chan struct{} // wakes the monitor

	once sync.Once
	err  error         // why it ended; set before gone is closed
	gone chan struct{} // closed when it ended
}

// sshTraffic notes when the peer was last heard of.
type sshTraffic struct {
	net.Conn
	epoch time.Time
	heard atomic.Int64 // since epoch
	over  atomic.Bool  // nothing more will be heard; set before any channel comes to its end by that
}

func (t *sshTraffic) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.heard.Store(t.now())
	}
	if err != nil {
		t.over.Store(true)
	}
	return n, err
}

// now is at least 1.
func (t *sshTraffic) now() int64 { return int64(time.Since(t.epoch)) + 1 }

// take counts a user in; give counts it out. The caller holds host.mu.
func (c *sshConn) take(use sshUse) {
	if use == sshSession {
		c.sessions++
	}
	c.users.Add(1)
	c.await()
}

// await counts a user among those that wait for the peer.
func (c *sshConn) await() {
	if c.waits.Add(1) == 1 {
		c.since.Store(c.base.now())
		c.wake()
	}
}

func (c *sshConn) give(use sshUse) {
	if use == sshSession {
		c.sessions--
	}
	if use != sshCarry {
		c.waits.Add(-1)
	}
	if c.users.Add(-1) == 0 {
		c.since.Store(c.base.now())
	}
}

// expect waits for the answer to what begins a session or a forwarding, for somebody
// who waits until ctx ends. From then on the connection is not kept for it, and one
// on which there is no answer within a time takes no new work: what is never answered
// has its place for as long as the connection lives. What it returns is called when
// the answer has come.
func (c *sshConn) expect(ctx context.Context, within time.Duration) (answered func()) {
	h := c.host
	over, left := false, false // guarded by h.mu
	leave := func(late bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if over {
			return
		}
		if !left {
			left = true
			c.left++
		}
		c.retired = c.retired || late
		h.disuse(c)
		h.serve()
	}
	timer := time.AfterFunc(within, func() { leave(true) })
	stop := context.AfterFunc(ctx, func() { leave(false) })
	return func() {
		timer.Stop()
		stop()
		h.mu.Lock()
		defer h.mu.Unlock()
		if over = true; left {
			left = false
			c.left--
		}
	}
}

func (c *sshConn) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// kill ends the connection, and with it all that uses it.
func (c *sshConn) kill(cause error) {
	c.once.Do(func() {
		c.err = cause
		close(c.gone)
		c.base.Conn.Close() // not the client's Close: that would wait its turn behind a write that hangs
	})
}

// cause says why the connection ended; only after gone is closed.
func (c *sshConn) cause() error {
	<-c.gone
	return c.err
}

// ended reports whether the connection is over, though lost may not know yet.
func (c *sshConn) ended() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// doubtful reports whether the peer owes an answer for so long that what it
// does not say cannot be blamed on a command.
func (c *sshConn) doubtful() bool {
	asked := c.asked.Load()
	return asked != 0 && c.base.now()-max(asked, c.base.heard.Load()) > int64(sshDoubt)
}

// wait follows the connection to its end.
func (c *sshConn) wait() {
	err := c.client.Wait()
	if err == nil {
		err = errors.New("closed by the host")
	}
	c.kill(err)
	c.host.lost(c)
}

// monitor asks the peer for signs of life and closes the connection when it
// gives none, or when nobody has used it for long.
func (c *sshConn) monitor() {
	timer := time.NewTimer(sshQuiet)
	defer timer.Stop()
	strikes := 0
	for {
		select {
		case <-c.gone:
			return
		case <-c.host.pool.ctx.Done():
			return
		case <-c.kick:
		case <-timer.C:
		}
		next, dead := c.look()
		if !dead {
			strikes = 0
		} else if strikes++; strikes > 1 {
			c.kill(errSSHDead)
			return
		}
		timer.Reset(next)
	}
}

// look gives the time until the next look. It reports death on every look that
// finds the peer overdue: one alone may only mean that this process was itself
// stopped for a while, with the answer waiting to be read.
func (c *sshConn) look() (next time.Duration, dead bool) {
	now, heard, asked := c.base.now(), c.base.heard.Load(), c.asked.Load()
	if asked != 0 {
		left := sshPatience - time.Duration(now-max(asked, heard))
		if left <= 0 {
			return 50 * time.Millisecond, true
		}
		return left, false
	}
	since := c.since.Load()
	quiet := sshIdleQuiet
	if c.waits.Load() > 0 {
		quiet, heard = sshQuiet, max(heard, since)
	} else if c.users.Load() > 0 {
		// carries other connections
	} else if unused := c.host.pool.cfg.IdleTimeout - time.Duration(now-since); unused <= 0 {
		c.host.retire(c)
		return sshIdleQuiet, false
	} else {
		quiet = min(quiet, unused+time.Duration(now-heard))
	}
	if left := quiet - time.Duration(now-heard); left > 0 {
		return left, false
	}
	c.asked.Store(now)
	c.host.pool.start(c.ask)
	return sshPatience, false
}

// ask sends the question and waits for the answer, any answer.
func (c *sshConn) ask() {
	if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
		c.asked.Store(0)
		c.wake()
	}
}

// retire closes an idle connection, unless it just came into use.
func (h *sshHost) retire(c *sshConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.users.Load() == 0 {
		c.retired = true
		c.kill(errSSHIdle)
	}
}

// connect makes a connection: finds out where, over which jumps, who it must
// be, and enters.
func (h *sshHost) connect(ctx context.Context) (*sshConn, *Error) {
	ctx, cancel := context.WithTimeout(ctx, h.pool.cfg.ConnectTimeout)
	defer cancel()
	s, err := h.read(ctx)
	if err != nil {
		return nil, h.connectError(err, "%v", err)
	}
	if s.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	// Before anything is sent: opening an encrypted key takes a while, and a
	// server has few places for those who have not said who they are.
	keys := h.pool.keys.credentials(ctx, s)
	defer keys.close()
	base, err := h.reach(ctx, s)
	if err != nil {
		return nil, h.connectError(err, "cannot reach %s: %s", s.addr(), sshReason(err))
	}
	c, failed := h.enter(ctx, s, keys, base)
	if failed != nil {
		base.Close()
		return nil, failed
	}
	return c, nil
}

// reach opens the way to the host: TCP, or a forwarding of the last jump host.
func (h *sshHost) reach(ctx context.Context, s *sshSettings) (net.Conn, error) {
	if len(s.jumps) == 0 {
		// Keepalives of our own find a dead peer sooner than TCP's.
		d := net.Dialer{KeepAlive: -1}
		return d.DialContext(ctx, s.network, s.addr())
	}
	last := len(s.jumps) - 1
	jump, err := h.pool.host(s.jumps[last], s.jumps[:last]...)
	if err != nil {
		return nil, err
	}
	if jump == h {
		return nil, errors.New("it is its own ProxyJump")
	}
	return jump.forward(ctx, sshCarry, "tcp", s.addr())
}

// enter does the handshake: the host's key, ours, and a first command.
func (h *sshHost) enter(ctx context.Context, s *sshSettings, keys *sshCredentials, base net.Conn) (*sshConn, *Error) {
	stop := context.AfterFunc(ctx, func() { base.Close() })
	defer stop()
	algos, check, err := h.pool.know.verifier(s)
	if err != nil {
		return nil, h.connectError(err, "%v", err)
	}
	traffic := &sshTraffic{Conn: base, epoch: time.Now()}
	client, chans, reqs, err := ssh.NewClientConn(traffic, s.addr(), &ssh.ClientConfig{
		User:              s.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)},
		HostKeyCallback:   check,
		HostKeyAlgorithms: algos,
	})
	if err != nil || !stop() {
		return nil, h.handshakeError(ctx, s, keys, algos, err)
	}
	c := &sshConn{
		host: h, addr: s.addr(), client: ssh.NewClient(client, chans, reqs), base: traffic,
		limit: sshSessions, kick: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	c.since.Store(traffic.now())
	c.sessions = 1
	c.users.Store(1)
	c.waits.Store(1)
	if !h.pool.start(c.wait) {
		c.client.Close()
		return nil, sshClosed(h.name)
	}
	h.pool.start(c.monitor)
	c.wrap = c.learn(ctx)
	return c, nil
}
