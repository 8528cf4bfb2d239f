package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/idna"
)

// dnsResend is when a question over UDP is asked again, for want of an answer.
const dnsResend = time.Second

const dnsUDPSize = 1232 // bytes of an answer over UDP: what passes everywhere unfragmented

// DNSRequest is a question to a name server. Only Name is needed.
type DNSRequest struct {
	Name   string // taken as complete: no search list. May be in Unicode
	Type   string // "A" if empty; any known to the protocol but transfers. PTR of an address asks for its name
	Server string // host or host:port; "" asks the system's, one after another until one answers and does not fail or refuse
	TCP    bool   // over TCP; else UDP, and TCP if the answer did not fit
	DNSSEC bool   // ask for signatures too
	Direct bool   // ask for no recursion, as for an authoritative server

	Dial DialFunc // nil connects from here; what it gives is spoken to as TCP
}

// DNSResult is an answer, also one that says that there is nothing.
type DNSResult struct {
	Code          string      // "NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", ...
	Records       []DNSRecord // of the type asked for, in the order they came
	Aliases       []string    // the names that CNAMEs led through
	Authoritative bool        // the server answers for its own zone (AA)
	Authenticated bool        // the server says that it verified DNSSEC (AD)
	Signed        bool        // signatures came along
	Server        string      // that answered, host:port
	TCP           bool        // that it came over
	Timing        Timing      // Connect over TCP; Send; Wait until the answer is there
}

// DNSRecord is one record of an answer. Names are without the final dot.
type DNSRecord struct {
	Name string
	Type string
	TTL  time.Duration
	Data string // as zone files have it; of TXT the text itself

	Target   string // of MX, SRV, NS, CNAME, PTR: the name alone; of SOA its primary server
	Priority uint16 // of MX and SRV
	Weight   uint16 // of SRV
	Port     uint16 // of SRV
	Serial   uint32 // of SOA
	Flags    uint8  // of CAA
	Tag      string // of CAA; Data is then the value alone
}

// LookupDNS asks a question. That a name does not exist is a result, told by
// its Code; errors are for want of an answer: [Timeout], [Refused], [Reset],
// [DNS] (the server's own name), [Proto], [Overload], [Cancelled], [Misuse],
// [Vantage].
func LookupDNS(ctx context.Context, req DNSRequest) (*DNSResult, error) {
	question, err := req.question()
	if err != nil {
		return nil, &Error{Kind: Misuse, Err: err, Message: fmt.Sprintf("asking for %q: %v", req.Name, err)}
	}
	servers, err := req.servers()
	if err != nil {
		return nil, &Error{Kind: Misuse, Err: err, Message: fmt.Sprintf("asking for %q: %v", req.Name, err)}
	}
	return req.askAny(ctx, question, servers)
}

// askAny asks one server after another until one answers that knows. If none does,
// what one of them said, the latest, is better than that another said nothing.
func (r *DNSRequest) askAny(ctx context.Context, question *dns.Msg, servers []string) (said *DNSResult, err error) {
	for i, server := range servers {
		var res *DNSResult
		res, err = r.ask(ctx, question, server, len(servers)-i)
		switch {
		case err == nil && !res.unsure():
			return res, nil
		case err == nil:
			said = res
		}
		if ctx.Err() != nil {
			break
		}
	}
	if said != nil {
		return said, nil
	}
	return nil, err
}

// unsure tells of an answer that another server may have a better one than.
func (r *DNSResult) unsure() bool {
	return r.Code == "SERVFAIL" || r.Code == "REFUSED" || r.Code == "NOTIMP"
}

// question makes the message.
func (r *DNSRequest) question() (*dns.Msg, error) {
	name := strings.TrimSpace(r.Name)
	qtype, ok := dns.StringToType[cmp.Or(strings.ToUpper(r.Type), "A")]
	switch {
	case !ok, qtype == dns.TypeAXFR, qtype == dns.TypeIXFR, qtype == dns.TypeOPT, qtype == dns.TypeNone, qtype == dns.TypeReserved:
		return nil, fmt.Errorf("type = %q, want one such as A, AAAA, CNAME, MX, TXT, NS, SOA, SRV, CAA or PTR", r.Type)
	}
	if ip, err := netip.ParseAddr(name); err == nil && qtype == dns.TypePTR {
		name, _ = dns.ReverseAddr(ip.WithZone("").String())
	}
	profile := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)) // names such as _sip._tcp are fine
	ascii, err := profile.ToASCII(name)
	if err != nil || name == "" {
		return nil, errors.New("this is no domain name")
	}
	if _, ok := dns.IsDomainName(ascii); !ok {
		return nil, errors.New("this is no domain name")
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(ascii), qtype)
	m.RecursionDesired = !r.Direct
	m.AuthenticatedData = r.DNSSEC // asks for the flag itself (RFC 6840, 5.7)
	m.SetEdns0(dnsUDPSize, r.DNSSEC)
	return m, nil
}

