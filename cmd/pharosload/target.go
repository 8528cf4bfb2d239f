package main

import (
	"bytes"
	"net"
)

// targetResult is what a target saw.
type targetResult struct {
	Hits int64 `json:"hits"`
}

// page is the answer of every path but /hang: 2,048 bytes of body, as in the
// figures of other monitors that ours are compared with.
var page = append([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2048\r\n\r\n"),
	bytes.Repeat([]byte("<p>pharos </p>\n."), 128)...)

// target serves a page with as little work as can be, so that what is measured
// is the daemon. /hang is never answered.
func target(_ []string, ready func(string), over <-chan struct{}) (any, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	ready(ln.Addr().String())
	hits, err := answerAll(ln.(*net.TCPListener), over)
	return targetResult{Hits: hits}, err
}

// maxRequest bounds what is kept of a request that comes in parts.
const maxRequest = 4096

// answered tells what a request gets: the page, nothing at all, or, before its
// end has come, nothing yet.
func answered(request []byte) (page, whole bool) {
	if !bytes.Contains(request, []byte("\r\n\r\n")) {
		return false, false
	}
	return !bytes.HasPrefix(request, []byte("GET /hang")), true
}
