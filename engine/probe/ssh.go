package probe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// SSHConfig says how an [SSHPool] finds, trusts and enters hosts. The zero
// value is the user's own way: ~/.ssh/config and /etc/ssh/ssh_config, the
// known_hosts files, identities and agent that they name.
type SSHConfig struct {
	// ConfigFile replaces both configuration files, as ssh -F does.
	ConfigFile string
	// Program is the OpenSSH client that is asked to resolve a destination
	// (ssh -G; it is never used to connect). "" looks for ssh in PATH. Without
	// one only the user's own file is read, and Match exec is an error in it.
	Program string
	// Passphrase gives the passphrase of an encrypted key file, "" if it knows
	// none. Nil knows none. Nobody is ever prompted.
	Passphrase func(keyFile string) string
	// ConnectTimeout bounds making a connection, host key and authentication
	// included. 0 is 10 s.
	ConnectTimeout time.Duration
	// IdleTimeout is for how long an unused connection is kept. 0 is 5 min.
	IdleTimeout time.Duration
	// Logger hears of connections made, lost and failed. Nil discards.
	Logger *slog.Logger
}

const (
	sshSessions = 5        // sessions a connection carries; sshd frees a slot late, so 5 of its 10 never meets a reject
	sshConns    = 4        // connections to one destination
	sshDials    = 3        // connections being made to one destination; sshd drops bursts (MaxStartups)
	sshMaxLine  = 96 << 10 // bytes of a remote command line; Linux takes 128 KiB in one argument
)

// SSHPool keeps connections to the hosts that watchers look from. Each
// destination has one connection, further ones only while more sessions are
// wanted than one carries. Making a connection belongs to the pool and outlives
// the run that asked for it, so that a far host works for watchers whose
// timeout is shorter than the handshake.
//
// A destination is what ssh(1) takes: a Host of the configuration, a host name,
// user@host, user@host:port, ssh://user@host:port.
//
// A host that cannot be looked from is an [*Error] of kind [Vantage], or [Auth]
// if it refused the credentials; it says nothing about what is watched.
// All methods may be called at once.
type SSHPool struct {
	cfg  SSHConfig
	log  *slog.Logger
	keys *sshKeyring
	know *sshKnownHosts

	runner  Runner    // of ssh -G
	buffers sync.Pool // *[sshBuffer]byte

	ctx  context.Context // the pool's life
	stop context.CancelFunc
	wg   sync.WaitGroup // every goroutine of the pool; added to under mu

	mu     sync.Mutex
	closed bool
	hosts  map[string]*sshHost // by destination and the jumps to it
	forgot time.Time           // when it was last looked for hosts that nobody asks for
}

// NewSSHPool makes a pool with no connections. It must be closed.
func NewSSHPool(cfg SSHConfig) *SSHPool {
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = 5 * time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &SSHPool{
		cfg: cfg, log: cfg.Logger, ctx: ctx, stop: stop,
		keys: newSSHKeyring(cfg.Passphrase), know: newSSHKnownHosts(),
		buffers: sync.Pool{New: func() any { return new([sshBuffer]byte) }},
		hosts:   make(map[string]*sshHost),
		forgot:  time.Now(),
	}
}

// Close ends all connections, and the calls in progress with them, and returns
// when every goroutine of the pool has ended.
func (p *SSHPool) Close() {
	p.mu.Lock()
	p.closed = true
	hosts := slices.Collect(maps.Values(p.hosts))
	p.mu.Unlock()
	p.stop()
	for _, h := range hosts {
		h.close()
	}
	p.wg.Wait()
}

// start runs f in a goroutine that Close waits for. It reports false, and does
// not run f, once the pool is closed.
func (p *SSHPool) start(f func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.wg.Go(f)
	return true
}

// sshBuffer is the size of one read from a stream.
const sshBuffer = 8 << 10

// copy copies to the end of either side.
func (p *SSHPool) copy(to io.Writer, from io.Reader) {
	buf := p.buffers.Get().(*[sshBuffer]byte)
	defer p.buffers.Put(buf)
	_, _ = io.CopyBuffer(to, from, buf[:]) // a failed side is an ended one
}

// host finds the state of a destination, which is kept for as long as somebody asks
// for it.
// via is the chain of jump hosts before it if the caller knows it better than
// the configuration, nearest to us first.
func (p *SSHPool) host(name string, via ...string) (*sshHost, error) {
	dest, err := parseSSHDest(name)
	if err != nil {
		return nil, &Error{Kind: Misuse, Message: fmt.Sprintf("ssh %q: %v", name, err), Err: err}
	}
	key := strings.Join(slices.Concat(via, []string{name}), ">")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, sshClosed(name)
	}
	h := p.hosts[key]
	if h == nil {
		p.forget()
		h = &sshHost{pool: p, name: name, dest: dest, via: via}
		p.hosts[key] = h
	}
	h.asked = time.Now()
	return h, nil
}

// sshForget is for how long a host is known that nobody asks for.
const sshForget = time.Hour

// forget drops hosts that nobody asks for any more: scripts may find others every
// day. The caller holds p.mu.
func (p *SSHPool) forget() {
	now := time.Now()
	if now.Sub(p.forgot) < sshForget {
		return
	}
	p.forgot = now
	maps.DeleteFunc(p.hosts, func(_ string, h *sshHost) bool {
		if now.Sub(h.asked) < sshForget || !h.mu.TryLock() { // who holds it may want p.mu next
			return false
		}
		defer h.mu.Unlock()
		return len(h.conns)+len(h.waiters)+h.dialing == 0
	})
}

// sshClosed is the error of every call on a closed pool.
func sshClosed(host string) *Error {
	return &Error{Kind: Cancelled, Message: fmt.Sprintf("ssh %s: cancelled: Pharos is stopping", host)}
}
