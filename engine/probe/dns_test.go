package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"
)

// dnsServe serves over UDP and TCP on one port until the test ends.
func dnsServe(t *testing.T, handle dns.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{Listener: l, Handler: handle}, {PacketConn: packets, Handler: handle}} {
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return l.Addr().String()
}

const dnsTestZone = `
$ORIGIN example.org.
$TTL 300
@	SOA	ns1 admin 2026112201 7200 3600 1209600 3600
@	NS	ns1
@	NS	ns2.example.net.
@	MX	10 mail
@	MX	20 backup.example.net.
@	TXT	"v=spf1 " "-all"
@	TXT	"quote \" back\\slash \255"
@	CAA	0 issue "ca.example"
a	60 A	192.0.2.1
a	60 A	192.0.2.2
a	AAAA	2001:db8::1
www	CNAME	web
web	CNAME	a
_sip._tcp	SRV	5 10 5060 sip
xn--bcher-kva	A	192.0.2.9
signed	A	192.0.2.3
signed	RRSIG	A 13 3 300 20300101000000 20250101000000 1 example.org. c2lnbmF0dXJl
2.2.0.192.in-addr.arpa.	PTR	a
$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0	PTR	six.example.org.
`

// dnsZone answers from dnsTestZone, following CNAMEs.
func dnsZone(t *testing.T) dns.HandlerFunc {
	t.Helper()
	records := map[string][]dns.RR{}
	parser := dns.NewZoneParser(strings.NewReader(dnsTestZone), "", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		records[rr.Header().Name] = append(records[rr.Header().Name], rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = true
		m.AuthenticatedData = q.AuthenticatedData
		name := strings.ToLower(q.Question[0].Name)
		if records[name] == nil {
			m.Rcode = dns.RcodeNameError
		}
		for range 5 {
			next := ""
			for _, rr := range records[name] {
				switch kind := rr.Header().Rrtype; {
				case kind == q.Question[0].Qtype, kind == dns.TypeRRSIG && q.IsEdns0().Do():
					m.Answer = append(m.Answer, rr)
				case kind == dns.TypeCNAME:
					m.Answer = append(m.Answer, rr)
					next = rr.(*dns.CNAME).Target
				}
			}
			if name = next; name == "" {
				break
			}
		}
		_ = w.WriteMsg(m)
	}
}

func TestLookupDNS(t *testing.T) {
	server := dnsServe(t, dnsZone(t))
	const ttl = 300 * time.Second
	org := func(kind, data string) DNSRecord {
		return DNSRecord{Name: "example.org", Type: kind, TTL: ttl, Data: data}
	}
	ns := func(name string) DNSRecord { r := org("NS", name); r.Target = name; return r }
	mx := func(priority uint16, name, data string) DNSRecord {
		r := org("MX", data)
		r.Priority, r.Target = priority, name
		return r
	}
	a := func(name, ip string, ttl time.Duration) DNSRecord {
		return DNSRecord{Name: name, Type: "A", TTL: ttl, Data: ip}
	}
	six := "2001:db8::1"
	for _, tt := range []struct {
		req  DNSRequest
		want DNSResult
	}{
		{DNSRequest{Name: "a.example.org"}, DNSResult{Records: []DNSRecord{a("a.example.org", "192.0.2.1", time.Minute), a("a.example.org", "192.0.2.2", time.Minute)}}},
		{DNSRequest{Name: "A.Example.ORG.", Type: "aaaa"}, DNSResult{Records: []DNSRecord{{Name: "a.example.org", Type: "AAAA", TTL: ttl, Data: six}}}},
		{DNSRequest{Name: "www.example.org"}, DNSResult{Aliases: []string{"web.example.org", "a.example.org"}, Records: []DNSRecord{a("a.example.org", "192.0.2.1", time.Minute), a("a.example.org", "192.0.2.2", time.Minute)}}},
		{DNSRequest{Name: "www.example.org", Type: "CNAME"}, DNSResult{Records: []DNSRecord{
			{Name: "www.example.org", Type: "CNAME", TTL: ttl, Data: "web.example.org", Target: "web.example.org"}}}},
		{DNSRequest{Name: "example.org", Type: "MX"}, DNSResult{Records: []DNSRecord{mx(10, "mail.example.org", "10 mail.example.org."), mx(20, "backup.example.net", "20 backup.example.net.")}}},
		{DNSRequest{Name: "example.org", Type: "NS"}, DNSResult{Records: []DNSRecord{ns("ns1.example.org"), ns("ns2.example.net")}}},
		{DNSRequest{Name: "example.org", Type: "TXT"}, DNSResult{Records: []DNSRecord{org("TXT", "v=spf1 -all"), org("TXT", "quote \" back\\slash \xff")}}},
		{DNSRequest{Name: "example.org", Type: "SOA"}, DNSResult{Records: []DNSRecord{{Name: "example.org", Type: "SOA", TTL: ttl, Target: "ns1.example.org", Serial: 2026112201,
			Data: "ns1.example.org. admin.example.org. 2026112201 7200 3600 1209600 3600"}}}},
		{DNSRequest{Name: "example.org", Type: "CAA"}, DNSResult{Records: []DNSRecord{{Name: "example.org", Type: "CAA", TTL: ttl, Tag: "issue", Data: "ca.example"}}}},
		{DNSRequest{Name: "_sip._tcp.example.org", Type: "SRV"}, DNSResult{Records: []DNSRecord{{Name: "_sip._tcp.example.org", Type: "SRV", TTL: ttl,
			Data: "5 10 5060 sip.example.org.", Priority: 5, Weight: 10, Port: 5060, Target: "sip.example.org"}}}},
		{DNSRequest{Name: "192.0.2.2", Type: "PTR"}, DNSResult{Records: []DNSRecord{{Name: "2.2.0.192.in-addr.arpa", Type: "PTR", TTL: ttl, Data: "a.example.org", Target: "a.example.org"}}}},
		{DNSRequest{Name: six, Type: "PTR"}, DNSResult{Records: []DNSRecord{{Name: "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", Type: "PTR", TTL: ttl, Data: "six.example.org", Target: "six.example.org"}}}},
		{DNSRequest{Name: "Bücher.example.org"}, DNSResult{Records: []DNSRecord{a("xn--bcher-kva.example.org", "192.0.2.9", ttl)}}},
		{DNSRequest{Name: "signed.example.org", DNSSEC: true}, DNSResult{Authenticated: true, Signed: true, Records: []DNSRecord{a("signed.example.org", "192.0.2.3", ttl)}}},
		{DNSRequest{Name: "signed.example.org"}, DNSResult{Records: []DNSRecord{a("signed.example.org", "192.0.2.3", ttl)}}},
		{DNSRequest{Name: "signed.example.org", TCP: true}, DNSResult{TCP: true, Records: []DNSRecord{a("signed.example.org", "192.0.2.3", ttl)}}},
		{DNSRequest{Name: "signed.example.org", Type: "AAAA"}, DNSResult{}},
		{DNSRequest{Name: "no.example.org"}, DNSResult{Code: "NXDOMAIN"}},
	} {
		tt.req.Server = server
		tt.want.Server, tt.want.Authoritative = server, true
		if tt.want.Code == "" {
			tt.want.Code = "NOERROR"
		}
		got, err := LookupDNS(tcpWithin(t, time.Minute), tt.req)
		if err != nil {
			t.Errorf("LookupDNS(%+v) = %v, want no error", tt.req, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(DNSResult{}, "Timing")); diff != "" {
			t.Errorf("LookupDNS(%+v) (-want +got):\n%s", tt.req, diff)
		}
		timing := got.Timing
		if timing.Wait <= 0 || timing.Total != timing.Connect+timing.Send+timing.Wait {
			t.Errorf("LookupDNS(%+v).Timing = %+v, want phases that sum to the total", tt.req, timing)
		}
	}
}

// dnsReply makes a reply without answers.
func dnsReply(q *dns.Msg, rcode int) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Rcode = rcode
	return m
}

func TestLookupDNSTruncated(t *testing.T) {
	zone := dnsZone(t)
	server := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if w.RemoteAddr().Network() == "udp" {
			m := dnsReply(q, dns.RcodeSuccess)
			m.Truncated = true
			_ = w.WriteMsg(m)
			return
		}
		zone(w, q)
	})
	res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "a.example.org", Server: server})
	if err != nil || !res.TCP || len(res.Records) != 2 {
		t.Errorf("LookupDNS of what does not fit UDP = %+v, %v, want it over TCP", res, err)
	}
}

