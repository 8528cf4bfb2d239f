package probe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The first of a name's two addresses is dead: the second is tried soon, and not
// when the first has had half of the time.
func TestDialNameOneDead(t *testing.T) {
	s := newHTTPServer(t, httpPages(), nil) // on 127.0.0.1 alone
	takesNoMore(t, 2, httpPort(s.URL))
	c := HTTPClient{resolver: httpNames(t, 0)}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	res, err := c.Do(ctx, &HTTPRequest{URL: strings.Replace(s.URL, "127.0.0.1", "half-dead.test", 1) + "/plain"})
	if err != nil {
		t.Fatal(err)
	}
	if res.RemoteIP != "127.0.0.1" || res.Timing.Connect < dialNext || res.Timing.Connect > 30*time.Second {
		t.Errorf("Do = from %s after %v, want from 127.0.0.1 soon after %v", res.RemoteIP, res.Timing.Connect, dialNext)
	}
}

// takesNoMore listens on 127.0.0.n and has its queue full: who connects there waits.
func takesNoMore(t *testing.T, n byte, port string) {
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	at := &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, n}}
	socket := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(fd) })
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		return fd
	}
	listener := socket()
	if err := syscall.Bind(listener, at); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := syscall.Connect(socket(), at); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
}

// The zone of an address stays: /etc/hosts may name one, and a name that is an
// address is read in the same way.
func TestLookupKeepsZones(t *testing.T) {
	for _, network := range []string{"ip", "ip6"} {
		ips, err := lookup(t.Context(), newResolver(), network, "fe80::1%lo")
		if want := netip.MustParseAddr("fe80::1%lo"); err != nil || !slices.Equal(ips, []netip.Addr{want}) {
			t.Errorf("lookup of %s as %s = %v, %v, want it itself", want, network, ips, err)
		}
	}
	if ips, err := lookup(t.Context(), newResolver(), "ip4", "fe80::1%lo"); err == nil {
		t.Errorf("lookup as ip4 = %v, want an error", ips)
	}
}

// The failure that counts is that of the best address, and not of one beyond it that
// was given up sooner.
func TestDialFirstFailsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ips := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
		_, err := dialFirst(t.Context(), ips, func(_ context.Context, ip netip.Addr) (net.Conn, error) {
			if ip.Is6() {
				return nil, syscall.ENETUNREACH
			}
			time.Sleep(2 * dialNext)
			return nil, syscall.ECONNREFUSED
		})
		if err != syscall.ECONNREFUSED {
			t.Errorf("dialFirst = %v, want the failure of %v, %v", err, ips[0], syscall.ECONNREFUSED)
		}
	})
}

func TestInTurn(t *testing.T) {
	for in, want := range map[string]string{
		"::1":                                "::1",
		"10.0.0.1 10.0.0.2 ::1":              "10.0.0.1 ::1 10.0.0.2",
		"::1 ::2 ::3 10.0.0.1 10.0.0.2":      "::1 10.0.0.1 ::2 10.0.0.2 ::3",
		"::ffff:10.0.0.1 ::1 ::ffff:1.1.1.1": "10.0.0.1 ::1 1.1.1.1",
	} {
		var ips []netip.Addr
		for text := range strings.FieldsSeq(in) {
			ips = append(ips, netip.MustParseAddr(text))
		}
		var got []string
		for _, ip := range inTurn(ips) {
			got = append(got, ip.String())
		}
		if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
			t.Errorf("inTurn(%s) (-want +got):\n%s", in, diff)
		}
	}
}
