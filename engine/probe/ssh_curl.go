package probe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sshCurlMark begins what curl writes out after the body.
const sshCurlMark = "pharos-curl-writes-out"

// sshCurlVars are the variables of curl's --write-out that are asked for. One
// that an old curl does not know is left out by it.
var sshCurlVars = []string{
	"time_namelookup", "time_connect", "time_appconnect", "time_pretransfer", "time_starttransfer", "time_redirect",
	"time_total", "http_code", "http_version", "size_header", "size_download", "num_connects", "remote_ip",
	"redirect_url",
}

// curl makes the request with the curl of a host.
func (p *SSHPool) curl(ctx context.Context, host string, req *HTTPRequest) (*HTTPResult, error) {
	r := sshCurl{host: host, req: req}
	var err error
	if r.target, err = httpParseTarget(req.URL); err != nil {
		return nil, err
	}
	if r.message, err = newHTTPMessage(req); err != nil {
		return nil, r.fail(Misuse, "", nil, "%v", err)
	}
	if r.message.body != nil && bytes.IndexByte(r.message.body, 0) >= 0 {
		return nil, r.fail(Vantage, "", ErrForwardingDenied, "%v by the host, and curl cannot be given a body with NUL bytes", ErrForwardingDenied)
	}
	if name := r.missing(); name != "" {
		return nil, r.fail(Vantage, "", ErrForwardingDenied, "%v by the host, and its curl cannot be given option %s", ErrForwardingDenied, name)
	}
	// All goes in by stdin: a command line shows in the host's process list.
	out, err := p.Exec(ctx, host, ExecRequest{
		Argv: []string{"curl", "-q", "-K", "-"}, Stdin: r.config(ctx),
		MaxOutput: 2 * (r.keep() + httpHeadMax + 4096), // the start must hold headers and body
	})
	if err != nil {
		return nil, err
	}
	return r.read(out)
}

// sshCurl is one request made by a host's curl.
type sshCurl struct {
	host    string
	req     *HTTPRequest
	target  *httpTarget
	message httpMessage
}

// missing names an option that curl would need files for on the host, or has
// not at all; "" is none.
func (r *sshCurl) missing() string {
	switch {
	case r.req.Proxy != "":
		return "proxy"
	case len(r.req.CA) > 0:
		return "ca"
	case len(r.req.Cert) > 0 || len(r.req.Key) > 0:
		return "cert"
	case r.req.ServerName != "":
		return "server_name"
	}
	return ""
}

// keep is how many bytes of body are kept.
func (r *sshCurl) keep() int {
	switch {
	case r.req.MaxBody == 0:
		return httpKeepDefault
	case r.req.MaxBody < 0:
		return 0
	}
	return r.req.MaxBody
}

