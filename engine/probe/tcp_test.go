package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tcpServe runs serve for each connection and gives the address.
func tcpServe(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func tcpWithin(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestTCPRedis talks to a real redis-server, over TCP and a unix socket.
func TestTCPRedis(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		execMissing(t, "redis-server")
	}
	port, socket := sshFreePort(t), filepath.Join(t.TempDir(), "redis.sock")
	server := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--unixsocket", socket, "--save", "", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	ctx := tcpWithin(t, time.Minute)
	eventually(t, "redis answers", func() bool {
		_, err := holdTCP(ctx, tcpTalk{TCPRequest: TCPRequest{Addr: "127.0.0.1:" + port}})
		return err == nil
	})
	for _, req := range []TCPRequest{{Addr: "127.0.0.1:" + port}, {Addr: "localhost:" + port, IP: 4}, {Unix: socket}} {
		res, err := holdTCP(ctx, tcpTalk{TCPRequest: req, Send: []byte("PING\r\nECHO hi\r\n"), Expect: []byte("+PONG\r\n"), Lines: 2})
		if err != nil {
			t.Errorf("TCP(%v) = %v, want no error", req.where(), err)
			continue
		}
		if got := fmt.Sprintf("%q %q", res.Reply, res.Lines); got != `"+PONG\r\n" ["$2" "hi"]` {
			t.Errorf("TCP(%v) = %s, want redis's answers", req.where(), got)
		}
		if req.Unix == "" && res.RemoteIP != "127.0.0.1" {
			t.Errorf("TCP(%v).RemoteIP = %q, want 127.0.0.1", req.where(), res.RemoteIP)
		}
	}
}

// tcpPauses answers a byte with a line in two pieces, with a pause before each.
func tcpPauses(conn net.Conn, pause time.Duration) {
	_, _ = conn.Read(make([]byte, 1))
	time.Sleep(pause)
	_, _ = conn.Write([]byte("half"))
	time.Sleep(pause)
	_, _ = conn.Write([]byte("line\r\n"))
}

func TestTCPTiming(t *testing.T) {
	const pause = 60 * time.Millisecond
	addr := tcpServe(t, func(conn net.Conn) { tcpPauses(conn, pause) })
	_, port, _ := net.SplitHostPort(addr)
	res, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: TCPRequest{Addr: "localhost:" + port, IP: 4}, Send: []byte("x"), Lines: 1})
	if err != nil {
		t.Fatalf("TCP = %v, want no error", err)
	}
	timing := res.Timing
	var sum time.Duration
	for _, p := range timing.Phases() {
		sum += p.Duration
	}
	if sum != timing.Total {
		t.Errorf("the phases %v sum to %s, want the total %s", timing.Phases(), sum, timing.Total)
	}
	if timing.DNS <= 0 || timing.Connect <= 0 || timing.Send <= 0 || timing.Total < 2*pause {
		t.Errorf("timing = %+v, want dns, connect and send above 0, and at least %s in all", timing, 2*pause)
	}
	if timing.NameLookup != timing.DNS || timing.Connected != timing.DNS+timing.Connect || timing.StartTransfer != timing.Total-timing.Receive {
		t.Errorf("timing = %+v, want curl's marks to fit the phases", timing)
	}
}