// Some servers end a truncated answer in the middle of a record.
func TestLookupDNSCutOff(t *testing.T) {
	zone := dnsZone(t)
	server := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if w.RemoteAddr().Network() == "tcp" {
			zone(w, q)
			return
		}
		m := dnsReply(q, dns.RcodeSuccess)
		m.Truncated = true
		m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"cut off"}}}
		b, err := m.Pack()
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(b[:len(b)-4])
	})
	res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "a.example.org", Server: server})
	if err != nil || !res.TCP || len(res.Records) != 2 {
		t.Errorf("LookupDNS of what was cut off = %+v, %v, want it over TCP", res, err)
	}
}

// TestLookupDNSLoss: over UDP a question may be lost, and what comes first may
// be for someone else.
func TestLookupDNSLoss(t *testing.T) {
	zone := dnsZone(t)
	var asked atomic.Int32
	server := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if asked.Add(1) == 1 {
			return
		}
		other := dnsReply(q, dns.RcodeServerFailure)
		other.Id++
		_ = w.WriteMsg(other)
		other = dnsReply(q, dns.RcodeServerFailure)
		other.Question[0].Name = "evil.example.org."
		_ = w.WriteMsg(other)
		_, _ = w.Write([]byte("short"))
		zone(w, q)
	})
	res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "a.example.org", Server: server})
	if err != nil || res.Code != "NOERROR" || len(res.Records) != 2 {
		t.Errorf("LookupDNS after a loss and strays = %+v, %v, want the answer to its own question", res, err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the server was asked %d times, want 2", n)
	}
}

