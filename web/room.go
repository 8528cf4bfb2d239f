package web

import (
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	mostConns    = 1 << 20
	tellCrowding = time.Minute // between two lines of the log about it
)

// maxConns is half of the descriptors: the rest is for what the watchers open,
// whoever connects here and says nothing.
func maxConns() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return mostConns
	}
	return int(min(max(limit.Cur/2, 1), mostConns))
}

// room is a listener that accepts no more connections at once than it has places
// for. More wait in the kernel, where they take no descriptor.
type room struct {
	net.Listener
	places chan struct{} // of connections, and of an Accept that waits for one
	log    *slog.Logger
	told   time.Time // of Accept alone, which one goroutine calls
}

func newRoom(ln net.Listener, places int, log *slog.Logger) *room {
	return &room{Listener: ln, places: make(chan struct{}, places), log: log}
}

func (r *room) Accept() (net.Conn, error) {
	if len(r.places) == cap(r.places) && time.Since(r.told) > tellCrowding {
		r.told = time.Now()
		r.log.Warn("half of the descriptors are connections to the board: more wait until one ends", "connections", cap(r.places))
	}
	r.places <- struct{}{} // the end of a server ends its connections too
	conn, err := r.Listener.Accept()
	if err != nil {
		<-r.places
	}
	return conn, err
}

// left is a server's ConnState: a connection that ended leaves its place.
func (r *room) left(_ net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		<-r.places
	}
}