// config is the request as a configuration file of curl(1).
func (r *sshCurl) config(ctx context.Context) []byte {
	var b bytes.Buffer
	set := func(option, value string) { fmt.Fprintf(&b, "%s = %s\n", option, sshCurlQuote(value)) }
	u := *r.target.url
	u.User = nil // the message has the header for it
	set("url", u.String())
	b.WriteString("silent\nshow-error\ninclude\ngloboff\n")
	r.configMethod(&b, set)
	r.configHeader(set)
	for from, to := range r.req.Resolve {
		set("connect-to", sshCurlConnectTo(from, to))
	}
	if r.req.Unix != "" {
		set("unix-socket", r.req.Unix)
	}
	if r.req.Redirects > 0 {
		b.WriteString("location\n")
		set("max-redirs", strconv.Itoa(r.req.Redirects))
	}
	for option, on := range map[string]bool{
		"ipv4": r.req.IP == 4, "ipv6": r.req.IP == 6, "insecure": r.req.Insecure, "http1.1": r.req.HTTP == "1.1",
		"http2":                 r.req.HTTP == "2" && u.Scheme == "https",
		"http2-prior-knowledge": r.req.HTTP == "2" && u.Scheme == "http",
	} {
		if on {
			b.WriteString(option + "\n")
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		// A little less than is left, so that it is curl that says where it was.
		left := time.Until(deadline)
		set("max-time", strconv.FormatFloat(max(left-min(left/10, 50*time.Millisecond), time.Millisecond).Seconds(), 'f', 3, 64))
	}
	out := "\n" + sshCurlMark + "\n"
	for _, name := range sshCurlVars {
		out += name + " %{" + name + "}\n"
	}
	set("write-out", out)
	return b.Bytes()
}

func (r *sshCurl) configMethod(b *bytes.Buffer, set func(option, value string)) {
	switch m := r.message.method; {
	case m == http.MethodHead:
		b.WriteString("head\n")
	case m == http.MethodGet && len(r.message.body) == 0, m == http.MethodPost:
	default:
		set("request", m)
	}
	if r.message.hasLength() {
		set("data-binary", string(r.message.body))
	}
}

func (r *sshCurl) configHeader(set func(option, value string)) {
	sent := map[string]bool{}
	if r.message.host != "" {
		set("header", "Host: "+r.message.host)
	}
	r.message.fields(r.target, func(name, value string) {
		sent[name] = true
		if value == "" {
			set("header", name+";")
		} else {
			set("header", name+": "+value)
		}
	})
	for _, own := range []string{"User-Agent", "Accept", "Content-Type", "Expect"} { // curl's, where we send none
		if !sent[own] {
			set("header", own+":")
		}
	}
}

// sshCurlConnectTo is an entry of Resolve as curl's HOST1:PORT1:HOST2:PORT2,
// where an empty port is any, and the same.
func sshCurlConnectTo(from, to string) string {
	if _, _, err := net.SplitHostPort(from); err != nil {
		from += ":"
	}
	if _, _, err := net.SplitHostPort(to); err != nil {
		to = "[" + strings.Trim(to, "[]") + "]:"
		if !strings.Contains(to, "::") && strings.Count(to, ":") == 1 {
			to = strings.NewReplacer("[", "", "]", "").Replace(to)
		}
	}
	return from + ":" + to
}

// sshCurlQuote makes a value of a configuration file of curl(1).
func sshCurlQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`).Replace(s) + `"`
}

// read makes a result of what curl printed.
func (r *sshCurl) read(out *ExecResult) (*HTTPResult, error) {
	vars, answer, ok := sshCurlVariables(out.Stdout)
	if !ok {
		return nil, r.fail(Vantage, "", ErrForwardingDenied, "%v by the host, and curl does not work there: %s", ErrForwardingDenied,
			Clean(bytes.TrimSpace(out.Stderr)))
	}
	timing := vars.timing()
	if out.Code != 0 {
		kind, phase := vars.failure(out.Code, r.target.url.Scheme == "https", &timing)
		reason, _, _ := strings.Cut(Clean(bytes.TrimSpace(out.Stderr)), "\n")
		if _, after, ok := strings.Cut(reason, ") "); ok && strings.HasPrefix(reason, "curl: (") {
			reason = after
		}
		e := r.fail(kind, phase, nil, "%s (says curl on %s)", reason, r.host)
		e.Timing = &timing
		return nil, e
	}
	res := &HTTPResult{
		Status: vars.int("http_code"), Size: int64(vars.int("size_download")),
		RedirectURL: vars["redirect_url"], RemoteIP: vars["remote_ip"], Proto: vars["http_version"],
		Connects: vars.int("num_connects"), Timing: timing,
	}
	head := min(vars.int("size_header"), len(answer))
	r.readHeaders(res, answer[:head])
	res.Header.Del("Transfer-Encoding") // of the way, not of the answer, as net/http has it
	res.Body = bytes.Clone(answer[head:min(len(answer), head+r.keep())])
	res.Truncated = res.Size > int64(len(res.Body))
	return res, nil
}

// readHeaders takes the headers of all hops; those of the last are the answer's.
func (r *sshCurl) readHeaders(res *HTTPResult, text []byte) {
	at := r.target.url
	defer func() { res.URL = RedactURL(at.String()) }()
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		line, err := lines.ReadLine()
		if err != nil {
			return
		}
		header, err := lines.ReadMIMEHeader()
		if err != nil && err != io.EOF {
			return
		}
		_, status, _ := strings.Cut(line, " ")
		code, _ := strconv.Atoi(strings.Fields(status + " 0")[0])
		res.Header = http.Header(header)
		if next, err := url.Parse(header.Get("Location")); err == nil && r.req.Redirects > 0 && httpRedirects(code) {
			res.Hops = append(res.Hops, HTTPHop{URL: RedactURL(at.String()), Status: code})
			at = at.ResolveReference(next)
		}
	}
}

