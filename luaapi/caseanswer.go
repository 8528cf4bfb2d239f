package luaapi

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// A stubField is what a table that a stub gives may have, and how it is read.
type stubField struct {
	name string
	set  func(v lua.LValue) error
}

// into reads a field into to.
func into[T any](to *T, set func(to *T, v lua.LValue) error) func(v lua.LValue) error {
	return func(v lua.LValue) error { return set(to, v) }
}

func countInto[N int | int64](to *N, low, high N) func(v lua.LValue) error {
	return func(v lua.LValue) error { return setCount(to, v, low, high) }
}

func stubFieldNames(fields []stubField) []string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.name
	}
	return names
}

// readAnswer reads the table that a stub gave.
func readAnswer(L *lua.LState, kind string, v lua.LValue, fields []stubField) {
	t, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("cannot use the answer of the stub %q: want a table, or nil and { kind =, message = }, got %s", kind, typeName(v))
	}
	names := stubFieldNames(fields)
	eachOption(L, t, "the answer of the stub "+kind, names, func(name string, v lua.LValue) error {
		return fields[slices.Index(names, name)].set(v)
	})
}

func setNumber(to *float64, v lua.LValue) error {
	n, ok := v.(lua.LNumber)
	if !ok {
		return wantType("a number", v)
	}
	*to = float64(n)
	return nil
}

func execStub(r *probe.ExecResult) []stubField {
	return []stubField{
		{"code", countInto(&r.Code, -1, 255)},
		{"stdout", into(&r.Stdout, setBytes)},
		{"stderr", into(&r.Stderr, setBytes)},
		{"signal", func(v lua.LValue) error {
			r.Code = -1
			return setText(&r.Signal, v)
		}},
		{"elapsed", into(&r.Elapsed, setDuration)},
		{"truncated", into(&r.Truncated, setBool)},
	}
}

func httpStub(r *probe.HTTPResult) []stubField {
	return []stubField{
		{"status", countInto(&r.Status, 100, 599)},
		{"body", into(&r.Body, setBytes)},
		{"headers", func(v lua.LValue) (err error) {
			r.Header, err = readHeaders(v)
			return err
		}},
		{"total", into(&r.Timing, setTotal)},
		{"timing", into(&r.Timing, setPhases)},
		{"url", into(&r.URL, setText)},
		{"redirect_url", into(&r.RedirectURL, setText)},
		{"remote_ip", into(&r.RemoteIP, setText)},
		{"tls", into(&r.TLS, setStubTLS)},
	}
}

// setTotal is a request whose time all went into waiting.
func setTotal(t *probe.Timing, v lua.LValue) error {
	var total time.Duration
	if err := setDuration(&total, v); err != nil {
		return err
	}
	*t = probe.Timing{Wait: total, Total: total, StartTransfer: total}
	return nil
}

// setPhases is a request whose time is the sum of its phases.
func setPhases(t *probe.Timing, v lua.LValue) error {
	phases, ok := v.(*lua.LTable)
	if !ok {
		return wantType("a table of phases", v)
	}
	*t = probe.Timing{}
	places := map[string]*time.Duration{
		"blocked": &t.Blocked, "dns": &t.DNS, "connect": &t.Connect, "tls": &t.TLS,
		"send": &t.Send, "wait": &t.Wait, "receive": &t.Receive,
	}
	var failed error
	vm.Plain(phases).ForEach(func(k, v lua.LValue) {
		place, known := places[k.String()]
		if !known {
			failed = errors.New("there is no phase " + k.String())
			return
		}
		failed = errors.Join(failed, setDuration(place, v))
	})
	for _, phase := range t.Phases() {
		t.Total += phase.Duration
	}
	t.NameLookup = t.Blocked + t.DNS
	t.Connected = t.NameLookup + t.Connect
	if t.TLS > 0 {
		t.AppConnect = t.Connected + t.TLS
	}
	t.PreTransfer = t.Connected + t.TLS + t.Send
	t.StartTransfer = t.Total - t.Receive
	return failed
}

// trusted makes what a stub says of a certificate agree: one that is not trusted
// says why, as real ones always do.
func trusted(verified *bool, why *string) {
	*verified = *verified && *why == ""
	if !*verified {
		*why = cmp.Or(*why, "the certificate is not trusted")
	}
}

