package probe

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// byCurl makes the request with curl, at a vantage that runs commands but does
// not forward connections. What curl measures are the marks that Timing has;
// of the certificate it tells only whether it is good. denied is returned when
// curl cannot do it either.
func (r *httpRun) byCurl(denied error) (*HTTPResult, error) {
	config, err := r.curlConfig()
	if err != nil {
		return nil, httpCurlDenied(denied, err.Error())
	}
	ran, err := r.req.Exec(r.ctx, ExecRequest{
		Argv:  []string{"curl", "-q", "-K", "-"}, // by stdin: arguments can be read by everyone there
		Stdin: config,
		Env:   []string{"LC_ALL=C"},
		// The first half is kept as it is: headers and the part of the body
		// that is asked for. The report is at the very end.
		MaxOutput: 2 * (httpHeadMax + r.req.Keep()),
	})
	if err != nil {
		return nil, r.curlUndone(err)
	}
	report, ok := parseHTTPCurlReport(ran.Stdout)
	if !ok {
		return nil, httpCurlDenied(denied, httpCurlSaid(ran))
	}
	r.timing = report.timing
	if ran.Code != 0 {
		return nil, r.curlFailed(report, ran)
	}
	return r.curlResult(report, ran.Stdout)
}

// curlUndone is about a command that did not get as far as to report.
func (r *httpRun) curlUndone(err error) error {
	told, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	spent := r.since()
	also := *told
	also.Phase, also.Timing = "blocked", &Timing{Blocked: spent, Total: spent}
	also.Message = r.doing() + ": " + told.Message
	return &also
}

func httpCurlDenied(denied error, reason string) error {
	e, ok := errors.AsType[*Error](denied)
	if !ok {
		return denied
	}
	also := *e
	also.Message += ", and curl cannot be used there: " + reason
	return &also
}

func httpCurlSaid(ran *ExecResult) string {
	said := strings.TrimSpace(Clean(ran.Stderr))
	switch {
	case ran.Code == 127:
		return "there is none"
	case said == "":
		return "it exited with " + strconv.Itoa(ran.Code)
	}
	return bounded(said, 200)
}

// curlConfig is the request as lines of curl's -K, which hold one option each.
func (r *httpRun) curlConfig() ([]byte, error) {
	req, m := r.req, &r.message
	switch {
	case len(req.CA)+len(req.Cert)+len(req.Key) > 0:
		return nil, errors.New("options ca, cert and key stay on this machine")
	case len(req.ProxyCA) > 0:
		return nil, errors.New("option proxy_ca stays on this machine")
	case req.ServerName != "" && req.ServerName != r.first.host:
		return nil, errors.New("it has no option server_name")
	case bytes.IndexByte(m.body, 0) >= 0:
		return nil, errors.New("it takes no body with a NUL byte")
	}
	var b []byte
	flag := func(name string) { b = append(append(b, name...), '\n') }
	set := func(name, value string) {
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
		b = fmt.Appendf(b, "%s = \"%s\"\n", name, quote.Replace(value))
	}
	for _, name := range []string{"silent", "show-error", "globoff"} {
		flag(name)
	}
	at := *r.first.url
	at.Host = r.first.authority()
	set("url", at.String())
	for _, name := range []string{"proto", "proto-redir"} {
		set(name, "=http,https")
	}
	set("write-out", httpCurlReport)
	set("dump-header", "-")
	r.curlMethod(flag, set)
	m.fields(r.first, func(name, value string) {
		switch {
		case name == "Authorization" && m.header["Authorization"] == nil: // curl sees to the URL's user
		case name == "Cookie" && m.header["Cookie"] == nil:
			set("cookie", value)
		default:
			set("header", name+": "+value)
		}
	})
	for _, name := range []string{"User-Agent", "Accept"} {
		if values, given := m.header[name]; given && len(values) == 0 {
			set("header", name+":") // else curl sends its own
		}
	}
	if m.host != "" {
		set("header", "Host: "+m.host)
	}
	r.curlWay(flag, set)
	if deadline, ok := r.ctx.Deadline(); ok {
		// Ahead of ours, to hear from curl what it waited for.
		left := time.Until(deadline).Seconds()
		set("max-time", fmt.Sprintf("%.3f", max(0.001, min(0.95*left, left-0.05))))
	}
	return b, nil
}

