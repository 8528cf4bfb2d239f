package probe

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// httpNames is a resolver that asks a name server of its own, which takes its
// time and knows shop.test by both families, and half-dead.test by two addresses.
func httpNames(t *testing.T, delay time.Duration) *net.Resolver {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		time.Sleep(delay)
		m := new(dns.Msg).SetReply(q)
		name, kind := q.Question[0].Name, q.Question[0].Qtype
		a := func(ip ...byte) {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET}, A: ip})
		}
		switch {
		case strings.HasPrefix(name, "half-dead.test."):
			if kind == dns.TypeA {
				a(127, 0, 0, 2)
				a(127, 0, 0, 1)
			}
		case !strings.HasPrefix(name, "shop.test."):
			m.Rcode = dns.RcodeNameError
		case kind == dns.TypeA:
			a(127, 0, 0, 1)
		case kind == dns.TypeAAAA:
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET}, AAAA: net.IPv6loopback})
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// A name of both families, of which the server has but one, is reached by that
// one; the time to resolve it is told apart from the time to connect.
func TestHTTPNames(t *testing.T) {
	const delay = 150 * time.Millisecond
	s := newHTTPServer(t, httpPages(), nil) // on 127.0.0.1 alone
	url := strings.Replace(s.URL, "127.0.0.1", "shop.test", 1) + "/plain"
	c := HTTPClient{resolver: httpNames(t, delay)}
	for _, ip := range []int{0, 4} {
		res := mustHTTP(t, &c, HTTPRequest{URL: url, IP: ip})
		for try := 0; try < 10 && res.Timing.Connect >= delay; try++ { // by chance, on a busy machine
			res = mustHTTP(t, &c, HTTPRequest{URL: url, IP: ip})
		}
		if res.Status != 200 || res.RemoteIP != "127.0.0.1" {
			t.Errorf("Do(ip %d) = %d from %s, want 200 from 127.0.0.1", ip, res.Status, res.RemoteIP)
		}
		if got := res.Timing; got.DNS < delay || got.Connect >= delay || got.NameLookup < delay {
			t.Errorf("Do(ip %d) took %v for dns and %v to connect, want %v for dns", ip, got.DNS, got.Connect, delay)
		}
		checkHTTPTiming(t, "names", &res.Timing)
	}
	for _, tt := range []struct {
		url   string
		ip    int
		kind  Kind
		phase string
	}{
		{"http://other.test/", 0, DNS, "dns"},
		{url, 6, Refused, "connect"},
	} {
		if probe, err := net.Listen("tcp", "[::1]:0"); tt.ip == 6 && err != nil {
			t.Skipf("there is no IPv6 here: %v", err)
		} else if err == nil {
			probe.Close()
		}
		_, err := c.Do(t.Context(), &HTTPRequest{URL: tt.url, IP: tt.ip})
		got, ok := err.(*Error)
		if !ok || got.Kind != tt.kind || got.Phase != tt.phase || got.Timing.DNS < delay {
			t.Errorf("Do(%q, ip %d) = %v, want kind %q in phase %q, after %v of dns", tt.url, tt.ip, err, tt.kind, tt.phase, delay)
		}
	}
}

// A name server that does not answer is a timeout in dns, within the deadline.
func TestHTTPNamesTimeout(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := HTTPClient{resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, silent.LocalAddr().String())
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = c.Do(ctx, &HTTPRequest{URL: "http://shop.test/"})
	got, ok := err.(*Error)
	if !ok || got.Kind != Timeout || got.Phase != "dns" || !strings.Contains(got.Message, "resolving the name") {
		t.Errorf("Do with a silent name server = %v, want kind timeout in phase dns", err)
	}
}