func TestTCPErrors(t *testing.T) {
	silent := tcpServe(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	says := func(text string) string {
		return tcpServe(t, func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
	}
	endless := tcpServe(t, func(conn net.Conn) {
		for {
			if _, err := conn.Write(bytes.Repeat([]byte("x"), 4096)); err != nil {
				return
			}
		}
	})
	hello := says("hello there\n")
	slow := tcpServe(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "xab")
		time.Sleep(30 * time.Millisecond) // for another read to see the rest
		_, _ = io.WriteString(conn, "cdrest\n")
	})
	closed := "127.0.0.1:" + nagiosClosedPort(t)
	at := func(addr string) TCPRequest { return TCPRequest{Addr: addr} }
	for _, tt := range []struct {
		name  string
		talk  tcpTalk
		kind  Kind
		phase string
		text  string
	}{
		{"nobody listens", tcpTalk{TCPRequest: at(closed)}, Refused, "connect", `connecting to "` + closed + `": connection refused`},
		{"no such socket", tcpTalk{TCPRequest: TCPRequest{Unix: "/no/such.sock"}}, Refused, "connect", "no such file or directory"},
		{"no address of the family", tcpTalk{TCPRequest: TCPRequest{Addr: closed, IP: 6}}, DNS, "connect", `resolving "127.0.0.1": no suitable address found`},
		{"silence", tcpTalk{TCPRequest: at(silent), Lines: 1}, Timeout, "wait", "waiting for an answer"},
		{"silence in TLS", tcpTalk{TCPRequest: TCPRequest{Addr: silent, TLS: true, Insecure: true}}, Timeout, "tls", "in the TLS handshake"},
		{"not TLS", tcpTalk{TCPRequest: TCPRequest{Addr: hello, TLS: true, Insecure: true}}, TLS, "tls", "the server does not speak TLS there"},
		{"another word", tcpTalk{TCPRequest: at(hello), Expect: []byte("+PONG")}, Reset, "receive", `want "+PONG", got "hello there\n"`},
		{"closed in mid-line", tcpTalk{TCPRequest: at(says("par")), Lines: 1}, Reset, "receive", `it closed the connection receiving the answer: want the end of the line, got "par"`},
		{"closed at once", tcpTalk{TCPRequest: at(says("")), Lines: 1}, Reset, "receive", "want the end of the line, got nothing"},
		{"a line without end", tcpTalk{TCPRequest: at(endless), Lines: 1}, TooBig, "receive", "too much came: want the end of the line"},
		{"an answer without end", tcpTalk{TCPRequest: at(endless), Expect: []byte("y")}, TooBig, "receive", `too much came: want "y"`},
		{"in two pieces", tcpTalk{TCPRequest: at(slow), Expect: []byte("abcd"), Lines: 2}, Reset, "receive", "got nothing"},
		{"no port", tcpTalk{TCPRequest: at("127.0.0.1")}, Misuse, "", "want an address of the form host:port"},
		{"a URL", tcpTalk{TCPRequest: at("http://127.0.0.1")}, Misuse, "", "want an address of the form host:port"},
		{"no such port", tcpTalk{TCPRequest: at("127.0.0.1:65536")}, Misuse, "", `there is no port "65536"`},
		{"no such service", tcpTalk{TCPRequest: at("127.0.0.1:htpt")}, Misuse, "", `there is no port "htpt"`},
		{"nowhere", tcpTalk{}, Misuse, "", "want either an address or the path of a unix socket"},
		{"no such protocol", tcpTalk{TCPRequest: TCPRequest{Addr: hello, StartTLS: "gopher"}}, Misuse, "", "want one of smtp, imap, pop3, ftp, xmpp, postgres"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := time.Minute
			if tt.kind == Timeout {
				limit = 200 * time.Millisecond
			}
			_, err := holdTCP(tcpWithin(t, limit), tt.talk)
			for tt.kind == Timeout && KindOf(err) == Timeout && err.(*Error).Phase != tt.phase && limit < 30*time.Second {
				limit *= 2 // a busy machine needs longer to come to that phase
				_, err = holdTCP(tcpWithin(t, limit), tt.talk)
			}
			if KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("TCP = %s %v, want %s ...%s...", KindOf(err), err, tt.kind, tt.text)
			}
			if e := err.(*Error); tt.phase != "" && (e.Phase != tt.phase || e.Timing == nil || e.Timing.Total == 0) {
				t.Errorf("TCP fails in phase %q with timing %v, want phase %q and what was measured", e.Phase, e.Timing, tt.phase)
			}
		})
	}
}

func TestTCPCancelled(t *testing.T) {
	silent := tcpServe(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := holdTCP(ctx, tcpTalk{TCPRequest: TCPRequest{Addr: silent}, Lines: 1}); KindOf(err) != Cancelled {
		t.Errorf("TCP, cancelled = %v, want kind cancelled", err)
	}
}

// TestTCPDial carries a conversation over what a vantage gives.
func TestTCPDial(t *testing.T) {
	dial := func(_ context.Context, network, addr string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			fmt.Fprintf(theirs, "%s %s\n", network, addr)
			theirs.Close()
		}()
		return ours, nil
	}
	res, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: TCPRequest{Addr: "far.example:25", Dial: dial}, Lines: 1})
	if err != nil || string(res.Lines[0]) != "tcp far.example:25" {
		t.Errorf("TCP through a vantage = %+v, %v, want the address to be given to it", res, err)
	}
	broken := func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }
	if _, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: TCPRequest{Addr: "far.example:25", Dial: broken}}); KindOf(err) != Vantage {
		t.Errorf("TCP through a broken vantage = %v, want kind vantage", err)
	}
}

