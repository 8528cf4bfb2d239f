package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of a [PingRequest].
const (
	PingMaxCount    = 1000
	PingMinSize     = 16 // bytes after the ICMP header: for what tells our answers from others'
	PingMaxSize     = 65000
	pingMinInterval = 10 * time.Millisecond
)

// PingRequest says whom to ping. Only Host is needed.
type PingRequest struct {
	Host     string        // name, which may be in Unicode, or address
	IP       int           // 4 or 6 restricts the addresses, 0 takes both
	Count    int           // echo requests; 0 is 1, at most [PingMaxCount]
	Interval time.Duration // between them; 0 is 200 ms, at least 10 ms
	Size     int           // bytes after the ICMP header; 0 is 56, as ping's, at least 16
	Wait     time.Duration // for the last answer; 0 is 1 s
}

// PingResult is what came back.
type PingResult struct {
	IP             string
	Sent, Received int
	Loss           float64         // percent
	RTTs           []time.Duration // in the order the answers came
	Min, Avg, Max  time.Duration
	StdDev         time.Duration

	// Via is how it was done: "raw" (socket; needs root or CAP_NET_RAW),
	// "datagram" (socket; needs a group in net.ipv4.ping_group_range), or
	// "command" (the system's ping, at the cost of a process each time).
	Via string
	// Hint says what to allow for a cheaper way, "" if there is none.
	Hint string
}

const pingHint = `allow raw sockets (run as root or with CAP_NET_RAW) or datagram ones (sysctl net.ipv4.ping_group_range="0 2147483647")`

// Pinger sends echo requests. The zero value is ready to use; all pings of a
// process should share one, since those in flight at the same time share a
// socket. There is none when none is in flight.
type Pinger struct {
	Runner *Runner // runs the system's ping where sockets are not allowed; nil: one of its own

	mu      sync.Mutex
	own     Runner
	sockets [2]*pingSocket // IPv4, IPv6; nil while not in use
}

// Ping sends echo requests and waits for the answers until each is there, Wait
// is over or ctx ends. Answers that are missing are data, but if all are it
// returns the result along with an error of kind [Timeout], or [Refused] if
// the network says that there is no way there. Other errors, without a result:
// [DNS], [Spawn] if there is neither a socket nor the command, [Overload],
// [Cancelled], [Misuse].
func (p *Pinger) Ping(ctx context.Context, req PingRequest) (*PingResult, error) {
	if err := req.check(); err != nil {
		return nil, &Error{Kind: Misuse, Err: err, Message: fmt.Sprintf("pinging %q: %v", req.Host, err)}
	}
	ip, err := req.resolve(ctx)
	if err != nil {
		return nil, pingFail(ctx, req, "", err)
	}
	family := 0
	if ip.Is6() {
		family = 1
	}
	socket, err := p.acquire(family)
	var run pingRun
	if err == nil {
		defer p.release(family, socket)
		run = pingRun{req: req, ip: ip, via: socket.via}
		err = run.overSocket(ctx, socket)
	} else if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPROTONOSUPPORT) {
		run = pingRun{req: req, ip: ip, via: "command"}
		err = run.byCommand(ctx, p.runner())
	}
	if err != nil {
		return nil, pingFail(ctx, req, ip.String(), err)
	}
	return run.result(ctx)
}

func (p *Pinger) runner() *Runner {
	if p.Runner != nil {
		return p.Runner
	}
	return &p.own
}

func (r *PingRequest) check() error {
	r.Count, r.Size = cmp.Or(r.Count, 1), cmp.Or(r.Size, 56)
	r.Interval, r.Wait = cmp.Or(r.Interval, 200*time.Millisecond), cmp.Or(r.Wait, time.Second)
	switch {
	case r.Host == "":
		return errors.New("want a host")
	case r.IP != 0 && r.IP != 4 && r.IP != 6:
		return fmt.Errorf("ip = %d, want 4 or 6", r.IP)
	case r.Count < 0 || r.Count > PingMaxCount:
		return fmt.Errorf("count = %d, want 1 to %d", r.Count, PingMaxCount)
	case r.Interval < pingMinInterval:
		return fmt.Errorf("interval = %s, want at least %s", r.Interval, pingMinInterval)
	case r.Size < PingMinSize || r.Size > PingMaxSize:
		return fmt.Errorf("size = %d, want %d to %d", r.Size, PingMinSize, PingMaxSize)
	case r.Wait < 0:
		return fmt.Errorf("wait = %s, want a positive time", r.Wait)
	}
	return nil
}

