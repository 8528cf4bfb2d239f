package probe

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// overdue is a context whose deadline is over, and whose timer has not said so yet:
// package net's own timers may be a little ahead of it.
type overdue struct{ context.Context }

func (overdue) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// What the deadline ended is a timeout, whoever noticed first.
func TestTimeoutThatPackageNetNoticedFirst(t *testing.T) {
	ctx := overdue{context.Background()}
	err := &net.OpError{Op: "dial", Err: &net.DNSError{Name: "shop.test", Err: "i/o timeout", IsTimeout: true}}
	for name, classify := range map[string]func() (Kind, string){
		"tcp": func() (Kind, string) { return (&TCPConn{phase: "dns"}).classify(ctx, err) },
		"dns": func() (Kind, string) { return (&dnsExchange{req: &DNSRequest{}, began: time.Now()}).classify(ctx, err) },
		"http": func() (Kind, string) {
			return (&httpHop{run: &httpRun{ctx: ctx, req: &HTTPRequest{}}, phase: "dns"}).classify(err)
		},
		"ping": func() (Kind, string) {
			failed := pingFail(ctx, PingRequest{Host: "shop.test"}, "", err)
			return KindOf(failed), failed.Error()
		},
	} {
		if kind, reason := classify(); kind != Timeout || strings.Contains(reason, "no name server") {
			t.Errorf("%s: %s %q, want a timeout", name, kind, reason)
		}
	}
}
