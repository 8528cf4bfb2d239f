package probe

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// pingHelper pings what the last argument says and prints what became of it,
// without times.
func pingHelper() {
	var p Pinger
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req := PingRequest{Host: os.Args[len(os.Args)-1], Count: 2, Interval: 10 * time.Millisecond, Wait: 100 * time.Millisecond}
	res, err := p.Ping(ctx, req)
	if res != nil {
		fmt.Printf("%s %d/%d hint=%t ", res.Via, res.Received, res.Sent, res.Hint != "")
	}
	fmt.Print(KindOf(err), " ", err)
}

// pingAway runs the helper in a network namespace of its own that a shell has
// prepared; as is the command to run it by.
func pingAway(t *testing.T, prepare, as, host string) string {
	t.Helper()
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		execMissing(t, "root, for unshare --net")
	}
	helper := execHelper(t, "ping", "ip link set lo up; "+prepare+"; exec "+as, host)
	helper.Args = append([]string{"unshare", "--net"}, helper.Args...)
	helper.Path, _ = exec.LookPath("unshare")
	return execRunHelper(t, helper)
}

func TestPingWays(t *testing.T) {
	const (
		nobody  = "setpriv --reuid 65534 --regid 65534 --clear-groups"
		allow   = `echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range`
		silence = "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all"
	)
	for _, tt := range []struct{ name, prepare, as, host, want string }{
		{"raw", ":", "", "127.0.0.1", `raw 2/2 hint=false  <nil>`},
		{"raw, IPv6", ":", "", "::1", `raw 2/2 hint=false  <nil>`},
		{"datagram", allow, nobody, "127.0.0.1", `datagram 2/2 hint=false  <nil>`},
		{"datagram, IPv6", allow, nobody, "::1", `datagram 2/2 hint=false  <nil>`},
		{"command", ":", nobody, "127.0.0.1", `command 2/2 hint=true  <nil>`},
		{"command, IPv6", ":", nobody, "::1", `command 2/2 hint=true  <nil>`},
		{"nothing", ":", nobody + " env PATH=/nowhere", "127.0.0.1", ` spawn pinging "127.0.0.1": neither a raw nor a datagram socket is allowed, and the command ping cannot be run: ` + pingHint},
		{"no answer, raw", silence, "", "127.0.0.1", `raw 0/2 hint=false timeout pinging "127.0.0.1": no answer to 2 requests`},
		{"no answer, command", silence, nobody, "127.0.0.1", `command 0/2 hint=true timeout pinging "127.0.0.1": no answer to 2 requests`},
		{"no way there, raw", ":", "", "192.0.2.1", `raw 0/2 hint=false refused pinging "192.0.2.1": network is unreachable`},
		{"no way there, command", ":", nobody, "192.0.2.1", `command 0/2 hint=true refused pinging "192.0.2.1": network is unreachable`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := pingAway(t, tt.prepare, tt.as, tt.host); got != strings.TrimSpace(tt.want) {
				t.Errorf("Ping(%q) = %s, want %s", tt.host, got, tt.want)
			}
		})
	}
}

// pingHere skips where this process may not open a socket to ping by.
func pingHere(t *testing.T) *Pinger {
	t.Helper()
	s, err := openPingSocket(false)
	if err != nil {
		execMissing(t, "a raw or datagram ICMP socket")
	}
	s.conn.Close()
	<-s.done
	return new(Pinger)
}