func (r *sshCurl) fail(kind Kind, phase string, cause error, format string, args ...any) *Error {
	run := httpRun{req: r.req, first: r.target, target: r.target}
	return &Error{Kind: kind, Phase: phase, Err: cause, Message: run.doing() + ": " + fmt.Sprintf(format, args...)}
}

// sshCurlValues are the variables curl wrote out.
type sshCurlValues map[string]string

// sshCurlVariables splits what curl printed into its variables and the answer
// before them.
func sshCurlVariables(out []byte) (vars sshCurlValues, answer []byte, ok bool) {
	mark := "\n" + sshCurlMark + "\n"
	i := bytes.LastIndex(out, []byte(mark))
	if i < 0 {
		return nil, nil, false
	}
	vars = make(sshCurlValues)
	for line := range strings.SplitSeq(string(out[i+len(mark):]), "\n") {
		name, value, _ := strings.Cut(line, " ")
		vars[name] = value
	}
	return vars, out[:i], true
}

func (v sshCurlValues) int(name string) int {
	n, err := strconv.Atoi(v[name])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (v sshCurlValues) seconds(name string) time.Duration {
	s, err := strconv.ParseFloat(strings.ReplaceAll(v[name], ",", "."), 64) // old ones write the locale's comma
	if err != nil || s < 0 || s > 1e6 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}

// timing makes phases of curl's marks. It has none for the sending of the
// request: that is part of Wait.
func (v sshCurlValues) timing() Timing {
	t := Timing{
		NameLookup: v.seconds("time_namelookup"), Connected: v.seconds("time_connect"), AppConnect: v.seconds("time_appconnect"),
		PreTransfer: v.seconds("time_pretransfer"), StartTransfer: v.seconds("time_starttransfer"),
		Redirect: v.seconds("time_redirect"), Total: v.seconds("time_total"),
	}
	var at time.Duration
	step := func(phase *time.Duration, mark time.Duration) {
		if mark > at {
			*phase += mark - at
			at = mark
		}
	}
	step(&t.DNS, t.NameLookup)
	step(&t.Connect, t.Connected)
	step(&t.TLS, t.AppConnect)
	step(&t.Blocked, t.PreTransfer)
	step(&t.Wait, t.StartTransfer)
	step(&t.Receive, t.Total)
	t.Total = at
	return t
}

// failure gives kind and phase of an exit code of curl(1), and gives the time
// since the last mark to that phase.
func (v sshCurlValues) failure(code int, tls bool, t *Timing) (Kind, string) {
	kind, known := sshCurlKinds[code]
	if !known {
		kind = Proto
	}
	phase, spent := "receive", &t.Receive
	switch {
	case kind == TLS: // some versions have no time_connect then
		phase, spent = "tls", &t.TLS
	case t.NameLookup == 0:
		phase, spent = "dns", &t.DNS
	case t.Connected == 0:
		phase, spent = "connect", &t.Connect
	case tls && t.AppConnect == 0:
		phase, spent = "tls", &t.TLS
	case t.StartTransfer == 0:
		phase, spent = "wait", &t.Wait
	}
	if left := t.Receive; spent != &t.Receive {
		t.Receive = 0
		*spent += left
	}
	return kind, phase
}

// sshCurlKinds are the exit codes of curl(1) that say what failed.
var sshCurlKinds = map[int]Kind{
	1: Misuse, 3: Misuse, 2: Vantage, 4: Vantage, 27: Vantage,
	6: DNS, 7: Refused, 28: Timeout, 47: Redirects,
	18: Reset, 52: Reset, 55: Reset, 56: Reset,
	35: TLS, 51: TLS, 53: TLS, 54: TLS, 58: TLS, 59: TLS, 60: TLS, 66: TLS, 77: TLS, 80: TLS, 82: TLS, 83: TLS, 90: TLS, 91: TLS,
}
