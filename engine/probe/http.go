package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of a timed request. They hold for each hop.
const (
	httpKeepDefault = 64 << 10  // bytes of body kept when MaxBody is 0
	httpCountMax    = 256 << 20 // bytes of body read before giving up on its end
	httpHeadMax     = 64 << 10  // bytes of status line and headers, 1xx answers included
	httpHopBodyMax  = 64 << 10  // bytes of a redirect's body read to save the connection
)

// HTTPRequest is one timed request. Only URL is needed.
type HTTPRequest struct {
	Method string // "" is GET
	URL    string // http or https; without a scheme, http, as curl has it
	// Header is sent as it is, beside Host, User-Agent and Accept; a name with
	// no values removes one of these. Host sets the Host header.
	Header  http.Header
	Cookies map[string]string
	Body    []byte

	Redirects int    // most that are followed; at 0 a redirect is the answer
	KeepAlive bool   // take and leave connections in the client's pool
	MaxBody   int    // bytes of body kept; 0 is 64 KiB, negative keeps none
	HTTP      string // "1.1", "2" (over http: with prior knowledge), "" lets TLS choose

	IP      int               // 4 or 6 restricts the addresses, 0 takes both
	Resolve map[string]string // "host:port" or "host" to an address, "ip" or "ip:port"
	Unix    string            // path of a socket to connect to instead
	Proxy   string            // http, https or socks5 URL; the environment's is never used

	Insecure      bool   // take any certificate; TLSInfo still says what is wrong with it
	CA, Cert, Key []byte // PEM: roots instead of the system's; client certificate and key
	ServerName    string // SNI and the name to verify, instead of the URL's host
	ProxyCA       []byte // PEM: roots for an https Proxy instead of the system's; the options above are not for it

	// Dial, if set, makes the connections, and resolves the names, from
	// somewhere else. Vantage names that place: without it, connections made
	// by Dial are not kept in the pool.
	Dial    DialFunc
	Vantage string
	// Exec, if set, runs commands at that place. Where Dial fails with
	// [ErrForwardingDenied], curl there makes the request, with its redirects;
	// behind one only if that may be sent twice.
	Exec func(ctx context.Context, req ExecRequest) (*ExecResult, error)

	stream func(head *http.Response, conn net.Conn) error // takes the body of the last answer; nil = it is kept and counted
}

// HTTPResult is an answer, whatever its status.
type HTTPResult struct {
	Status      int
	Header      http.Header
	Body        []byte    // decoded if it came as gzip; at most MaxBody bytes
	Size        int64     // bytes of body before decoding, as curl's size_download
	Truncated   bool      // Body is not the whole of it
	URL         string    // of the last hop; passwords are masked
	RedirectURL string    // where it would have redirected next, "" if nowhere
	RemoteIP    string    // "" over a unix socket or a proxy's tunnel
	Proto       string    // "1.0", "1.1", "2"
	Connects    int       // new connections made, as curl's num_connects
	TLS         *TLSInfo  // of the last hop; nil without TLS, or when Exec made the request
	Hops        []HTTPHop // the redirects followed, first to last
	Timing      Timing

	// Cookies are those to send next: the request's, and what this answer and the
	// redirects to it set or took away.
	Cookies map[string]string
}

// HTTPHop is one redirect that was followed.
type HTTPHop struct {
	URL    string // that redirected; passwords are masked
	Status int
}

// HTTPClient makes timed requests. The zero value is ready; it may be used by
// many goroutines. It holds what outlives a request: connections of requests
// that asked for KeepAlive (at most 32 idle for one destination and set of
// options, 8192 in all, for 90 s), parsed URLs and certificates, and buffers.
type HTTPClient struct {
	resolver *net.Resolver // nil is Go's own resolver, which holds no thread

	pool    httpPool
	certs   httpCerts
	churn   httpChurn
	h2      httpH2
	targets httpTargets
	readers sync.Pool // of *bufio.Reader
	zips    sync.Pool // of *gzip.Reader
	drains  sync.Pool // of *[httpDrainSize]byte
}

// Close closes the idle connections. The client stays usable.
func (c *HTTPClient) Close() { c.pool.closeAll() }

