package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pingSocket is shared by the pings in flight of one address family.
type pingSocket struct {
	via  string
	v6   bool
	id   int    // of the ICMP header; the system puts its own on a datagram socket
	seal uint64 // begins our payloads: nobody else's answers are taken for ours
	conn *icmp.PacketConn
	done chan struct{} // the reader has ended

	users int // guarded by the pinger

	mu      sync.Mutex
	last    uint64 // number of the last request; its low 16 bits are the sequence number
	pending map[uint64]pingPending
}

// pingPending is a request without an answer so far.
type pingPending struct {
	to     netip.Addr
	sent   time.Time
	answer chan<- pingAnswer // never full
}

type pingAnswer struct {
	rtt     time.Duration
	unreach string // "" for an answer
}

func (p *Pinger) acquire(family int) (*pingSocket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sockets[family]
	if s == nil {
		var err error
		if s, err = openPingSocket(family == 1); err != nil {
			return nil, err
		}
		p.sockets[family] = s
	}
	s.users++
	return s, nil
}

func (p *Pinger) release(family int, s *pingSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.users--; s.users == 0 {
		p.sockets[family] = nil
		s.conn.Close()
		<-s.done
	}
}

// openPingSocket tries a raw socket, then a datagram one.
func openPingSocket(v6 bool) (*pingSocket, error) {
	ways := []struct{ via, network, address string }{{"raw", "ip4:icmp", "0.0.0.0"}, {"datagram", "udp4", "0.0.0.0"}}
	if v6 {
		ways = []struct{ via, network, address string }{{"raw", "ip6:ipv6-icmp", "::"}, {"datagram", "udp6", "::"}}
	}
	var errs []error
	for _, way := range ways {
		conn, err := icmp.ListenPacket(way.network, way.address)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if way.via == "raw" {
			filterPing(conn)
		}
		tunePingSocket(conn)
		var random [10]byte
		_, _ = rand.Read(random[:]) // never fails
		s := &pingSocket{
			via: way.via, v6: v6, conn: conn, done: make(chan struct{}), pending: map[uint64]pingPending{},
			id: int(binary.BigEndian.Uint16(random[:])), seal: binary.BigEndian.Uint64(random[2:]),
		}
		go s.read()
		return s, nil
	}
	return nil, errors.Join(errs...)
}

// filterPing spares a raw socket, which gets everyone's messages, those that no
// ping waits for. What is refused is done without.
func filterPing(conn *icmp.PacketConn) {
	if p := conn.IPv4PacketConn(); p != nil {
		var f ipv4.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv4.ICMPTypeEchoReply)
		f.Accept(ipv4.ICMPTypeDestinationUnreachable)
		f.Accept(ipv4.ICMPTypeTimeExceeded)
		_ = p.SetICMPFilter(&f)
		return
	}
	var f ipv6.ICMPFilter
	f.SetAll(true)
	f.Accept(ipv6.ICMPTypeEchoReply)
	f.Accept(ipv6.ICMPTypeDestinationUnreachable)
	f.Accept(ipv6.ICMPTypeTimeExceeded)
	f.Accept(ipv6.ICMPTypePacketTooBig)
	_ = conn.IPv6PacketConn().SetICMPFilter(&f)
}

func (s *pingSocket) read() {
	defer close(s.done)
	b, oob := make([]byte, 1<<16), make([]byte, 128)
	for {
		n, oobn, from, err := s.receive(b, oob)
		at := time.Now()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond) // out of buffers, say: the next may do
			continue
		}
		message := b[:n]
		if s.via == "raw" && !s.v6 {
			message = pingPayload(message)
		}
		s.handle(message, from, pingArrived(oob[:oobn], at))
	}
}

// pingPacketConn is net's own connection under icmp's.
func pingPacketConn(conn *icmp.PacketConn) net.PacketConn {
	if p := conn.IPv4PacketConn(); p != nil {
		return p.PacketConn
	}
	return conn.IPv6PacketConn().PacketConn
}

// receive is of net's own connection: icmp's does not give the time of arrival.
func (s *pingSocket) receive(b, oob []byte) (n, oobn int, from netip.Addr, err error) {
	switch conn := pingPacketConn(s.conn).(type) {
	case *net.IPConn:
		var addr *net.IPAddr
		if n, oobn, _, addr, err = conn.ReadMsgIP(b, oob); addr != nil {
			from, _ = netip.AddrFromSlice(addr.IP)
		}
	case *net.UDPConn:
		var addr netip.AddrPort
		n, oobn, _, addr, err = conn.ReadMsgUDPAddrPort(b, oob)
		from = addr.Addr()
	}
	return n, oobn, from.Unmap(), err
}