// setStubTLS is the handshake under a request or a connection; true is a good
// one.
func setStubTLS(to **probe.TLSInfo, v lua.LValue) error {
	info := &probe.TLSInfo{Version: "1.3", Verified: true}
	switch t := v.(type) {
	case lua.LBool:
		if !t {
			return nil
		}
	case *lua.LTable:
		var failed error
		t.ForEach(func(k, v lua.LValue) {
			switch k.String() {
			case "version":
				failed = errors.Join(failed, setText(&info.Version, v))
			case "days_left":
				failed = errors.Join(failed, setNumber(&info.DaysLeft, v))
			case "verified":
				failed = errors.Join(failed, setBool(&info.Verified, v))
			case "verify_error":
				failed = errors.Join(failed, setText(&info.VerifyError, v))
			default:
				failed = errors.Join(failed, errors.New("it has no "+k.String()+" (valid: days_left, verified, verify_error, version)"))
			}
		})
		if failed != nil {
			return failed
		}
	default:
		return wantType("true or a table", v)
	}
	trusted(&info.Verified, &info.VerifyError)
	*to = info
	return nil
}

func tcpStub(c *stubbedConn) []stubField {
	return []stubField{
		{"greeting", into(&c.unread, setBytes)},
		{"answer", func(v lua.LValue) (err error) {
			var ok bool
			if c.answer, ok = v.(*lua.LFunction); !ok {
				err = wantType("a function of what was sent", v)
			}
			return err
		}},
		{"remote_ip", into(&c.remoteIP, setText)},
		{"tls", into(&c.tls, setStubTLS)},
	}
}

func tlsStub(r *probe.TLSResult, leaf *probe.Certificate) []stubField {
	return []stubField{
		{"version", into(&r.Version, setText)},
		{"cipher", into(&r.Cipher, setText)},
		{"alpn", into(&r.ALPN, setText)},
		{"verified", into(&r.Verified, setBool)},
		{"verify_error", into(&r.VerifyError, setText)},
		{"days_left", into(&r.DaysLeft, setNumber)},
		{"chain_days_left", into(&r.ChainDaysLeft, setNumber)},
		{"names", into(&leaf.Names, setList)},
		{"total", into(&r.Timing, setTotal)},
	}
}

func readTLSStub(L *lua.LState, v lua.LValue, r *probe.TLSResult) {
	leaf := probe.Certificate{}
	r.ChainDaysLeft = math.NaN() // not given
	readAnswer(L, "tls", v, tlsStub(r, &leaf))
	trusted(&r.Verified, &r.VerifyError)
	if math.IsNaN(r.ChainDaysLeft) {
		r.ChainDaysLeft = r.DaysLeft
	}
	leaf.DaysLeft = r.DaysLeft
	if len(leaf.Names) > 0 {
		leaf.Subject = leaf.Names[0]
	}
	r.Chain = []probe.Certificate{leaf}
}

func dnsStub(kind string, r *probe.DNSResult) []stubField {
	return []stubField{
		{"code", into(&r.Code, setText)},
		{"values", func(v lua.LValue) error {
			var values []string
			err := setList(&values, v)
			for _, value := range values {
				r.Records = append(r.Records, probe.DNSRecord{Type: kind, Data: value})
			}
			return err
		}},
		{"authoritative", into(&r.Authoritative, setBool)},
		{"authenticated", into(&r.Authenticated, setBool)},
		{"total", into(&r.Timing, setTotal)},
	}
}

// readPingStub reads what came back: all that was sent, unless it says otherwise.
func readPingStub(L *lua.LState, v lua.LValue, r *probe.PingResult) {
	const notGiven = -1
	r.Received, r.Loss = notGiven, notGiven
	readAnswer(L, "ping", v, pingStub(r))
	switch {
	case r.Received == notGiven:
		r.Received, r.Loss = r.Sent, max(r.Loss, 0)
	case r.Loss == notGiven:
		r.Loss = 100 * float64(r.Sent-r.Received) / float64(r.Sent)
	}
	for range r.Received {
		r.RTTs = append(r.RTTs, r.Avg)
	}
}

func pingStub(r *probe.PingResult) []stubField {
	return []stubField{
		{"sent", countInto(&r.Sent, 1, probe.PingMaxCount)},
		{"received", countInto(&r.Received, 0, probe.PingMaxCount)},
		{"loss", into(&r.Loss, setNumber)},
		{"avg", into(&r.Avg, setDuration)},
		{"min", into(&r.Min, setDuration)},
		{"max", into(&r.Max, setDuration)},
	}
}

// readFileStub gives the content, and fills what is known of the file.
func readFileStub(L *lua.LState, v lua.LValue, info *probe.FileInfo) []byte {
	var content []byte
	info.Size = -1 // not given
	readAnswer(L, "file", v, fileStub(&content, info))
	info.ModTime = info.ModTime.Add(-info.Age)
	if info.Size < 0 {
		info.Size = int64(len(content))
	}
	return content
}

func fileStub(content *[]byte, info *probe.FileInfo) []stubField {
	return []stubField{
		{"content", into(content, setBytes)},
		{"path", into(&info.Path, setText)},
		{"size", countInto(&info.Size, 0, 1<<50)},
		{"age", into(&info.Age, setDuration)},
		{"dir", into(&info.Dir, setBool)},
	}
}