// servers lists whom to ask, as host:port.
func (r *DNSRequest) servers() ([]string, error) {
	if r.Server == "" {
		config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(config.Servers) == 0 {
			return []string{"127.0.0.1:53"}, nil // as the C library does
		}
		servers := make([]string, len(config.Servers))
		for i, server := range config.Servers {
			servers[i] = net.JoinHostPort(server, config.Port)
		}
		return servers, nil
	}
	if host, port, err := net.SplitHostPort(r.Server); err == nil {
		if host == "" || port == "" {
			return nil, fmt.Errorf("server = %q, want host or host:port", r.Server)
		}
		return []string{r.Server}, nil
	}
	host := strings.Trim(r.Server, "[]")
	if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ":") {
		return nil, fmt.Errorf("server = %q, want host or host:port", r.Server)
	}
	return []string{net.JoinHostPort(host, "53")}, nil
}

// ask asks one server; left is how many there are to share the time with.
func (r *DNSRequest) ask(ctx context.Context, question *dns.Msg, server string, left int) (*DNSResult, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := time.Until(deadline) / time.Duration(left)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	x := &dnsExchange{req: r, server: server, question: question.Copy(), tcp: r.TCP || r.Dial != nil, began: time.Now()}
	x.question.Id = dns.Id()
	answer, err := x.run(ctx)
	if err == nil && (answer.Rcode == dns.RcodeFormatError || answer.Rcode == dns.RcodeNotImplemented) && answer.IsEdns0() == nil {
		x.question.Extra = nil // it does not know EDNS
		answer, err = x.run(ctx)
	}
	if answer != nil && answer.Truncated && !x.tcp { // perhaps in the middle of a record, which is an error
		x.tcp = true
		answer, err = x.run(ctx)
	}
	x.timing.Total = x.timing.DNS + x.timing.Connect + x.timing.Send + x.timing.Wait
	if err != nil {
		return nil, x.fail(ctx, err)
	}
	return x.result(answer), nil
}

func (x *dnsExchange) result(answer *dns.Msg) *DNSResult {
	res := &DNSResult{
		Code:          dns.RcodeToString[answer.Rcode],
		Authoritative: answer.Authoritative,
		Authenticated: answer.AuthenticatedData,
		Server:        x.server,
		TCP:           x.tcp,
		Timing:        x.timing,
	}
	if res.Code == "" {
		res.Code = fmt.Sprintf("RCODE%d", answer.Rcode)
	}
	asked := x.question.Question[0].Qtype
	for _, rr := range answer.Answer {
		switch kind := rr.Header().Rrtype; {
		case kind == asked || asked == dns.TypeANY:
			res.Records = append(res.Records, newDNSRecord(rr))
		case kind == dns.TypeRRSIG:
			res.Signed = true
		case kind == dns.TypeCNAME:
			res.Aliases = append(res.Aliases, dnsName(rr.(*dns.CNAME).Target))
		}
	}
	return res
}

func newDNSRecord(rr dns.RR) DNSRecord {
	h := rr.Header()
	r := DNSRecord{
		Name: dnsName(h.Name),
		Type: dns.TypeToString[h.Rrtype],
		TTL:  time.Duration(h.Ttl) * time.Second,
		Data: strings.TrimPrefix(rr.String(), h.String()),
	}
	switch rr := rr.(type) {
	case *dns.TXT:
		r.Data = dnsText(strings.Join(rr.Txt, ""))
	case *dns.MX:
		r.Priority, r.Target = rr.Preference, dnsName(rr.Mx)
	case *dns.SRV:
		r.Priority, r.Weight, r.Port, r.Target = rr.Priority, rr.Weight, rr.Port, dnsName(rr.Target)
	case *dns.NS:
		r.Target, r.Data = dnsName(rr.Ns), dnsName(rr.Ns)
	case *dns.CNAME:
		r.Target, r.Data = dnsName(rr.Target), dnsName(rr.Target)
	case *dns.PTR:
		r.Target, r.Data = dnsName(rr.Ptr), dnsName(rr.Ptr)
	case *dns.SOA:
		r.Target, r.Serial = dnsName(rr.Ns), rr.Serial
	case *dns.CAA:
		r.Flags, r.Tag, r.Data = rr.Flag, rr.Tag, dnsText(rr.Value)
	}
	return r
}

// dnsName takes the final dot off, but for the root.
func dnsName(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}

// dnsText undoes the escapes of zone files (RFC 1035, 5.1): \X and \DDD.
func dnsText(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	digit := func(i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if digit(i) && digit(i+1) && digit(i+2) {
			b.WriteByte((s[i]-'0')*100 + (s[i+1]-'0')*10 + s[i+2] - '0')
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
