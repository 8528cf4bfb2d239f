package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"
)

const (
	sshBackoffMin = 500 * time.Millisecond
	sshBackoffMax = 30 * time.Second

	// sshRecheck is how often the files behind a destination are looked at.
	sshRecheck = time.Second
)

// sshHost is what the pool knows of one destination: its connections, who waits
// for one, and why there is none.
type sshHost struct {
	pool *SSHPool
	name string // as in scripts and messages
	dest sshDest
	via  []string // jump hosts that overrule the configuration's

	asked time.Time // guarded by pool.mu

	mu      sync.Mutex
	conns   []*sshConn
	dialing int
	waiters []*sshWaiter // first come, first served

	failures int // to connect, in a row
	retryAt  time.Time
	lastErr  *Error

	settings *sshSettings // nil until first resolved
	stamp    string       // of the files that settings came from
	checked  time.Time    // when the stamp was last compared
}

// sshUse is what a connection is wanted for.
type sshUse int

const (
	sshSession sshUse = iota // takes one of its few sessions
	sshForward               // forwarding has no limit
	sshCarry                 // forwarding that carries another connection, which sees to its own life
)

type sshWaiter struct {
	use   sshUse
	grant chan sshGrant // buffered: granting never waits
}

type sshGrant struct {
	conn *sshConn
	err  error
}

// acquire gives a connection with room for use, to be given back with release.
// It waits for one to be made or to become free, but not while the host is
// known to be out of reach.
func (h *sshHost) acquire(ctx context.Context, use sshUse) (*sshConn, error) {
	h.recheck()
	h.mu.Lock()
	if len(h.waiters) == 0 || use != sshSession {
		if c := h.free(use); c != nil {
			c.take(use)
			h.mu.Unlock()
			return c, nil
		}
	}
	if err := h.down(); err != nil {
		h.mu.Unlock()
		return nil, err
	}
	w := &sshWaiter{use: use, grant: make(chan sshGrant, 1)}
	h.waiters = append(h.waiters, w)
	asked := time.Now()
	h.grow()
	h.mu.Unlock()

	select {
	case g := <-w.grant:
		return g.conn, g.err
	case <-ctx.Done():
		h.mu.Lock()
		defer h.mu.Unlock()
		if i := slices.Index(h.waiters, w); i >= 0 {
			h.waiters = slices.Delete(h.waiters, i, i+1)
		} else if g := <-w.grant; g.conn != nil {
			h.releaseLocked(g.conn, use)
		}
		return nil, h.waited(ctx, time.Since(asked))
	}
}

// attempt does work over a connection with room for use, which work gives back, and
// again over another one if it is certain that it was not begun.
func (h *sshHost) attempt(ctx context.Context, use sshUse, work func(*sshConn) error) error {
	for try := 0; ; try++ {
		c, err := h.acquire(ctx, use)
		if err != nil {
			return err
		}
		err = work(c)
		if !errors.Is(err, errSSHElsewhere) || try >= sshConns || ctx.Err() != nil {
			return err
		}
	}
}

// waited is the error of a run whose time ended before it had a connection.
// The caller holds h.mu.
func (h *sshHost) waited(ctx context.Context, d time.Duration) *Error {
	err := ctx.Err()
	if !errors.Is(err, context.DeadlineExceeded) {
		return &Error{Kind: Cancelled, Err: err, Message: fmt.Sprintf("ssh %s: cancelled", h.name)}
	}
	what := "still connecting"
	if len(h.conns) > 0 {
		what = fmt.Sprintf("no session free on %d connections", len(h.conns))
	}
	return &Error{Kind: Vantage, Err: err, Message: fmt.Sprintf("ssh %s: %s after %s", h.name, what, sshRound(d))}
}

// down is the error of a run while the host is left alone after a failure, nil
// if it may be tried. The caller holds h.mu.
func (h *sshHost) down() error {
	wait := time.Until(h.retryAt)
	if h.lastErr == nil || wait <= 0 || h.live() > 0 || h.dialing > 0 {
		return nil
	}
	return h.failure(wait)
}

