package probe

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What a server sends without an end, and without anything that a deadline of a
// read or a limit of a body would see, ends with the request's time at the
// latest, and nothing of it stays.
func TestHTTPFloods(t *testing.T) {
	head := func(fields ...string) []byte {
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		for i := 0; i < len(fields); i += 2 {
			_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return b.Bytes()
	}
	answered := func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head(":status", "200"), EndHeaders: true})
	}
	h2 := map[string]func(f *http2.Framer, n int) error{
		"hints": func(f *http2.Framer, _ int) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head(":status", "103"), EndHeaders: true})
		},
		"pings":    func(f *http2.Framer, _ int) error { return f.WritePing(false, [8]byte{1}) },
		"settings": func(f *http2.Framer, _ int) error { return f.WriteSettings() },
		"continuations": func(f *http2.Framer, n int) error {
			if n == 0 {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head(":status", "200")})
			}
			return f.WriteContinuation(1, false, nil)
		},
		"empty data": func(f *http2.Framer, n int) error {
			if n == 0 {
				return answered(f)
			}
			return f.WriteData(1, false, nil)
		},
		"padding": func(f *http2.Framer, n int) error {
			if n == 0 {
				return answered(f)
			}
			return f.WriteDataPadded(1, false, nil, make([]byte, 255))
		},
		"trailers": func(f *http2.Framer, n int) error {
			switch n {
			case 0:
				return answered(f)
			case 1:
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: head("x", "y")})
			}
			return f.WriteContinuation(1, false, head(fmt.Sprint("x-", n), string(make([]byte, 1000))))
		},
	}
	servers := map[string]HTTPRequest{}
	for name, flood := range h2 {
		servers["HTTP/2 "+name] = HTTPRequest{HTTP: "2", URL: "http://" + httpScripted(t, func(c net.Conn) {
			_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
			f := http2.NewFramer(c, c)
			f.AllowIllegalWrites = true
			_ = f.WriteSettings()
			for asked := false; !asked; {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				_, asked = frame.(*http2.HeadersFrame)
			}
			go io.Copy(io.Discard, c)
			for n := 0; flood(f, n) == nil; n++ {
			}
		})}
	}
	var empty bytes.Buffer
	gzip.NewWriter(&empty).Close()
	members := bytes.Repeat(empty.Bytes(), 1000)
	h1 := map[string]string{
		"gzip members":     "Content-Encoding: gzip\r\n\r\n" + string(members),
		"chunk extension":  "Transfer-Encoding: chunked\r\n\r\n1;" + string(make([]byte, 1000)),
		"chunk extensions": "Transfer-Encoding: chunked\r\n\r\n" + string(bytes.Repeat([]byte("1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n"), 100)),
		"trailers":         "Transfer-Encoding: chunked\r\n\r\n0\r\n" + string(bytes.Repeat([]byte("A: b\r\n"), 100)),
	}
	for name, text := range h1 {
		begin, again, _ := bytes.Cut([]byte("HTTP/1.1 200 OK\r\n"+text), []byte("\r\n\r\n"))
		servers["HTTP/1 "+name] = HTTPRequest{URL: "http://" + httpScripted(t, func(c net.Conn) {
			_, err := c.Write(append(begin, "\r\n\r\n"...))
			for err == nil {
				_, err = c.Write(again)
			}
		})}
	}
	for name, req := range servers {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := httpProbe(t, 300*time.Millisecond, req)
			took := time.Since(began)
			runtime.GC()
			runtime.ReadMemStats(&after)
			t.Logf("after %v: %v", took, err)
			if err == nil || took > 30*time.Second {
				t.Errorf("Do = %v after %v, want an error within the request's time", err, took)
			}
			if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 8<<20 {
				t.Errorf("%d MiB stay, want none", more>>20)
			}
		})
	}
}
