package main

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"
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
// is the daemon.
func target(_ []string, ready func(string), over <-chan struct{}) (any, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	var hits atomic.Int64
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(conn, &hits, over)
		}
	}()
	ready(ln.Addr().String())
	<-over
	return targetResult{Hits: hits.Load()}, nil
}

func answer(conn net.Conn, hits *atomic.Int64, over <-chan struct{}) {
	defer conn.Close()
	buf := make([]byte, 1024)
	held := 0
	for {
		conn.SetDeadline(time.Now().Add(90 * time.Second))
		n, err := conn.Read(buf[held:])
		if err != nil {
			return
		}
		held += n
		if !bytes.Contains(buf[:held], []byte("\r\n\r\n")) {
			if held == len(buf) {
				return
			}
			continue
		}
		held = 0
		if strings.HasPrefix(string(buf[:9]), "GET /hang") {
			<-over
			return
		}
		hits.Add(1)
		if _, err := conn.Write(page); err != nil {
			return
		}
	}
}

// configuration writes the script of a scenario.
func configuration(sc scenario, target string, edition int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- edition %d\nmetric_watchers = {}\n", edition)
	loop := func(count int, body string) {
		if count > 0 {
			fmt.Fprintf(&b, "for i = 1, %d do\n  table.insert(metric_watchers, %s)\nend\n", count, body)
		}
	}
	every := fmt.Sprintf("interval = %q", sc.Interval)
	keep := ""
	if sc.KeepAlive {
		keep = ", keepalive = true"
	}
	loop(sc.HTTP, fmt.Sprintf(`pharos.PageGETMetricWatcher{ name = "page " .. i, url = "http://%s/p/" .. i, thresholds = { 0, 1, 2 }, %s%s }`, target, every, keep))
	loop(sc.Hang, fmt.Sprintf(`pharos.PageGETMetricWatcher{ name = "hang " .. i, url = "http://%s/hang", timeout = "10s", %s }`, target, every))
	loop(sc.Exec, fmt.Sprintf(`pharos.CommandMetricWatcher{ name = "exec " .. i, command = { "/bin/true" }, %s }`, every))
	loop(sc.Function, fmt.Sprintf(`pharos.MetricWatcher{ name = "function " .. i, check = function(self) self.n = (self.n or 0) + 1; return self.n end, %s }`, every))
	return b.String()
}