func TestLookupDNSErrors(t *testing.T) {
	silent := dnsServe(t, func(dns.ResponseWriter, *dns.Msg) {})
	refuses := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(dnsReply(q, dns.RcodeRefused)) })
	hangsUp := dnsServe(t, func(w dns.ResponseWriter, _ *dns.Msg) { _ = w.Close() })
	malformed := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) {
		b, _ := dnsReply(q, dns.RcodeSuccess).Pack()
		binary.BigEndian.PutUint16(b[6:], 1)                         // an answer
		_, _ = w.Write(append(b[:len(b):len(b)], "\xc0\x0c\x00"...)) // that ends in its type
	})
	closed := "127.0.0.1:" + nagiosClosedPort(t)
	broken := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way there") }
	for _, tt := range []struct {
		req  DNSRequest
		kind Kind
		text string
	}{
		{DNSRequest{Name: "x.org", Server: silent}, Timeout, "asking " + silent + ` for A of "x.org": no answer after `},
		{DNSRequest{Name: "x.org", Server: silent, TCP: true}, Timeout, "no answer after "},
		{DNSRequest{Name: "x.org", Server: closed}, Refused, "connection refused"},
		{DNSRequest{Name: "x.org", Server: closed, TCP: true}, Refused, "connection refused"},
		{DNSRequest{Name: "x.org", Server: hangsUp, TCP: true}, Reset, "closed the connection without an answer"},
		{DNSRequest{Name: "x.org", Server: malformed}, Proto, "the answer is malformed"},
		{DNSRequest{Name: "x.org", Server: malformed, TCP: true}, Proto, "the answer is malformed"},
		{DNSRequest{Name: "x.org", Server: "a:1", Dial: broken}, Vantage, "no way there"},
		{DNSRequest{Name: "x.org", Type: "AXFR"}, Misuse, `type = "AXFR", want one such as A`},
		{DNSRequest{Name: "x.org", Type: "AA"}, Misuse, `type = "AA", want one such as A`},
		{DNSRequest{Name: ""}, Misuse, "this is no domain name"},
		{DNSRequest{Name: "a..b"}, Misuse, "this is no domain name"},
		{DNSRequest{Name: strings.Repeat("a", 64) + ".org"}, Misuse, "this is no domain name"},
		{DNSRequest{Name: "x.org", Server: ":53"}, Misuse, "want host or host:port"},
	} {
		limit := time.Minute
		if tt.kind == Timeout {
			limit = 100 * time.Millisecond
		}
		res, err := LookupDNS(tcpWithin(t, limit), tt.req)
		if KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("LookupDNS(%+v) = %v, %s %v, want %s ...%s...", tt.req, res, KindOf(err), err, tt.kind, tt.text)
		}
	}
	res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "x.org", Server: refuses})
	if err != nil || res.Code != "REFUSED" {
		t.Errorf("LookupDNS from one that refuses = %+v, %v, want REFUSED as data", res, err)
	}
}