// TestPingSystem compares with the system's ping, which is parsed on the way.
func TestPingSystem(t *testing.T) {
	if _, err := exec.LookPath("ping"); err != nil {
		execMissing(t, "ping")
	}
	p := pingHere(t)
	req := PingRequest{Host: "localhost", IP: 4, Count: 5, Interval: 10 * time.Millisecond, Size: 1000}
	got, err := p.Ping(tcpWithin(t, time.Minute), req)
	if err != nil {
		t.Fatalf("Ping(%q) = %v, want no error", req.Host, err)
	}
	res, err := new(Runner).Exec(tcpWithin(t, time.Minute), ExecRequest{Shell: "ping -n -c 5 -i 0.01 -s 1000 127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	sent, rtts, _ := parsePing(string(res.Stdout))
	least, _, most, _ := pingStats(rtts)
	summary := regexp.MustCompile(`= ([0-9.]+)/[0-9.]+/([0-9.]+)/`).FindSubmatch(res.Stdout)
	said := []string{string(summary[1]), string(summary[2])}
	read := []string{fmt.Sprintf("%.3f", least.Seconds()*1000), fmt.Sprintf("%.3f", most.Seconds()*1000)}
	if diff := cmp.Diff(said, read); diff != "" {
		t.Errorf("parsePing: min and max (-ping's own +got):\n%s", diff)
	}
	if got.Sent != sent || got.Received != len(rtts) || got.Loss != 0 || got.IP != "127.0.0.1" {
		t.Errorf("Ping(%q) = %+v, the system's says %d of %d", req.Host, got, len(rtts), sent)
	}
	if got.Min <= 0 || got.Min > got.Avg || got.Avg > got.Max || got.Max > most+50*time.Millisecond {
		t.Errorf("Ping(%q) = min %s avg %s max %s, the system's says %s to %s", req.Host, got.Min, got.Avg, got.Max, least, most)
	}
}

func TestPingManyShareASocket(t *testing.T) {
	p := pingHere(t)
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			res, err := p.Ping(tcpWithin(t, time.Minute), PingRequest{Host: "127.0.0.1", Count: 3, Interval: 20 * time.Millisecond, Wait: 10 * time.Second})
			if err != nil || res.Received != 3 {
				t.Errorf("Ping = %+v, %v, want 3 answers", res, err)
			}
		})
	}
	wg.Wait()
	if p.sockets != [2]*pingSocket{} {
		t.Errorf("sockets are left: %v", p.sockets)
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

func TestPingErrors(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		req  PingRequest
		kind Kind
		text string
	}{
		{t.Context(), PingRequest{}, Misuse, "want a host"},
		{t.Context(), PingRequest{Host: "a", IP: 5}, Misuse, "ip = 5, want 4 or 6"},
		{t.Context(), PingRequest{Host: "a", Count: 1001}, Misuse, "count = 1001, want 1 to 1000"},
		{t.Context(), PingRequest{Host: "a", Interval: time.Millisecond}, Misuse, "interval = 1ms, want at least 10ms"},
		{t.Context(), PingRequest{Host: "a", Size: 8}, Misuse, "size = 8, want 16 to 65000"},
		{t.Context(), PingRequest{Host: "127.0.0.1", IP: 6}, DNS, "127.0.0.1"},
		{t.Context(), PingRequest{Host: "bücher.invalid"}, DNS, "xn--bcher-kva.invalid"},
		{t.Context(), PingRequest{Host: "a b"}, Misuse, "' '"},
		{ended, PingRequest{Host: "127.0.0.1"}, Cancelled, "cancelled"},
	} {
		for range 20 { // what ended before must not depend on what select picks
			if _, err := new(Pinger).Ping(tt.ctx, tt.req); KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("Ping(%+v) = %s %v, want %s ...%s...", tt.req, KindOf(err), err, tt.kind, tt.text)
				break
			}
		}
	}
}

// pingSilent is a socket that sends nothing, with one request under way.
func pingSilent(v6 bool, to netip.Addr) (*pingSocket, chan pingAnswer) {
	answers := make(chan pingAnswer, 1)
	s := &pingSocket{v6: v6, id: 77, seal: 5, pending: map[uint64]pingPending{0x10003: {to: to, answer: answers}}}
	return s, answers
}