func (r *httpRun) curlMethod(flag func(string), set func(name, value string)) {
	m := &r.message
	if m.method == http.MethodHead || r.req.Keep() == 0 {
		set("output", "/dev/null") // the headers are dumped already
	}
	switch {
	case m.method == http.MethodHead:
		flag("head")
	case m.hasLength():
		set("data-raw", string(m.body))
		if m.header["Content-Type"] == nil {
			set("header", "Content-Type:")
		}
		set("header", "Expect:")
	}
	if m.method != http.MethodGet && m.method != http.MethodHead && m.method != http.MethodPost ||
		m.method == http.MethodGet && m.hasLength() {
		set("request", m.method)
	}
	if r.req.Redirects > 0 {
		flag("location")
		set("max-redirs", strconv.Itoa(r.req.Redirects))
		set("cookie", "") // keeps those set on the way
	}
}

func (r *httpRun) curlWay(flag func(string), set func(name, value string)) {
	req := r.req
	switch {
	case req.Proxy == "":
		set("noproxy", "*")
	case r.first.https():
		flag("suppress-connect-headers")
		fallthrough
	default:
		set("proxy", req.Proxy)
	}
	if req.Unix != "" {
		set("unix-socket", req.Unix)
	}
	if req.IP != 0 {
		flag("ipv" + strconv.Itoa(req.IP))
	}
	if req.Insecure {
		flag("insecure")
	}
	switch {
	case req.HTTP == "1.1":
		flag("http1.1")
	case req.HTTP == "2" && r.first.https():
		flag("http2")
	case req.HTTP == "2":
		flag("http2-prior-knowledge")
	}
	for _, rule := range httpCurlRules(req.Resolve) {
		set("connect-to", rule)
	}
}

// httpCurlRules is a table of addresses as curl's --connect-to. The first rule
// that fits counts there, so those of a host with any port come last.
func httpCurlRules(resolve map[string]string) (rules []string) {
	withPort := func(addr string) (string, bool) {
		if _, _, err := net.SplitHostPort(addr); err == nil {
			return addr, true
		}
		return net.JoinHostPort(strings.Trim(addr, "[]"), ""), false // any port, or the same
	}
	var hosts []string
	for _, at := range slices.Sorted(maps.Keys(resolve)) {
		to, _ := withPort(resolve[at])
		if at, ok := withPort(at); ok {
			rules = append(rules, at+":"+to)
		} else {
			hosts = append(hosts, at+":"+to)
		}
	}
	return append(rules, hosts...)
}

// httpCurlReport is curl's --write-out: a line at the end of the output.
const httpCurlReport = "\npharos\t%{http_code}\t%{size_download}\t%{num_redirects}\t%{num_connects}\t%{ssl_verify_result}" +
	"\t%{remote_ip}\t%{url_effective}\t%{redirect_url}\t%{time_namelookup}\t%{time_connect}\t%{time_appconnect}" +
	"\t%{time_pretransfer}\t%{time_starttransfer}\t%{time_redirect}\t%{time_total}\n"

// httpCurlLongest is longer than any request takes, in seconds: no figure of
// curl's reaches it.
const httpCurlLongest = 1e6

type httpCurlFacts struct {
	status, redirects, connects, verify int
	size                                int64
	remoteIP, url, redirectURL          string
	timing                              Timing
	at                                  int // where in the output it begins
}

func parseHTTPCurlReport(output []byte) (f httpCurlFacts, ok bool) {
	f.at = bytes.LastIndex(output, []byte("\npharos\t"))
	if f.at < 0 {
		return f, false
	}
	fields := strings.Split(strings.TrimSuffix(string(output[f.at+1:]), "\n"), "\t")
	if len(fields) != strings.Count(httpCurlReport, "\t")+1 {
		return f, false
	}
	// Another machine says so: what cannot be is nothing.
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i])
		return max(n, 0)
	}
	f.status, f.size, f.redirects, f.connects, f.verify = number(1), int64(number(2)), number(3), number(4), number(5)
	f.remoteIP, f.url, f.redirectURL = fields[6], fields[7], fields[8]
	var marks [7]time.Duration
	for i := range marks {
		seconds, err := strconv.ParseFloat(strings.Replace(fields[9+i], ",", ".", 1), 64)
		if err != nil || !(seconds >= 0 && seconds < httpCurlLongest) {
			return f, false
		}
		marks[i] = time.Duration(seconds * float64(time.Second))
	}
	f.timing = httpCurlTiming(marks)
	return f, true
}

// httpCurlTiming makes phases of curl's marks. Those are sums over hops, so
// their differences are sums of the hops' phases.
func httpCurlTiming(marks [7]time.Duration) Timing {
	t := Timing{
		NameLookup: marks[0], Connected: marks[1], AppConnect: marks[2], PreTransfer: marks[3],
		StartTransfer: marks[4], Redirect: marks[5], Total: marks[6],
	}
	at := time.Duration(0)
	step := func(phase *time.Duration, mark time.Duration) {
		if mark > at {
			*phase, at = mark-at, mark
		}
	}
	step(&t.DNS, t.NameLookup)
	step(&t.Connect, t.Connected)
	step(&t.TLS, t.AppConnect)
	step(&t.Send, t.PreTransfer)
	step(&t.Wait, t.StartTransfer)
	step(&t.Receive, t.Total)
	t.Total = at
	return t
}

