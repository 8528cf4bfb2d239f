package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// viewersResult is what the viewers saw.
type viewersResult struct {
	Open         int          `json:"open"` // reading viewers whose stream was open to the end
	Bytes        int64        `json:"bytes"`
	Frames       int64        `json:"frames"`
	FrameLatency distribution `json:"frame_latency"`  // server's clock in a frame to its receipt, every viewer
	Verdict      distribution `json:"verdict"`        // end of a run to its receipt, the first viewer
	Lateness     distribution `json:"lateness"`       // due to start of each run that the first viewer saw; a tick that was dropped is among the missed and not here
	LagP99       float64      `json:"lag_p99"`        // worst of what beats said, seconds
	LagMax       float64      `json:"lag_max"`        // the same
	BeatGapMax   float64      `json:"beat_gap_max"`   // seconds between beats, the first viewer
	Span         float64      `json:"span"`           // seconds that were measured
	MaxFrameRate float64      `json:"max_frame_rate"` // of the viewer with most, a second
}

// viewers opens args[1] reading and args[2] stuck viewers of the board at
// args[0], HOST:PORT. They measure from args[3] on, Unix milliseconds.
func viewers(args []string, ready func(string), over <-chan struct{}) (any, error) {
	addr, count, stuck, from, err := viewerArgs(args)
	if err != nil {
		return nil, err
	}
	crowd := &crowd{from: from, over: over}
	var wg sync.WaitGroup
	readers := make([]*viewer, count)
	for i := range readers {
		readers[i] = &viewer{crowd: crowd, first: i == 0}
		wg.Go(func() { readers[i].watch(addr) })
	}
	for range stuck {
		wg.Go(func() { standStill(addr, over) })
	}
	ready("watching")
	<-over
	wg.Wait()
	return crowd.result(readers), nil
}

func viewerArgs(args []string) (addr string, count, stuck int, from time.Time, err error) {
	if len(args) != 4 {
		return "", 0, 0, from, fmt.Errorf("want ADDRESS COUNT STUCK FROM, got %q", args)
	}
	count, err1 := strconv.Atoi(args[1])
	stuck, err2 := strconv.Atoi(args[2])
	millis, err3 := strconv.ParseInt(args[3], 10, 64)
	return args[0], count, stuck, time.UnixMilli(millis), errors.Join(err1, err2, err3)
}

// crowd is what all viewers share.
type crowd struct {
	from time.Time
	over <-chan struct{}
}

// viewer reads one stream, with as little work as can be; the first one takes
// every event apart.
type viewer struct {
	crowd *crowd
	first bool

	open    bool
	bytes   int64
	frames  int64
	latency []float64

	verdict, lateness []float64
	lagP99, lagMax    float64
	lastBeat          time.Time
	beatGap           float64
}

// ask opens a stream.
func ask(addr string) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", addr)
	return conn, err
}

func (v *viewer) watch(addr string) {
	conn, err := ask(addr)
	if err != nil {
		return
	}
	defer conn.Close()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-v.crowd.over:
			conn.SetReadDeadline(time.Now())
		case <-done:
		}
	}()
	v.read(conn)
	select {
	case <-v.crowd.over:
		v.open = true
	default:
	}
}

// read takes lines until the stream ends. A line may be as long as a snapshot.
func (v *viewer) read(conn net.Conn) {
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		return
	}
	in := bufio.NewReaderSize(res.Body, 16<<10)
	var data, line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return
		}
		now := time.Now()
		counted := now.After(v.crowd.from)
		if counted {
			v.bytes += int64(len(line))
		}
		switch {
		case bytes.HasPrefix(line, []byte("data: ")):
			data = append(data[:0], line[6:]...)
		case bytes.HasPrefix(line, []byte("event: ")) && counted:
			v.event(strings.TrimSpace(string(line[7:])), data, now)
		}
		line = line[:0]
	}
}

func (v *viewer) event(name string, data []byte, now time.Time) {
	if name == "update" || name == "frame" {
		v.frames++
		if at, ok := frameTime(data); ok {
			v.latency = append(v.latency, seconds(now)-at)
		}
	}
	if !v.first {
		return
	}
	switch name {
	case "update":
		v.update(data, now)
	case "beat":
		v.beat(data, now)
	}
}

// frameTime finds "time":1234.567 at the head of a frame without taking all of
// it apart.
func frameTime(data []byte) (float64, bool) {
	_, rest, ok := bytes.Cut(data[:min(len(data), 120)], []byte(`"time":`))
	if !ok {
		return 0, false
	}
	return leadingNumber(rest)
}

// update takes the times of each tile, and nothing else: to decode all of a
// large board's updates would be a load of its own.
func (v *viewer) update(data []byte, now time.Time) {
	for {
		var ended, next, elapsed, interval float64
		for _, field := range []struct {
			name  string
			value *float64
		}{{`"ended":`, &ended}, {`"next":`, &next}, {`"elapsed":`, &elapsed}, {`"interval":`, &interval}} {
			_, rest, ok := bytes.Cut(data, []byte(field.name))
			if !ok {
				return
			}
			data = rest
			*field.value, _ = leadingNumber(rest) // 0 for null
		}
		if ended == 0 {
			continue
		}
		v.verdict = append(v.verdict, seconds(now)-ended)
		started, due := ended-elapsed, next-interval
		if late := started - due; late > -interval/2 && late < interval {
			v.lateness = append(v.lateness, max(late, 0))
		}
	}
}

func leadingNumber(text []byte) (float64, bool) {
	end := bytes.IndexAny(text[:min(len(text), 32)], ",}")
	if end < 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text[:end]), 64)
	return f, err == nil
}

func (v *viewer) beat(data []byte, now time.Time) {
	var b struct {
		Lag struct{ P99, Max float64 }
	}
	if json.Unmarshal(data, &b) != nil {
		return
	}
	v.lagP99, v.lagMax = max(v.lagP99, b.Lag.P99), max(v.lagMax, b.Lag.Max)
	if !v.lastBeat.IsZero() {
		v.beatGap = max(v.beatGap, now.Sub(v.lastBeat).Seconds())
	}
	v.lastBeat = now
}

// standStill opens a stream and never reads it. That the server let go of it
// shows on the server's side only: its farewell waits behind what is not read.
func standStill(addr string, over <-chan struct{}) {
	conn, err := ask(addr)
	if err != nil {
		return
	}
	defer conn.Close()
	// What this side's kernel takes counts as read: let it be little. Where it
	// may not be set, it takes longer.
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	<-over
}

func (c *crowd) result(all []*viewer) viewersResult {
	r := viewersResult{Span: round(time.Since(c.from).Seconds(), 3)}
	var latency []float64
	for _, v := range all {
		if v.open {
			r.Open++
		}
		r.Bytes += v.bytes
		r.Frames += v.frames
		r.MaxFrameRate = max(r.MaxFrameRate, ratio(float64(v.frames), r.Span, 3))
		latency = append(latency, v.latency...)
	}
	first := all[0]
	r.FrameLatency = distributionOf(latency)
	r.Verdict, r.Lateness = distributionOf(first.verdict), distributionOf(first.lateness)
	r.LagP99, r.LagMax, r.BeatGapMax = first.lagP99, first.lagMax, first.beatGap
	return r
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