// TestPingUnreachable hands in what a router says instead of an answer.
func TestPingUnreachable(t *testing.T) {
	router := netip.MustParseAddr("192.0.2.254")
	for _, tt := range []struct {
		name    string
		to      string
		id, seq int
		kind    icmp.Type
		want    string
	}{
		{"ours", "192.0.2.1", 77, 3, ipv4.ICMPTypeDestinationUnreachable, "destination unreachable, says 192.0.2.254"},
		{"ours, IPv6", "2001:db8::1", 77, 3, ipv6.ICMPTypeDestinationUnreachable, "destination unreachable, says 192.0.2.254"},
		{"too far", "192.0.2.1", 77, 3, ipv4.ICMPTypeTimeExceeded, "time to live exceeded, says 192.0.2.254"},
		{"another's", "192.0.2.1", 78, 3, ipv4.ICMPTypeDestinationUnreachable, ""},
		{"another request", "192.0.2.1", 77, 4, ipv4.ICMPTypeDestinationUnreachable, ""},
	} {
		to := netip.MustParseAddr(tt.to)
		s, answers := pingSilent(to.Is6(), to)
		packet := make([]byte, 20, 64)
		packet[0], packet[9] = 0x45, 1
		echo := byte(8)
		if to.Is6() {
			packet, echo = packet[:40], 128
			packet[0], packet[6] = 0x60, 58
			copy(packet[24:], to.AsSlice())
		} else {
			copy(packet[16:], to.AsSlice())
		}
		packet = append(packet, echo, 0, 0, 0)
		packet = binary.BigEndian.AppendUint16(packet, uint16(tt.id))
		packet = binary.BigEndian.AppendUint16(packet, uint16(tt.seq))
		var body icmp.MessageBody = &icmp.DstUnreach{Data: packet}
		if tt.kind == ipv4.ICMPTypeTimeExceeded {
			body = &icmp.TimeExceeded{Data: packet}
		}
		b, err := (&icmp.Message{Type: tt.kind, Body: body}).Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		s.handle(b, router, time.Now())
		got := ""
		select {
		case a := <-answers:
			got = a.unreach
		default:
		}
		if got != tt.want {
			t.Errorf("%s: the answer = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzPingHandle: only an answer that carries our seal, number and sender counts.
func FuzzPingHandle(f *testing.F) {
	to := netip.MustParseAddr("192.0.2.1")
	for _, seal := range []uint64{5, 6} {
		data := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, seal), 0x10003)
		b, err := (&icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{ID: 77, Seq: 3, Data: data}}).Marshal(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(false, b)
		b[0] = 3 // destination unreachable, of nonsense
		f.Add(false, b)
		f.Add(true, b)
	}
	f.Fuzz(func(t *testing.T, v6 bool, b []byte) {
		s, answers := pingSilent(v6, to)
		s.handle(b, to, time.Now())
		if len(answers) == 1 && (<-answers).unreach == "" && !strings.Contains(string(b), "\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x01\x00\x03") {
			t.Errorf("handle(%q) takes it for our answer", b)
		}
	})
}

func FuzzParsePing(f *testing.F) {
	f.Add("PING localhost (127.0.0.1) 56(84) bytes of data.\n64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.036 ms\n\n--- x ping statistics ---\n2 packets transmitted, 1 received\n")
	f.Add("64 bytes from 10.0.0.1: seq=0 ttl=64 time<1 ms\nFrom 10.0.0.2 icmp_seq=1 Destination Host Unreachable\n")
	f.Fuzz(func(t *testing.T, output string) {
		sent, rtts, _ := parsePing(output)
		if sent < len(rtts) || len(rtts) > PingMaxCount {
			t.Errorf("parsePing(%q) = %d sent, %d answers", output, sent, len(rtts))
		}
		for _, rtt := range rtts {
			if rtt < 0 {
				t.Errorf("parsePing(%q) = %s, want no negative time", output, rtt)
			}
		}
	})
}

func TestParsePingUnreachable(t *testing.T) {
	for output, want := range map[string]string{
		"From 10.0.0.2 icmp_seq=1 Destination Host Unreachable\n": "Destination Host Unreachable",
		"From 10.0.0.2: icmp_seq=2 Time to live exceeded\n":       "Time to live exceeded",
		"64 bytes from 10.0.0.1: seq=0 ttl=64 time=1 ms\n":        "",
	} {
		if _, _, got := parsePing(output); got != want {
			t.Errorf("parsePing(%q) = %q, want %q", output, got, want)
		}
	}
}

// The command prints a line for each answer, more than is kept of an ordinary
// command's output: none may count as lost for that.
func TestPingByCommandReadsEveryAnswer(t *testing.T) {
	dir := t.TempDir()
	script := `#!/bin/sh
seq -f '64 bytes from 2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff: icmp_seq=%g ttl=64 time=0.036 ms' 1000
printf '\n--- x ping statistics ---\n1000 packets transmitted, 1000 received\n'
`
	if err := os.WriteFile(filepath.Join(dir, "ping"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	run := pingRun{req: PingRequest{Host: "x", Count: PingMaxCount, Wait: time.Second}, ip: netip.IPv6Loopback(), via: "command"}
	if err := run.byCommand(tcpWithin(t, time.Minute), new(Runner)); err != nil {
		t.Fatal(err)
	}
	if run.sent != 1000 || len(run.rtts) != 1000 {
		t.Errorf("%d answers to %d requests, want 1000 to 1000", len(run.rtts), run.sent)
	}
}

// An answer that comes twice is no answer to another request.
func TestParsePingDuplicate(t *testing.T) {
	const output = "64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.040 ms\n" +
		"64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.060 ms (DUP!)\n" +
		"\n--- 10.0.0.1 ping statistics ---\n2 packets transmitted, 1 received, +1 duplicates, 50% packet loss\n"
	if sent, rtts, _ := parsePing(output); sent != 2 || len(rtts) != 1 {
		t.Errorf("parsePing(%q) = %d answers to %d requests, want 1 to 2", output, len(rtts), sent)
	}
}