func (r *PingRequest) resolve(ctx context.Context) (netip.Addr, error) {
	network := "ip"
	if r.IP != 0 {
		network = fmt.Sprintf("ip%d", r.IP)
	}
	host, err := ASCIIHost(strings.Trim(r.Host, "[]"))
	if err != nil {
		return netip.Addr{}, &Error{Kind: Misuse, Err: err, Message: fmt.Sprintf("pinging %q: %v", r.Host, err)}
	}
	ips, err := lookup(ctx, newResolver(), network, host)
	if _, none := errors.AsType[*net.AddrError](err); none || err == nil && len(ips) == 0 {
		return netip.Addr{}, &net.DNSError{Name: r.Host, Err: fmt.Sprintf("no address of IPv%d", r.IP)}
	}
	if err != nil {
		return netip.Addr{}, err
	}
	return ips[0].Unmap(), nil
}

// pingRun is one call of Ping.
type pingRun struct {
	req      PingRequest
	ip       netip.Addr
	via      string
	sent     int
	rtts     []time.Duration
	unreach  string // what the network said instead of an answer
	finished bool   // nothing more was to come
}

func (r *pingRun) result(ctx context.Context) (*PingResult, error) {
	res := &PingResult{IP: r.ip.String(), Sent: r.sent, Received: len(r.rtts), RTTs: r.rtts, Via: r.via}
	if r.via == "command" {
		res.Hint = pingHint
	}
	if r.sent > 0 {
		res.Loss = 100 * float64(r.sent-len(r.rtts)) / float64(r.sent)
	}
	if len(r.rtts) > 0 {
		res.Min, res.Avg, res.Max, res.StdDev = pingStats(r.rtts)
	}
	said := func(kind Kind, reason string) (*PingResult, error) {
		return res, &Error{Kind: kind, Err: ctx.Err(), Message: "pinging " + pingWhere(r.req.Host, res.IP) + ": " + reason}
	}
	switch {
	case !r.finished && errors.Is(ctx.Err(), context.Canceled):
		return said(Cancelled, "cancelled")
	case len(r.rtts) > 0:
		return res, nil
	case r.unreach != "":
		return said(Refused, r.unreach)
	}
	return said(Timeout, fmt.Sprintf("no answer to %d requests", r.sent))
}

func pingStats(rtts []time.Duration) (least, avg, most, dev time.Duration) {
	least, most = rtts[0], rtts[0]
	var sum, squares float64
	for _, rtt := range rtts {
		least, most = min(least, rtt), max(most, rtt)
		sum += float64(rtt)
	}
	mean := sum / float64(len(rtts))
	for _, rtt := range rtts {
		squares += (float64(rtt) - mean) * (float64(rtt) - mean)
	}
	return least, time.Duration(mean), most, time.Duration(math.Sqrt(squares / float64(len(rtts))))
}

// pingWhere names a host and, if that is another word, its address.
func pingWhere(host, ip string) string {
	if ip == "" || ip == host {
		return fmt.Sprintf("%q", host)
	}
	return fmt.Sprintf("%q (%s)", host, ip)
}

// pingFail makes an [*Error] of what kept it from pinging at all.
func pingFail(ctx context.Context, req PingRequest, ip string, err error) error {
	if told, ok := errors.AsType[*Error](err); ok {
		return told
	}
	e := &Error{Err: err}
	var reason string
	var dns *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, reason = Cancelled, "cancelled"
	case late(ctx):
		e.Kind, reason = Timeout, "timed out resolving the name"
	case overloaded(err) != "":
		e.Kind, reason = Overload, "Pharos is overloaded: "+overloaded(err)
	case errors.As(err, &dns):
		e.Kind, reason = dnsProblem(dns)
	default:
		e.Kind, reason = Spawn, err.Error()
	}
	e.Message = "pinging " + pingWhere(req.Host, ip) + ": " + reason
	return e
}