// pingPayload takes the IPv4 header off, where the system left it on: no ICMP
// type looks like version 4.
func pingPayload(b []byte) []byte {
	if len(b) == 0 || b[0]>>4 != 4 {
		return b
	}
	return b[min(int(b[0]&0xf)*4, len(b)):]
}

// handle takes in one ICMP message from the network.
func (s *pingSocket) handle(b []byte, from netip.Addr, at time.Time) {
	protocol := 1
	if s.v6 {
		protocol = 58
	}
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil {
		return
	}
	switch body := m.Body.(type) {
	case *icmp.Echo:
		if m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply {
			s.reply(body, from, at)
		}
	case *icmp.DstUnreach:
		s.unreachable(body.Data, "destination unreachable, says "+from.String())
	case *icmp.TimeExceeded:
		s.unreachable(body.Data, "time to live exceeded, says "+from.String())
	case *icmp.PacketTooBig:
		s.unreachable(body.Data, "packet too big, says "+from.String())
	}
}

func (s *pingSocket) reply(echo *icmp.Echo, from netip.Addr, at time.Time) {
	if len(echo.Data) < PingMinSize || binary.BigEndian.Uint64(echo.Data) != s.seal {
		return
	}
	n := binary.BigEndian.Uint64(echo.Data[8:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.pending[n]; ok && p.to.WithZone("") == from.WithZone("") {
		delete(s.pending, n)
		p.answer <- pingAnswer{rtt: max(0, at.Sub(p.sent))}
	}
}

// unreachable finds the request in what a router sent back of it: the IP
// header and at least 8 bytes, which are the ICMP header (RFC 792, RFC 4443).
func (s *pingSocket) unreachable(packet []byte, why string) {
	var to netip.Addr
	var inner []byte
	if s.v6 {
		if len(packet) < 48 || packet[6] != 58 || packet[40] != 128 {
			return
		}
		to, _ = netip.AddrFromSlice(packet[24:40])
		inner = packet[40:]
	} else {
		if len(packet) < 28 || packet[9] != 1 {
			return
		}
		header := int(packet[0]&0xf) * 4
		if header < 20 || len(packet) < header+8 || packet[header] != 8 {
			return
		}
		to, _ = netip.AddrFromSlice(packet[16:20])
		inner = packet[header:]
	}
	if int(binary.BigEndian.Uint16(inner[4:])) != s.id {
		return
	}
	seq := binary.BigEndian.Uint16(inner[6:])
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, p := range s.pending {
		if uint16(n) == seq && p.to.WithZone("") == to {
			delete(s.pending, n)
			p.answer <- pingAnswer{unreach: why}
		}
	}
}

// send sends one request and gives its number.
func (s *pingSocket) send(to netip.Addr, size int, answer chan<- pingAnswer) (uint64, error) {
	s.mu.Lock()
	s.last++
	n := s.last
	s.mu.Unlock()

	data := make([]byte, size)
	binary.BigEndian.PutUint64(data, s.seal)
	binary.BigEndian.PutUint64(data[8:], n)
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: s.id, Seq: int(uint16(n)), Data: data}}
	if s.v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return n, err
	}
	var addr net.Addr = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if s.via == "datagram" {
		addr = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	s.mu.Lock()
	s.pending[n] = pingPending{to: to, sent: time.Now(), answer: answer}
	s.mu.Unlock()
	_, err = s.conn.WriteTo(b, addr)
	return n, err
}

func (s *pingSocket) forget(numbers []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range numbers {
		delete(s.pending, n)
	}
}

// overSocket sends the requests and gathers the answers. The error is one that
// says nothing about the host.
func (r *pingRun) overSocket(ctx context.Context, s *pingSocket) error {
	answers := make(chan pingAnswer, r.req.Count)
	var numbers []uint64
	defer func() { s.forget(numbers) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for answered := 0; answered < r.req.Count; {
		select {
		case a := <-answers:
			answered++
			if a.unreach != "" {
				r.unreach = a.unreach
			} else {
				r.rtts = append(r.rtts, a.rtt)
			}
		case <-timer.C:
			if ctx.Err() != nil {
				return nil
			}
			if r.sent == r.req.Count {
				r.finished = true
				return nil // Wait is over
			}
			n, err := s.send(r.ip, r.req.Size, answers)
			numbers = append(numbers, n)
			r.sent++
			switch {
			case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
				answered++
				r.unreach = errnoText(err)
			case err != nil:
				return err
			}
			next := r.req.Interval
			if r.sent == r.req.Count {
				next = r.req.Wait
			}
			timer.Reset(next)
		case <-ctx.Done():
			return nil
		}
	}
	r.finished = true
	return nil
}
