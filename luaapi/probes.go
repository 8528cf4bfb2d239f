package luaapi

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// primitives is how scripts reach the world: what the bindings call, and what
// a test of scripts replaces. host is the vantage, a host to look from over
// ssh; "" is here. Every method may be called at once, and ends soon after its
// context does. Errors are [*probe.Error].
type primitives interface {
	Exec(ctx context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error)
	HTTP(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error)
	Dial(ctx context.Context, host string, req probe.TCPRequest) (conversation, error)
	TLS(ctx context.Context, host string, req probe.TLSRequest) (*probe.TLSResult, error)
	DNS(ctx context.Context, host string, req probe.DNSRequest) (*probe.DNSResult, error)
	Ping(ctx context.Context, req probe.PingRequest) (*probe.PingResult, error)
	ReadFile(ctx context.Context, path string, limit int) ([]byte, error)
	StatFile(ctx context.Context, path string) (*probe.FileInfo, error)
	NewestFile(ctx context.Context, pattern string) (*probe.FileInfo, error)

	// Streams: they go on until their context ends.
	ExecStream(ctx context.Context, host string, req probe.ExecRequest, sink probe.LineSink) error
	Events(ctx context.Context, host string, req probe.HTTPRequest, connect time.Duration, state *probe.SSEState, up func(awaits string), event func(probe.SSEEvent)) error
	Lines(ctx context.Context, host string, req probe.TCPRequest, send []byte, connect time.Duration, sink probe.LineSink) error
	Tail(ctx context.Context, path string, fromStart bool, sink probe.LineSink) error
}

// Probes are the real primitives: the pools and limits that outlive reloads,
// and with them what the Lua of all files shares.
type Probes struct {
	compiled vm.Cache
	watchdog vm.Watchdog
	leaked   sync.Map // *vm.Universe that keep too much
	mask     mask

	runner probe.Runner
	pinger probe.Pinger
	files  probe.Files
	http   probe.HTTPClient
	ssh    *probe.SSHPool
}

// NewProbes makes primitives that share one pool of connections. They must be
// closed. A nil logger is silent. PHAROS_SSH_PASSPHRASE opens encrypted ssh keys.
func NewProbes(logger *slog.Logger) *Probes {
	p := &Probes{ssh: probe.NewSSHPool(probe.SSHConfig{
		Logger:     logger,
		Passphrase: func(string) string { return os.Getenv("PHAROS_SSH_PASSPHRASE") },
	})}
	p.pinger.Runner = &p.runner
	return p
}

// Hurry kills the commands that take their time to end, and waits for that.
func (p *Probes) Hurry() { p.runner.Hurry() }

// Close ends every connection, and the commands of runs that are over.
func (p *Probes) Close() {
	p.Hurry()
	p.http.Close()
	p.ssh.Close()
}

// Exec runs a command here or on host.
func (p *Probes) Exec(ctx context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
	if host == "" {
		return p.runner.Exec(ctx, req)
	}
	return p.ssh.Exec(ctx, host, req)
}

// HTTP makes a timed request. With a host its connections leave from there, or
// curl makes it there if the host denies forwarding.
func (p *Probes) HTTP(ctx context.Context, host string, req *probe.HTTPRequest) (_ *probe.HTTPResult, err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return nil, err
	}
	req.Vantage = host
	if host != "" {
		req.Exec = func(ctx context.Context, e probe.ExecRequest) (*probe.ExecResult, error) {
			return p.ssh.Exec(ctx, host, e)
		}
	}
	return p.http.Do(ctx, req)
}

// Dial connects, from host if it is set.
func (p *Probes) Dial(ctx context.Context, host string, req probe.TCPRequest) (_ conversation, err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return nil, err
	}
	conn, err := probe.DialTCP(ctx, req)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// TLS looks at a handshake, made from host if it is set.
func (p *Probes) TLS(ctx context.Context, host string, req probe.TLSRequest) (_ *probe.TLSResult, err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return nil, err
	}
	return probe.InspectTLS(ctx, req)
}

// DNS asks a name server, from host if it is set.
func (p *Probes) DNS(ctx context.Context, host string, req probe.DNSRequest) (_ *probe.DNSResult, err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return nil, err
	}
	return probe.LookupDNS(ctx, req)
}

// Ping sends echo requests.
func (p *Probes) Ping(ctx context.Context, req probe.PingRequest) (*probe.PingResult, error) {
	return p.pinger.Ping(ctx, req)
}

// ReadFile reads a regular file of at most limit bytes.
func (p *Probes) ReadFile(ctx context.Context, path string, limit int) ([]byte, error) {
	return p.files.Read(ctx, path, limit)
}

// StatFile looks at a file.
func (p *Probes) StatFile(ctx context.Context, path string) (*probe.FileInfo, error) {
	return p.files.Stat(ctx, path)
}

// NewestFile looks at the newest of the files that match a pattern.
func (p *Probes) NewestFile(ctx context.Context, pattern string) (*probe.FileInfo, error) {
	return p.files.Newest(ctx, pattern)
}

// ExecStream gives the lines that a command prints, here or on host.
func (p *Probes) ExecStream(ctx context.Context, host string, req probe.ExecRequest, sink probe.LineSink) error {
	if host == "" {
		return p.runner.Stream(ctx, req, sink)
	}
	return p.ssh.Stream(ctx, host, req, sink)
}

// Events gives server-sent events, asked for from host if it is set.
func (p *Probes) Events(ctx context.Context, host string, req probe.HTTPRequest, connect time.Duration, state *probe.SSEState, up func(string), event func(probe.SSEEvent)) (err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return err
	}
	req.Vantage = host
	return p.http.Events(ctx, req, connect, state, up, event)
}

// Lines gives the lines that come over a connection, made from host if it is
// set.
func (p *Probes) Lines(ctx context.Context, host string, req probe.TCPRequest, send []byte, connect time.Duration, sink probe.LineSink) (err error) {
	if req.Dial, err = p.dialFrom(ctx, host); err != nil {
		return err
	}
	return probe.Lines(ctx, req, send, connect, sink)
}

// Tail gives the lines that are added to a file.
func (p *Probes) Tail(ctx context.Context, path string, fromStart bool, sink probe.LineSink) error {
	return p.files.Tail(ctx, path, fromStart, sink)
}

// dialFrom gives the function that connects from host, once there is a way
// there: the time that making one takes is not that of what is watched. nil
// connects from here.
func (p *Probes) dialFrom(ctx context.Context, host string) (probe.DialFunc, error) {
	if host == "" {
		return nil, nil
	}
	if err := p.ssh.Ready(ctx, host); err != nil {
		return nil, err
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return p.ssh.Dial(ctx, host, network, addr)
	}, nil
}