// A server of before EDNS finds fault with it (RFC 6891, 7).
func TestLookupDNSWithoutEDNS(t *testing.T) {
	zone := dnsZone(t)
	for _, code := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented} {
		server := dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) {
			if q.IsEdns0() == nil {
				zone(w, q)
				return
			}
			m := dnsReply(q, code)
			m.Question = nil
			_ = w.WriteMsg(m)
		})
		for _, tcp := range []bool{false, true} {
			res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "a.example.org", Server: server, TCP: tcp})
			if err != nil || res.Code != "NOERROR" || len(res.Records) != 2 {
				t.Errorf("LookupDNS of a server that answers EDNS with %s = %+v, %v, want the records", dns.RcodeToString[code], res, err)
			}
		}
	}
}

// Of the system's servers one that fails is passed over, as its own resolver does.
func TestLookupDNSNextServer(t *testing.T) {
	answers := func(code int) string {
		return dnsServe(t, func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(dnsReply(q, code)) })
	}
	fails, refuses, none := answers(dns.RcodeServerFailure), answers(dns.RcodeRefused), answers(dns.RcodeNameError)
	closed := "127.0.0.1:" + nagiosClosedPort(t)
	for _, tt := range []struct {
		servers []string
		want    string // its code
	}{
		{[]string{fails, refuses, none}, "NXDOMAIN"},
		{[]string{closed, none, fails}, "NXDOMAIN"},
		{[]string{fails, refuses}, "REFUSED"},
		{[]string{fails, closed}, "SERVFAIL"},
	} {
		req := DNSRequest{Name: "x.org"}
		question, err := req.question()
		if err != nil {
			t.Fatal(err)
		}
		res, err := req.askAny(tcpWithin(t, time.Minute), question, tt.servers)
		if err != nil || res.Code != tt.want {
			t.Errorf("asking %v = %+v, %v, want %s", tt.servers, res, err, tt.want)
		}
	}
}

// TestLookupDNSDial carries a question over what a vantage gives.
func TestLookupDNSDial(t *testing.T) {
	server := dnsServe(t, dnsZone(t))
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if network != "tcp" || addr != "far.example:53" {
			t.Errorf("the vantage is asked for %s %s, want tcp far.example:53", network, addr)
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", server)
		return struct{ net.Conn }{conn}, err // no more than a net.Conn, as over ssh
	}
	res, err := LookupDNS(tcpWithin(t, time.Minute), DNSRequest{Name: "a.example.org", Server: "far.example", Dial: dial})
	if err != nil || len(res.Records) != 2 || !res.TCP {
		t.Errorf("LookupDNS through a vantage = %+v, %v, want its records over TCP", res, err)
	}
}

func FuzzLookupDNS(f *testing.F) {
	q := new(dns.Msg).SetQuestion("a.example.org.", dns.TypeTXT)
	m := dnsReply(q, dns.RcodeSuccess)
	rr, err := dns.NewRR(`a.example.org. 60 TXT "a\"\\\200" "b"`)
	if err != nil {
		f.Fatal(err)
	}
	m.Answer = []dns.RR{rr}
	b, _ := m.Pack()
	f.Add(b[2:])
	f.Fuzz(func(t *testing.T, answer []byte) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				head := make([]byte, 4) // length, id
				if _, err := io.ReadFull(theirs, head); err != nil {
					return
				}
				rest := make([]byte, binary.BigEndian.Uint16(head)-2)
				_, _ = io.ReadFull(theirs, rest)
				binary.BigEndian.PutUint16(head, uint16(len(answer)+2))
				_, _ = theirs.Write(append(head, answer...))
			}()
			return ours, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		res, err := LookupDNS(ctx, DNSRequest{Name: "a.example.org", Type: "TXT", Server: "a", Dial: dial})
		if KindOf(err) == Timeout || err == nil && res.Code == "" {
			t.Errorf("LookupDNS with answer %q = %+v, %v, want a result or an error at once", answer, res, err)
		}
	})
}