// failure is the last error with the time of the next attempt.
func (h *sshHost) failure(wait time.Duration) *Error {
	seconds := (wait + time.Second - 1) / time.Second
	return &Error{Kind: h.lastErr.Kind, Err: h.lastErr.Err,
		Message: fmt.Sprintf("%s (retry in %d s)", h.lastErr.Message, seconds)}
}

// free finds a connection with room, the fullest first so that the others can
// become idle and be closed. The caller holds h.mu.
func (h *sshHost) free(use sshUse) *sshConn {
	var best *sshConn
	for _, c := range h.conns {
		if c.retired || c.ended() || use == sshSession && c.sessions >= c.limit {
			continue
		}
		if best == nil || c.sessions > best.sessions {
			best = c
		}
	}
	return best
}

// grow starts as many connections as those who wait could use. The first is
// made alone: nothing is known of the host before. The caller holds h.mu.
func (h *sshHost) grow() {
	live := h.live()
	need := len(h.waiters) - h.dialing*sshSessions
	for need > 0 && h.dialing < sshDials && live+h.dialing < sshConns && time.Now().After(h.retryAt) {
		if live == 0 && h.dialing > 0 {
			return
		}
		if !h.pool.start(h.dial) {
			h.reject(sshClosed(h.name))
			return
		}
		h.dialing++
		need -= sshSessions
	}
}

// live counts the connections that take work. The caller holds h.mu.
func (h *sshHost) live() int {
	n := 0
	for _, c := range h.conns {
		if !c.retired {
			n++
		}
	}
	return n
}

// dial makes one connection, for whoever waits by then.
func (h *sshHost) dial() {
	began := time.Now()
	c, err := h.connect(h.pool.ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dialing--
	switch {
	case err != nil:
		h.failed(err)
		return
	case h.pool.ctx.Err() != nil: // closed meanwhile: nobody else would close this one
		c.kill(sshClosed(h.name))
		return
	}
	if c.ended() { // already, so that lost did not find it: a host that hangs up is not to be dialed in a circle
		h.failed(h.errorf(Vantage, c.err, "connection lost: %s", sshReason(c.err)))
		return
	}
	h.pool.log.Info("ssh connected", "host", h.name, "addr", c.addr, "took", time.Since(began).Round(time.Millisecond))
	h.retryAt, h.failures, h.lastErr = time.Time{}, 0, nil
	h.conns = append(h.conns, c)
	h.serve()
}

// failed notes that the host could not be entered, and lets it alone for a
// while that doubles each time. The caller holds h.mu.
func (h *sshHost) failed(err *Error) {
	wait := min(sshBackoffMin<<min(h.failures, 10), sshBackoffMax)
	wait -= rand.N(wait / 4) // hosts that fell together are not tried together
	level := slog.LevelWarn
	if h.lastErr != nil && h.lastErr.Message == err.Message {
		level = slog.LevelInfo // said already: a host that is down for a day would fill the log
	}
	h.failures++
	h.retryAt, h.lastErr = time.Now().Add(wait), err
	if err.Kind != Cancelled {
		h.pool.log.Log(h.pool.ctx, level, "ssh failed", "host", h.name, "err", err.Message, "retry_in", wait.Round(time.Millisecond))
	}
	if h.live() == 0 && h.dialing == 0 {
		h.reject(h.failure(wait))
	}
}

// reject ends the wait of all. The caller holds h.mu.
func (h *sshHost) reject(err *Error) {
	for _, w := range h.waiters {
		w.grant <- sshGrant{err: err}
	}
	h.waiters = nil
}

// serve gives what is free to those who wait. The caller holds h.mu.
func (h *sshHost) serve() {
	full := false
	h.waiters = slices.DeleteFunc(h.waiters, func(w *sshWaiter) bool {
		if full && w.use == sshSession {
			return false
		}
		c := h.free(w.use)
		if c == nil {
			full = true
			return false
		}
		c.take(w.use)
		w.grant <- sshGrant{conn: c}
		return true
	})
	if len(h.waiters) == 0 {
		return
	}
	h.grow()
	if h.live() == 0 && h.dialing == 0 && h.lastErr != nil {
		h.reject(h.failure(time.Until(h.retryAt)))
	}
}

func (h *sshHost) release(c *sshConn, use sshUse) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releaseLocked(c, use)
}

