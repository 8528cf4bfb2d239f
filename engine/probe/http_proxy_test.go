package probe

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// httpTunnel carries bytes both ways until one side ends.
func httpTunnel(a, b net.Conn) {
	go func() {
		io.Copy(b, a)
		b.Close()
	}()
	io.Copy(a, b)
	a.Close()
}

// httpForwards is an HTTP proxy for joe with the password pa:ss.
func httpForwards(conn net.Conn) {
	br := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if req.Header.Get("Proxy-Authorization") != "Basic am9lOnBhOnNz" {
			io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		if req.Method != http.MethodConnect {
			req.Header.Del("Proxy-Authorization")
			req.RequestURI = ""
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
				continue
			}
			res.Write(conn)
			continue
		}
		to, err := net.Dial("tcp", req.Host)
		if err != nil {
			io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		httpTunnel(conn, to)
		return
	}
}

// httpSocksServer is a SOCKS5 proxy (RFC 1928, 1929) for joe with pa:ss.
func httpSocksServer(conn net.Conn) {
	b := make([]byte, 512)
	read := func(n int) []byte {
		if _, err := io.ReadFull(conn, b[:n]); err != nil {
			return make([]byte, n)
		}
		return b[:n]
	}
	if n := int(read(2)[1]); !strings.Contains(string(read(n)), "\x02") {
		conn.Write([]byte{5, 0xff})
		return
	}
	conn.Write([]byte{5, 2})
	user := string(read(int(read(2)[1])))
	password := string(read(int(read(1)[0])))
	if user != "joe" || password != "pa:ss" {
		conn.Write([]byte{1, 1})
		return
	}
	conn.Write([]byte{1, 0})
	var host string
	switch head := read(4); head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	}
	to, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(2))))))
	if err != nil {
		conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	httpTunnel(conn, to)
}

func TestHTTPProxies(t *testing.T) {
	ca := newHTTPCA(t)
	plain := newHTTPServer(t, httpPages(), nil).URL
	secure := newHTTPServer(t, httpPages(), httpTLS(t, ca, "127.0.0.1", nil)).URL
	forwards, socks := httpScripted(t, httpForwards), httpScripted(t, httpSocksServer)
	overTLS := httpScriptedTLS(t, httpTLS(t, ca, "127.0.0.1", nil), httpForwards)
	strangeTLS := httpScriptedTLS(t, httpTLS(t, newHTTPCA(t), "127.0.0.1", nil), httpForwards)
	refused := httpRefused(t)
	const user = "joe:pa%3Ass@"
	tests := []struct {
		name  string
		url   string
		proxy string
		kind  Kind
		text  string
		proto string
	}{
		{"http by http", plain, "http://" + user + forwards, "", "", "1.1"},
		{"no scheme", plain, user + forwards, "", "", "1.1"},
		{"https by http", secure, "http://" + user + forwards, "", "", "2"},
		{"http by https", plain, "https://" + user + overTLS, "", "", "1.1"},
		{"in progress", secure, "http://" + user + httpScripted(t, func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 102 Processing\r\n\r\n")
			httpForwards(conn)
		}), "", "", "2"},
		{"https by https", secure, "https://" + user + overTLS, "", "", "2"},
		{"http by socks5", plain, "socks5://" + user + socks, "", "", "1.1"},
		{"https by socks5h", secure, "socks5h://" + user + socks, "", "", "2"},
		{"name by socks5", strings.Replace(plain, "127.0.0.1", "localhost", 1), "socks5://" + user + socks, "", "", "1.1"},
		{"no password, tunnel", secure, "http://" + forwards, Auth, "the proxy wants other credentials", ""},
		{"wrong password, socks", plain, "socks5://joe:x@" + socks, Auth, "the proxy wants other credentials", ""},
		{"target down, tunnel", "https://" + refused, "http://" + user + forwards, Refused, "502 Bad Gateway", ""},
		{"target down, socks", "http://" + refused, "socks5://" + user + socks, Refused, "refused", ""},
		{"proxy down", plain, "http://" + refused, Vantage, "the proxy: connecting to " + refused + ": connection refused", ""},
		{"proxy unknown", plain, "http://nosuch.invalid:3128", Vantage, "the proxy: resolving", ""},
		{"proxy hangs", secure, "http://" + httpScripted(t, httpHangs), Timeout, "waiting for the proxy", ""},
		{"socks proxy hangs", plain, "socks5://" + httpScripted(t, httpHangs), Timeout, "waiting for the proxy", ""},
		{"no password", plain, "http://" + forwards, Auth, "the proxy wants other credentials", ""},
		{"proxy hangs up", secure, "http://" + httpScripted(t, func(net.Conn) {}), Vantage, "the proxy: the connection broke", ""},
		{"socks proxy hangs up", plain, "socks5://" + httpScripted(t, func(net.Conn) {}), Vantage, "the proxy: ", ""},
		{"no socks proxy", plain, "socks5://" + httpScripted(t, func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }), Vantage, "the proxy: ", ""},
		{"certificate of the proxy", secure, "https://" + user + strangeTLS, Vantage, "the proxy: tls: certificate signed by unknown authority", ""},
		{"certificate of the target", strings.Replace(strangeTLS, "127", "https://127", 1), "http://" + user + forwards, TLS, "tls: certificate signed by unknown authority", ""},
		{"no proxy", secure, "http://" + httpScripted(t, httpSays("SSH-2.0\r\n", false)), Vantage, "the proxy: malformed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req := HTTPRequest{URL: tt.url + "/slow", Proxy: tt.proxy, CA: ca.roots, ProxyCA: ca.roots}
			if tt.kind != "" {
				err := httpFails(t, 1500*time.Millisecond, tt.kind, req, func(e *Error) bool { return strings.Contains(e.Message, tt.text) })
				if err == nil || err.Kind != tt.kind || !strings.Contains(err.Message, tt.text) {
					t.Errorf("Do by %q = %v, want kind %q with %q", tt.proxy, err, tt.kind, tt.text)
				}
				return
			}
			res, err := httpProbe(t, time.Minute, req)
			if err != nil {
				t.Fatal(err)
			}
			if res.Status != 200 || string(res.Body) != "at last" || res.Proto != tt.proto {
				t.Errorf("Do by %q = %d %q over %s, want 200 %q over %s", tt.proxy, res.Status, res.Body, res.Proto, "at last", tt.proto)
			}
			checkHTTPTiming(t, tt.name, &res.Timing)
		})
	}
}