// tcpScripts are what servers say before TLS, line by line: "<" is what they
// wait for, ">" what they send. They hold for openssl s_client as well, which
// keeps them honest.
var tcpScripts = map[string][]string{
	"smtp":     {">220-mail\r\n220 ready\r\n", "<EHLO", ">250-mail\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "<STARTTLS", ">220 go\r\n"},
	"imap":     {">* OK ready\r\n", "<STARTTLS", ">* BAD time\r\n{tag} OK go\r\n"},
	"pop3":     {">+OK ready\r\n", "<STLS", ">+OK go\r\n"},
	"ftp":      {">220-files\r\n 220 x\r\n220 ready\r\n", "<AUTH TLS", ">234 go\r\n"},
	"xmpp":     {"<version='1.0'", ">" + tcpXMPP + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "<starttls", "><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"},
	"postgres": {"<\x00\x00\x00\x08\x04\xd2\x16\x2f", ">S"},
}

const tcpXMPP = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'><stream:features>"

// tcpPlay plays a script, then speaks TLS and says "secret".
func tcpPlay(conn net.Conn, script []string, cert tls.Certificate) {
	r := bufio.NewReader(conn)
	tag := "a"
	for _, step := range script {
		words := step[1:]
		if step[0] == '>' {
			_, _ = io.WriteString(conn, strings.ReplaceAll(words, "{tag}", tag))
			continue
		}
		var got []byte
		for !bytes.Contains(got, []byte(words)) {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			got = append(got, b)
			if ask, ok := bytes.CutSuffix(got, []byte(" CAPABILITY\r\n")); ok { // openssl's way with IMAP
				fmt.Fprintf(conn, "* CAPABILITY IMAP4rev1 STARTTLS\r\n%s OK\r\n", ask)
				got = nil
			}
		}
		if words == "STARTTLS" {
			tag, _, _ = strings.Cut(string(got[bytes.LastIndexByte(got, '\n')+1:]), " ")
		}
		for r.Buffered() > 0 { // the rest of the line or element
			_, _ = r.ReadByte()
		}
	}
	secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
	_, _ = io.WriteString(secure, "secret\r\n")
	_ = secure.Close()
}

func TestTCPStartTLS(t *testing.T) {
	authority := newTLSAuthority(t)
	cert := authority.tlsYear(t)
	for _, protocol := range StartTLSProtocols() {
		t.Run(protocol, func(t *testing.T) {
			addr := tcpServe(t, func(conn net.Conn) { tcpPlay(conn, tcpScripts[protocol], cert) })
			req := TCPRequest{Addr: addr, StartTLS: protocol, CA: authority.pem()}
			res, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: req, Lines: 1})
			if err != nil {
				t.Fatalf("TCP with STARTTLS = %v, want no error", err)
			}
			if string(res.Lines[0]) != "secret" || res.TLS == nil || res.TLS.Version != "1.3" || !res.TLS.Verified || res.Timing.TLS == 0 {
				t.Errorf("TCP with STARTTLS = %+v with %+v, want secret over a verified TLS 1.3", res, res.TLS)
			}
			req.CA = nil
			if _, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: req}); KindOf(err) != TLS || !strings.Contains(err.Error(), "unknown authority") {
				t.Errorf("TCP with STARTTLS from an unknown authority = %v, want kind tls", err)
			}
			tcpCheckScript(t, protocol, addr)
		})
	}
}

// tcpCheckScript lets openssl s_client talk to the scripted server.
func tcpCheckScript(t *testing.T, protocol, addr string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		execMissing(t, "openssl")
	}
	res, err := new(Runner).Exec(tcpWithin(t, time.Minute), ExecRequest{Argv: []string{"openssl", "s_client", "-connect", addr, "-starttls", protocol, "-ign_eof", "-quiet"}})
	if err != nil || !strings.Contains(string(res.Stdout), "secret") {
		t.Errorf("openssl s_client -starttls %s = %+v, %v, want it to get to the secret", protocol, res, err)
	}
}