func (h *sshHost) releaseLocked(c *sshConn, use sshUse) {
	c.give(use)
	h.disuse(c)
	h.serve()
}

// leave counts a forwarding among those that do not end by themselves. They end
// with their connection, which takes no new work and is closed when nobody else
// uses it.
func (h *sshHost) leave(c *sshConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.left++
	c.retired = true
	h.disuse(c)
	h.serve()
}

// finish is release for a forwarding, which may have been left.
func (h *sshHost) finish(c *sshConn, use sshUse, left bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left {
		c.left--
	}
	h.releaseLocked(c, use)
}

// disuse closes a connection that takes no new work and that nobody uses. The
// caller holds h.mu.
func (h *sshHost) disuse(c *sshConn) {
	switch {
	case !c.retired || int(c.users.Load()) > c.left:
	case c.left > 0:
		c.kill(errSSHStuck)
	default:
		c.kill(errSSHIdle)
	}
}

// refused notes that a connection took no further session: as many as it
// carried besides are its limit from now on. It reports false if it carried
// none, for then the host takes none on any connection.
func (h *sshHost) refused(c *sshConn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	carried := c.sessions - 1
	if carried < 1 {
		return false
	}
	c.limit = min(c.limit, carried)
	h.pool.log.Debug("ssh sessions limited", "host", h.name, "limit", c.limit)
	return true
}

// lost takes a connection out that ended by itself or was closed.
func (h *sshHost) lost(c *sshConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.conns, c)
	if i < 0 {
		return
	}
	h.conns = slices.Delete(h.conns, i, i+1)
	cause := c.cause()
	if h.pool.ctx.Err() != nil {
		return
	}
	if cause == errSSHIdle {
		h.serve()
		return
	}
	h.pool.log.Warn("ssh connection lost", "host", h.name, "err", sshReason(cause))
	h.serve()
}

// close ends everything of the host; the pool's context has ended.
func (h *sshHost) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.kill(sshClosed(h.name))
	}
	h.reject(sshClosed(h.name))
}

// recheck looks now and then, apart from any run, whether the files behind the
// destination changed. Then an old failure means nothing any more.
func (h *sshHost) recheck() {
	h.mu.Lock()
	due := (h.settings != nil || h.lastErr != nil) && time.Since(h.checked) >= sshRecheck
	if due {
		h.checked = time.Now()
	}
	h.mu.Unlock()
	if due {
		h.pool.start(h.refresh)
	}
}

func (h *sshHost) refresh() {
	h.mu.Lock()
	s, was := h.settings, h.stamp
	h.mu.Unlock()
	if h.stampOf(s) == was {
		return
	}
	_, _ = h.read(h.pool.ctx) // connecting will say what is wrong
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retryAt, h.failures = time.Time{}, 0
	h.serve()
}

// stampOf changes when one of the files does that the settings, the keys and the
// trust come from.
func (h *sshHost) stampOf(s *sshSettings) string {
	return sshStamp(h.pool.configFiles()) + sshStamp(s.inputs())
}

// read gives the destination's settings. It reads them anew each time, as ssh does:
// what the configuration includes, or a Match exec in it sees, may have changed too.
// Connections made by others take no new work then.
func (h *sshHost) read(ctx context.Context) (*sshSettings, error) {
	before := sshStamp(h.pool.configFiles()) // a change while they are read makes them stale
	s, err := h.pool.readConfig(ctx, h.dest)
	if err == nil && len(h.via) > 0 {
		s.jumps = h.via
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.stamp = before + sshStamp(h.settings.inputs())
		return nil, err
	}
	if !reflect.DeepEqual(h.settings, s) {
		for _, c := range h.conns {
			c.retired = true
			h.disuse(c)
		}
	}
	h.settings, h.stamp = s, before+sshStamp(s.inputs())
	return s, nil
}

// inputs are the files, beside the configuration, whose change may turn a
// failure into success.
func (s *sshSettings) inputs() []string {
	if s == nil {
		return nil
	}
	return slices.Concat(s.knownHosts, s.identities, s.certificates)
}

func (h *sshHost) errorf(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Err: cause, Message: "ssh " + h.name + ": " + fmt.Sprintf(format, args...)}
}

func sshRound(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
