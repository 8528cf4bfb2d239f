package probe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// dialNext is how long an address has before the next one is tried beside it; as
// curl's between the families.
const dialNext = 200 * time.Millisecond

// dialName connects to a name, and calls resolved when its addresses are known.
// The first that answers wins: each is tried when the one before failed, or did
// not answer soon (RFC 8305). net.Dialer does that for the families, but within
// one it lets a dead address have two seconds, which is all that many runs have.
func dialName(ctx context.Context, resolver *net.Resolver, network, addr string, resolved func()) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ips, err := lookup(ctx, resolver, strings.Replace(network, "tcp", "ip", 1), host)
	if err != nil {
		return nil, err
	}
	resolved()
	// Probes of TCP keep-alive would cost four system calls a connection, and
	// none lives long enough for them.
	d := net.Dialer{KeepAlive: -1}
	dial := func(ctx context.Context, ip netip.Addr) (net.Conn, error) {
		return d.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
	}
	if len(ips) == 1 {
		return dial(ctx, ips[0])
	}
	return dialFirst(ctx, inTurn(ips), dial)
}

// lookup is the resolver's LookupNetIP with the zones that this leaves out, those
// of /etc/hosts: without its zone nobody reaches a link-local address.
func lookup(ctx context.Context, resolver *net.Resolver, network, host string) ([]netip.Addr, error) {
	ips, err := resolver.LookupNetIP(ctx, network, host)
	if !slices.ContainsFunc(ips, func(ip netip.Addr) bool { return ip.Is6() && ip.IsLinkLocalUnicast() }) {
		return ips, err
	}
	all, err := resolver.LookupIPAddr(ctx, host)
	var zoned []netip.Addr
	for _, a := range all {
		if ip, ok := netip.AddrFromSlice(a.IP); ok && slices.Contains(ips, ip) {
			zoned = append(zoned, ip.WithZone(a.Zone))
		}
	}
	return zoned, err
}

// inTurn gives addresses with the families taking turns, beginning with that of the
// first one.
func inTurn(ips []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	for _, ip := range ips {
		ip = ip.Unmap()
		if other := ip.Is4() != ips[0].Unmap().Is4(); other {
			families[1] = append(families[1], ip)
		} else {
			families[0] = append(families[0], ip)
		}
	}
	turns := make([]netip.Addr, 0, len(ips))
	for i := range len(ips) {
		for _, family := range families {
			if i < len(family) {
				turns = append(turns, family[i])
			}
		}
	}
	return turns
}

// dialFirst gives the first connection that stands, or the error of the first address
// if none does.
func dialFirst(ctx context.Context, ips []netip.Addr, dial func(context.Context, netip.Addr) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type dialed struct {
		conn net.Conn
		err  error
		at   int
	}
	ended := make(chan dialed, len(ips)) // nobody is left waiting to tell
	next := time.NewTimer(0)
	defer next.Stop()
	failed := dialed{at: len(ips)}
	for begun, over := 0, 0; over < len(ips); {
		select {
		case <-next.C:
			if begun < len(ips) {
				at := begun
				begun++
				go func() {
					conn, err := dial(ctx, ips[at])
					ended <- dialed{conn, err, at}
				}()
				next.Reset(dialNext)
			}
		case d := <-ended:
			over++
			if d.err == nil {
				go func() { // those that came too late
					for ; over < begun; over++ {
						if late := <-ended; late.err == nil {
							late.conn.Close()
						}
					}
				}()
				return d.conn, nil
			}
			if d.at < failed.at {
				failed = d
			}
			next.Reset(0)
		}
	}
	return nil, failed.err
}
