package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
)

// maxLine bounds the password checks that wait in one line: a check takes a
// tenth of a second or so, and nobody waits longer than some seconds.
const maxLine = 32

var errCrowded = errors.New("too many passwords are tried from this address: try again in a moment")

// turns lets one at a time check a password, so that guessing cannot take the
// processor from the watchers. Each neighbourhood has a line of its own, and the
// lines take turns: whoever guesses by the thousand waits for himself, and a
// login from elsewhere for one guess.
type turns struct {
	turn chan struct{} // taken by whoever is at the head of its line, first come first served

	mu    sync.Mutex
	lines map[string]*line
}

type line struct {
	head  chan struct{}
	count int // those in it
}

func newTurns() turns {
	return turns{turn: make(chan struct{}, 1), lines: make(map[string]*line)}
}

// take waits for a turn, to be given back. It is errCrowded if the line is full.
func (t *turns) take(ctx context.Context, of string) (give func(), err error) {
	l, err := t.join(of)
	if err != nil {
		return nil, err
	}
	select {
	case l.head <- struct{}{}:
	case <-ctx.Done():
		t.leave(of, l)
		return nil, ctx.Err()
	}
	back := func() {
		<-l.head
		t.leave(of, l)
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		back()
		return nil, ctx.Err()
	}
	return func() { <-t.turn; back() }, nil
}

func (t *turns) join(of string) (*line, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[of]
	if l == nil {
		l = &line{head: make(chan struct{}, 1)}
		t.lines[of] = l
	}
	if l.count >= maxLine {
		return nil, errCrowded
	}
	l.count++
	return l, nil
}

func (t *turns) leave(of string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.count--; l.count == 0 {
		delete(t.lines, of)
	}
}

// neighbourhood is where a request comes from: an address, of IPv6 the /64,
// which one machine may have all of.
func neighbourhood(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "" // not TCP
	}
	addr := peer.Addr().Unmap()
	if addr.Is4() {
		return addr.String()
	}
	net, _ := addr.WithZone("").Prefix(64) // of an IPv6 address that is no error
	return net.String()
}
