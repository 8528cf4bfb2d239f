package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// rawResult is what a raw loop cost.
type rawResult struct {
	Count int64         `json:"count"` // requests made, or frames sent
	CPU   time.Duration `json:"cpu"`   // of its process
}

// measureRaw measures the process between the end of the warm-up and the end.
func measureRaw(count *atomic.Int64, warmup time.Duration, over <-chan struct{}) rawResult {
	select {
	case <-time.After(warmup):
	case <-over:
	}
	begin, cpu := count.Load(), ownCPU()
	<-over
	return rawResult{Count: count.Load() - begin, CPU: ownCPU() - cpu}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rawHTTP is the loop that anybody would write: a goroutine and a ticker for
// each page, net/http without keep-alive, timed by httptrace, phases spread
// evenly. args: ADDRESS COUNT INTERVAL WARMUP.
func rawHTTP(args []string, ready func(string), over <-chan struct{}) (any, error) {
	if len(args) != 4 {
		return nil, fmt.Errorf("want ADDRESS COUNT INTERVAL WARMUP, got %q", args)
	}
	count, err1 := strconv.Atoi(args[1])
	interval, err2 := time.ParseDuration(args[2])
	warmup, err3 := time.ParseDuration(args[3])
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, fmt.Errorf("cannot use %q", args)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: interval}
	ctx, cancel := context.WithCancel(context.Background())
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range count {
		url := "http://" + args[0] + "/p/" + strconv.Itoa(i+1)
		wg.Go(func() {
			select {
			case <-time.After(interval * time.Duration(i) / time.Duration(count)):
			case <-ctx.Done():
				return
			}
			tick := time.NewTicker(interval)
			defer tick.Stop()
			for {
				if fetchRaw(ctx, client, url) == nil {
					done.Add(1)
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	ready("going")
	result := measureRaw(&done, warmup, over)
	cancel()
	wg.Wait()
	return result, nil
}

func fetchRaw(ctx context.Context, client *http.Client, url string) error {
	var connected, firstByte time.Time
	trace := &httptrace.ClientTrace{
		ConnectDone:          func(string, string, error) { connected = time.Now() },
		GotFirstResponseByte: func() { firstByte = time.Now() },
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	_, _ = connected, firstByte
	return err
}

// rawSSE is a hand-written stream: one goroutine and one channel for each
// viewer, frames of 1 kB at the given rate. args: RATE WARMUP.
func rawSSE(args []string, ready func(string), over <-chan struct{}) (any, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("want RATE WARMUP, got %q", args)
	}
	rate, err1 := strconv.Atoi(args[0])
	warmup, err2 := time.ParseDuration(args[1])
	if err1 != nil || err2 != nil || rate < 1 {
		return nil, fmt.Errorf("cannot use %q", args)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fan := &rawFan{viewers: make(map[chan []byte]struct{})}
	srv := &http.Server{Handler: fan}
	go srv.Serve(ln)
	defer srv.Close()
	stop := make(chan struct{})
	go fan.run(time.Second/time.Duration(rate), stop)
	ready(ln.Addr().String())
	result := measureRaw(&fan.sent, warmup, over)
	close(stop)
	return result, nil
}

type rawFan struct {
	mu      sync.Mutex
	viewers map[chan []byte]struct{}
	sent    atomic.Int64
}

func (f *rawFan) run(every time.Duration, stop <-chan struct{}) {
	const size = 1024
	filler := make([]byte, size)
	for i := range filler {
		filler[i] = 'x'
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			frame := fmt.Appendf(nil, "data: {\"time\":%.6f,\"fill\":%q}\nevent: frame\n\n", seconds(now), filler[:size-40])
			f.mu.Lock()
			for ch := range f.viewers {
				select {
				case ch <- frame:
				default:
				}
			}
			f.mu.Unlock()
		}
	}
}

func (f *rawFan) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ch := make(chan []byte, 4)
	f.mu.Lock()
	f.viewers[ch] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.viewers, ch)
		f.mu.Unlock()
	}()
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	control.Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case frame := <-ch:
			control.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if _, err := w.Write(frame); err != nil || control.Flush() != nil {
				return
			}
			f.sent.Add(1)
		}
	}
}