// Do makes the request and reads the answer. By default every hop but one to
// the same host in the same run uses a fresh connection. It ends at once when
// ctx does, and with the ctx's deadline as the only time limit.
//
// The error is an [*Error] with the Phase it failed in and the partial Timing.
// An HTTP status is never an error, but for the 407 of a Proxy.
func (c *HTTPClient) Do(ctx context.Context, req *HTTPRequest) (*HTTPResult, error) {
	r := httpRun{client: c, ctx: ctx, req: req, t0: time.Now()}
	defer r.settle()
	target, err := c.targets.parse(req.URL)
	if err != nil {
		return nil, err
	}
	if err := r.prepare(target); err != nil {
		return nil, r.misuse(err)
	}
	res, err := r.follow()
	if err != nil && req.Exec != nil && errors.Is(err, ErrForwardingDenied) {
		whole := httpRun{client: c, ctx: ctx, req: req, t0: r.t0} // redirects may have changed r
		if whole.prepare(target) == nil && (len(r.hops) == 0 || whole.message.idempotent()) {
			return whole.byCurl(err)
		}
	}
	return res, err
}

// httpRun is one call of Do.
type httpRun struct {
	client *HTTPClient
	ctx    context.Context
	req    *HTTPRequest
	t0     time.Time

	first, target *httpTarget // where it began, where it is
	message       httpMessage // what is sent there
	proxy         *httpTarget
	certs         httpCertKey
	proxyCerts    httpCertKey
	tls, proxyTLS *tls.Config // shared: to be cloned
	jar           *httpJar    // nil unless redirects are followed

	conn     *httpConn // of the last hop, if still good for another
	connects int
	hops     []HTTPHop
	timing   Timing
}

// prepare checks the request and fills the run from it.
func (r *httpRun) prepare(target *httpTarget) (err error) {
	r.first, r.target = target, target
	req := r.req
	if r.message, err = newHTTPMessage(req); err != nil {
		return err
	}
	switch {
	case req.IP != 0 && req.IP != 4 && req.IP != 6:
		return fmt.Errorf("option ip is %d, want 4 or 6", req.IP)
	case req.HTTP != "" && req.HTTP != "1.1" && req.HTTP != "2":
		return fmt.Errorf("option http is %q, want 1.1 or 2", req.HTTP)
	case req.Unix != "" && req.Proxy != "":
		return errors.New("options unix and proxy exclude each other")
	}
	if req.Proxy != "" {
		if r.proxy, err = httpParseProxy(req.Proxy); err != nil {
			return err
		}
	}
	if r.proxy != nil && req.HTTP == "2" && !target.https() && !r.proxy.socks() {
		return errors.New("option http is 2, which an HTTP proxy does not speak for http URLs")
	}
	if req.Redirects > 0 {
		r.jar = newHTTPJar(r.message.cookie, target)
	}
	if r.proxy != nil && r.proxy.https() {
		ofProxy := &HTTPRequest{CA: req.ProxyCA}
		r.proxyCerts = newHTTPCertKey(ofProxy)
		if r.proxyTLS, err = r.client.certs.config(r.proxyCerts, ofProxy); err != nil {
			return errors.New("option proxy_ca has no certificate in PEM form")
		}
	}
	r.certs = newHTTPCertKey(req)
	r.tls, err = r.client.certs.config(r.certs, req)
	return err
}

// since is the time since the run began. It is never 0, which marks what did
// not happen.
func (r *httpRun) since() time.Duration { return max(time.Since(r.t0), 1) }

// follow makes hops until one does not redirect, or not any more.
func (r *httpRun) follow() (*HTTPResult, error) {
	var began time.Duration
	cookies := r.req.Cookies
	for {
		h := httpHop{run: r, marks: httpMarks{start: began}}
		res, err := h.do()
		h.marks.addTo(&r.timing, h.phase)
		if err != nil {
			return nil, r.fail(&h, err)
		}
		cookies = NextCookies(cookies, res.Header)
		next, err := r.redirect(res)
		if err != nil {
			return nil, r.fail(&h, err)
		}
		if next == nil {
			res.Hops, res.Timing, res.Connects, res.Cookies = r.hops, r.timing, r.connects, cookies
			return res, nil
		}
		r.hops = append(r.hops, HTTPHop{URL: res.URL, Status: res.Status})
		r.target = next
		r.timing.Redirect = h.marks.end
		began = h.marks.end
	}
}

// settle leaves the last connection in the pool or closes it.
func (r *httpRun) settle() {
	if r.conn == nil {
		return
	}
	if r.req.KeepAlive && (r.req.Dial == nil || r.req.Vantage != "") {
		r.conn.release(r.client)
		r.client.pool.put(r.conn)
		return
	}
	r.conn.close(r.client, true)
}