func TestTCPStartTLSRefused(t *testing.T) {
	for _, tt := range []struct {
		protocol string
		script   []string
		kind     Kind
		text     string
	}{
		{"smtp", []string{">220 ready\r\n", "<EHLO", ">250 mail\r\n"}, TLS, "it does not offer STARTTLS"},
		{"smtp", []string{">554 go away\r\n"}, Proto, `its greeting is "554 go away", want "220"`},
		{"smtp", []string{">220 ready\r\n", "<EHLO", ">250 STARTTLS\r\n", "<STARTTLS", ">454 not now\r\n"}, TLS, `its answer to STARTTLS is "454 not now", want "220"`},
		{"smtp", []string{">220 ready\r\n", "<EHLO", ">250 STARTTLS\r\n", "<STARTTLS", ">220 go\r\n250 injected\r\n"}, Proto, "came in the clear after TLS was agreed on"},
		{"smtp", []string{">" + strings.Repeat("220-more\r\n", 101)}, Proto, "no end of the answer in 100 lines"},
		{"imap", []string{">* OK\r\n", "<STARTTLS", ">{tag} BAD no\r\n"}, TLS, `want "p1 OK"`},
		{"pop3", []string{">+OK\r\n", "<STLS", ">-ERR no\r\n"}, TLS, `its answer to STLS is "-ERR no", want "+OK"`},
		{"ftp", []string{">220 x\r\n", "<AUTH TLS", ">530 no\r\n"}, TLS, `want "234"`},
		{"xmpp", []string{"<version='1.0'", ">" + tcpXMPP + "</stream:features>"}, TLS, "it does not offer starttls"},
		{"xmpp", []string{"<version='1.0'", ">" + tcpXMPP + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>", "<starttls", "><failure/>"}, TLS, "want <proceed/>"},
		{"postgres", []string{"<\x04\xd2\x16\x2f", ">N"}, TLS, "it does not offer TLS"},
		{"postgres", []string{"<\x04\xd2\x16\x2f", ">E"}, Proto, "want S or N"},
	} {
		addr := tcpServe(t, func(conn net.Conn) { tcpPlay(conn, tt.script, tls.Certificate{}) })
		_, err := holdTCP(tcpWithin(t, time.Minute), tcpTalk{TCPRequest: TCPRequest{Addr: addr, StartTLS: tt.protocol}})
		if KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("TCP with STARTTLS from %q = %s %v, want %s ...%s...", tt.script, KindOf(err), err, tt.kind, tt.text)
		}
	}
}

// FuzzTCPStartTLS lets servers say anything: the call has to end.
func FuzzTCPStartTLS(f *testing.F) {
	for i, protocol := range StartTLSProtocols() {
		f.Add(i, []byte(strings.Join(tcpScripts[protocol], "")))
		f.Add(i, []byte("220 \r\n250 STARTTLS\r\n220 \r\n\x16\x03\x01\x00\x02"))
	}
	f.Fuzz(func(t *testing.T, n int, words []byte) {
		protocols := StartTLSProtocols()
		protocol := protocols[uint(n)%uint(len(protocols))]
		dial := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			go func() {
				_, _ = theirs.Write(words)
				theirs.Close()
			}()
			return ours, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := holdTCP(ctx, tcpTalk{TCPRequest: TCPRequest{Addr: "a:1", Dial: dial, StartTLS: protocol}})
		if kind := KindOf(err); kind == "" || kind == Timeout {
			t.Errorf("TCP with STARTTLS from %q = %v, want an error at once", words, err)
		}
	})
}

// tcpTalk is a conversation of one exchange: what is not set is not done.
type tcpTalk struct {
	TCPRequest
	Send   []byte // sent first
	Expect []byte // then read up to this
	Lines  int    // then read this many lines
}

// tcpResult is what became of a [tcpTalk].
type tcpResult struct {
	Reply    []byte   // up to and with Expect
	Lines    [][]byte // without their ends
	RemoteIP string
	TLS      *TLSInfo // nil without TLS
	Timing   Timing
}

// holdTCP holds a conversation of one exchange.
func holdTCP(ctx context.Context, talk tcpTalk) (*tcpResult, error) {
	c, err := DialTCP(ctx, talk.TCPRequest)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	res := &tcpResult{RemoteIP: c.RemoteIP(), TLS: c.TLS()}
	if len(talk.Send) > 0 {
		if err := c.Send(ctx, talk.Send); err != nil {
			return nil, err
		}
	}
	if res.Reply, err = c.Expect(ctx, talk.Expect); err != nil {
		return nil, err
	}
	for range talk.Lines {
		line, err := c.Line(ctx)
		if err != nil {
			return nil, err
		}
		res.Lines = append(res.Lines, line)
	}
	res.Timing = c.Timing()
	return res, nil
}