// httpCurlExits are the kinds of curl's exit codes (curl(1), EXIT CODES); what
// is not here is of kind proto.
var httpCurlExits = map[int]Kind{
	5: Vantage, 6: DNS, 7: Refused, 18: Reset, 28: Timeout, 35: TLS, 47: Redirects, 51: TLS, 52: Reset,
	53: TLS, 54: TLS, 55: Reset, 56: Reset, 58: TLS, 59: TLS, 60: TLS, 66: TLS, 77: TLS, 80: TLS, 83: TLS,
	90: TLS, 91: TLS, 92: Reset, 97: Vantage,
}

// curlFailed is the error that the request would have ended with here.
func (r *httpRun) curlFailed(f httpCurlFacts, ran *ExecResult) error {
	timing := r.timing
	return &Error{Kind: cmp.Or(httpCurlExits[ran.Code], Proto), Phase: httpCurlPhase(&timing), Timing: &timing,
		Message: r.doing() + ": " + httpCurlSaid(ran)}
}

// httpCurlPhase is the phase after the last mark that was reached.
func httpCurlPhase(t *Timing) string {
	switch {
	case t.StartTransfer > 0:
		return "receive"
	case t.PreTransfer > 0:
		return "wait"
	case t.Connected > 0:
		return "tls"
	case t.NameLookup > 0:
		return "connect"
	}
	return "dns"
}

// curlResult reads the headers of all answers, and the beginning of the body.
func (r *httpRun) curlResult(f httpCurlFacts, output []byte) (*HTTPResult, error) {
	res := &HTTPResult{
		Size: f.size, URL: RedactURL(f.url), RedirectURL: RedactURL(f.redirectURL), RemoteIP: f.remoteIP,
		Connects: f.connects, Timing: r.timing, Cookies: r.req.Cookies,
	}
	rest := bytes.NewReader(output[:f.at])
	text := textproto.NewReader(bufio.NewReader(rest))
	for res.Status != f.status || len(res.Hops) < f.redirects {
		if res.Status != 0 && httpRedirects(res.Status) {
			res.Hops = append(res.Hops, HTTPHop{URL: r.target.String(), Status: res.Status})
			if next, err := r.resolve(res.Header.Get("Location")); err == nil {
				r.target = next
			}
		}
		if err := httpCurlHead(text, res); err != nil {
			return nil, r.curlBroke("reading what curl wrote", err)
		}
		res.Cookies = NextCookies(res.Cookies, res.Header)
	}
	left := rest.Len() + text.R.Buffered()
	return r.curlBody(res, output[f.at-left:f.at])
}

// httpCurlHead reads one status line, which for HTTP/2 is of curl's making,
// and its headers.
func httpCurlHead(text *textproto.Reader, res *HTTPResult) error {
	line, err := text.ReadLine()
	if err != nil {
		return err
	}
	proto, status, _ := strings.Cut(line, " ")
	status, _, _ = strings.Cut(status, " ")
	if res.Status, err = strconv.Atoi(status); err != nil || !strings.HasPrefix(proto, "HTTP/") {
		return fmt.Errorf("%q is not a status line", line)
	}
	res.Proto = strings.TrimPrefix(proto, "HTTP/")
	header, err := text.ReadMIMEHeader()
	res.Header = http.Header(header)
	return err
}

// curlBody keeps as much of the body as is wanted; what follows is not of it.
func (r *httpRun) curlBody(res *HTTPResult, body []byte) (*HTTPResult, error) {
	keep := r.req.Keep()
	body = body[:min(int64(len(body)), int64(keep), res.Size)]
	res.Body, res.Truncated = body, res.Size > int64(len(body))
	if len(body) == 0 || !httpZipped(res.Header) {
		return res, nil
	}
	kept, more, err := r.client.gunzip(&httpBody{r: bytes.NewReader(body), max: math.MaxInt64}, keep)
	if err != nil && !res.Truncated {
		return nil, r.curlBroke("decoding the gzip body", err)
	}
	res.Body, res.Truncated = kept, res.Truncated || more
	return res, nil
}

func (r *httpRun) curlBroke(doing string, err error) error {
	return &Error{Kind: Proto, Phase: "receive", Err: err, Timing: &r.timing,
		Message: fmt.Sprintf("%s: %s: %v", r.doing(), doing, err)}
}
