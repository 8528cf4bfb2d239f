package probe

import (
	"bufio"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// httpPages are the pages of a well-behaved server, some of them slow: the
// delays are what two clients can agree on.
func httpPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, strings.Repeat("x", 20000))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(60 * time.Millisecond)
		io.WriteString(w, "at last")
	})
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			io.WriteString(w, "drop ")
			http.NewResponseController(w).Flush() // makes it chunked
			time.Sleep(20 * time.Millisecond)
		}
	})
	mux.HandleFunc("/hint", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		time.Sleep(60 * time.Millisecond)
		io.WriteString(w, "the page")
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, strings.Repeat("well ", 5000))
		z.Close()
	})
	mux.HandleFunc("/redirect/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		time.Sleep(20 * time.Millisecond)
		to := "/slow"
		if n > 1 {
			to = fmt.Sprintf("/redirect/%d", n-1)
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("/heavy", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/plain")
		w.WriteHeader(http.StatusFound)
		w.Write(make([]byte, 2*httpHopBodyMax))
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		const pieces, size = 20, 5 << 20
		piece := make([]byte, size)
		w.Header().Set("Content-Length", strconv.Itoa(pieces*size))
		began := time.Now()
		for i := range pieces { // a network would be the slower part, not the clients
			time.Sleep(time.Duration(i)*40*time.Millisecond - time.Since(began))
			w.Write(piece)
		}
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for piece := make([]byte, 32<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	return mux
}

// newHTTPServer serves the pages, over TLS if config is set.
func newHTTPServer(t testing.TB, handler http.Handler, config *tls.Config) *httptest.Server {
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config == nil {
		s.Start()
	} else {
		s.TLS = config
		s.EnableHTTP2 = len(config.NextProtos) == 0
		s.StartTLS()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// httpTLS is a server's configuration with a certificate for host.
func httpTLS(t testing.TB, ca *httpCA, host string, edit func(*x509.Certificate)) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{ca.issue(t, host, edit)}}
}

// httpScripted serves each connection with one function, and gives the
// server's address.
func httpScripted(t testing.TB, serve func(net.Conn)) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveHTTPScript(t, ln, serve)
}

// httpScriptedTLS is the same over TLS.
func httpScriptedTLS(t testing.TB, config *tls.Config, serve func(net.Conn)) string {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	return serveHTTPScript(t, ln, serve)
}

func serveHTTPScript(t testing.TB, ln net.Listener, serve func(net.Conn)) string {
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return ln.Addr().String()
}

// httpSays reads requests, answers each with text, and goes on if keep is set.
func httpSays(text string, keep bool) func(net.Conn) {
	return func(conn net.Conn) {
		br := bufio.NewReader(conn)
		for {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			io.WriteString(conn, text)
			if !keep {
				return
			}
		}
	}
}

// httpHangs reads and never answers.
func httpHangs(conn net.Conn) { io.Copy(io.Discard, conn) }

// httpResets reads a request and breaks the connection.
func httpResets(conn net.Conn) {
	http.ReadRequest(bufio.NewReader(conn))
	conn.(*net.TCPConn).SetLinger(0)
}

// httpEndlessHead sends headers until nobody listens any more.
func httpEndlessHead(conn net.Conn) {
	http.ReadRequest(bufio.NewReader(conn))
	io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	for line := []byte("X-More: " + strings.Repeat("x", 1000) + "\r\n"); ; {
		if _, err := conn.Write(line); err != nil {
			return
		}
	}
}