// What a request says of certificates is of its server alone: as curl has it, the
// proxy is verified whatever --insecure and --cacert say, and is shown no --cert.
func TestHTTPProxyCertificates(t *testing.T) {
	ca := newHTTPCA(t)
	config := httpTLS(t, ca, "127.0.0.1", nil)
	config.ClientAuth = tls.RequestClientCert
	shown := make(chan int, 1)
	proxy := "https://joe:pa%3Ass@" + httpScriptedTLS(t, config, func(conn net.Conn) {
		if conn.(*tls.Conn).Handshake() == nil {
			shown <- len(conn.(*tls.Conn).ConnectionState().PeerCertificates)
			httpForwards(conn)
		}
	})
	plain := newHTTPServer(t, httpPages(), nil).URL
	cert, key := ca.pem(t, "me")
	for _, req := range []HTTPRequest{{CA: ca.roots}, {Insecure: true}} {
		req.URL, req.Proxy = plain+"/slow", proxy
		if _, err := httpProbe(t, time.Minute, req); err == nil || err.Kind != Vantage || !strings.Contains(err.Message, "the proxy: tls: certificate signed by") || !strings.Contains(err.Message, "proxy_ca") {
			t.Errorf("Do by a proxy of an authority unknown to it, insecure %v: %v, want that the proxy's certificate is refused, and what to do", req.Insecure, err)
		}
	}
	if _, err := httpProbe(t, time.Minute, HTTPRequest{URL: plain + "/slow", Proxy: proxy, ProxyCA: ca.roots, Cert: cert, Key: key}); err != nil {
		t.Fatal(err)
	}
	if n := <-shown; n != 0 {
		t.Errorf("the proxy was shown %d certificates, want none", n)
	}
}

// The environment's proxy is for browsers, not for what watches.
func TestHTTPIgnoresProxyOfEnvironment(t *testing.T) {
	s := newHTTPServer(t, httpPages(), nil)
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://"+httpRefused(t))
	}
	if _, err := httpProbe(t, time.Minute, HTTPRequest{URL: strings.Replace(s.URL, "127.0.0.1", "localhost", 1)}); err != nil {
		t.Errorf("Do with a proxy in the environment: %v", err)
	}
}
