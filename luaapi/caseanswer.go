package luaapi

import (
	"cmp"
	"errors"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// The options of the answers that stubs give, by primitive.
var (
	execStubOptions = []string{"code", "stdout", "stderr", "signal", "elapsed", "truncated"}
	httpStubOptions = []string{"status", "body", "headers", "total", "timing", "url", "redirect_url", "remote_ip", "tls"}
	tcpStubOptions  = []string{"greeting", "answer", "remote_ip", "tls"}
	tlsStubOptions  = []string{"version", "cipher", "alpn", "verified", "verify_error", "days_left", "chain_days_left", "names", "total"}
	dnsStubOptions  = []string{"code", "values", "authoritative", "authenticated", "total"}
	pingStubOptions = []string{"sent", "received", "loss", "avg", "min", "max"}
	fileStubOptions = []string{"content", "path", "size", "age", "dir"}
)

// eachAnswer reads the table that a stub gave.
func eachAnswer(L *lua.LState, kind string, v lua.LValue, valid []string, set func(name string, v lua.LValue) error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("cannot use the answer of the stub %q: want a table, or nil and { kind =, message = }, got %s", kind, typeName(v))
	}
	eachOption(L, t, "the answer of the stub "+kind, valid, set)
}

func setNumber(to *float64, v lua.LValue) error {
	n, ok := v.(lua.LNumber)
	if !ok {
		return wantType("a number", v)
	}
	*to = float64(n)
	return nil
}

func readExecStub(L *lua.LState, kind string, v lua.LValue, r *probe.ExecResult) {
	eachAnswer(L, kind, v, execStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "code":
			return setCount(&r.Code, v, -1, 255)
		case "stdout":
			return setBytes(&r.Stdout, v)
		case "stderr":
			return setBytes(&r.Stderr, v)
		case "signal":
			r.Code = -1
			return setText(&r.Signal, v)
		case "elapsed":
			return setDuration(&r.Elapsed, v)
		case "truncated":
			return setBool(&r.Truncated, v)
		}
		return errNoOption
	})
}

func readHTTPStub(L *lua.LState, v lua.LValue, r *probe.HTTPResult) {
	eachAnswer(L, "http", v, httpStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "status":
			return setCount(&r.Status, v, 100, 599)
		case "body":
			return setBytes(&r.Body, v)
		case "headers":
			var err error
			r.Header, err = readHeaders(v)
			return err
		case "total":
			return setTotal(&r.Timing, v)
		case "timing":
			return setPhases(&r.Timing, v)
		case "url":
			return setText(&r.URL, v)
		case "redirect_url":
			return setText(&r.RedirectURL, v)
		case "remote_ip":
			return setText(&r.RemoteIP, v)
		case "tls":
			return setStubTLS(&r.TLS, v)
		}
		return errNoOption
	})
	r.Size = int64(len(r.Body))
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

// notTrusted is why a certificate of a stub is not trusted that does not say:
// real ones always do.
const notTrusted = "the certificate is not trusted"

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
	info.Verified = info.Verified && info.VerifyError == ""
	if !info.Verified {
		info.VerifyError = cmp.Or(info.VerifyError, notTrusted)
	}
	*to = info
	return nil
}

func readTCPStub(L *lua.LState, v lua.LValue, c *stubbedConn) {
	eachAnswer(L, "tcp", v, tcpStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "greeting":
			return setBytes(&c.unread, v)
		case "answer":
			f, ok := v.(*lua.LFunction)
			if !ok {
				return wantType("a function of what was sent", v)
			}
			c.answer = f
			return nil
		case "remote_ip":
			return setText(&c.remoteIP, v)
		case "tls":
			return setStubTLS(&c.tls, v)
		}
		return errNoOption
	})
}

func readTLSStub(L *lua.LState, v lua.LValue, r *probe.TLSResult) {
	var names []string
	chainDays := false
	eachAnswer(L, "tls", v, tlsStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "version":
			return setText(&r.Version, v)
		case "cipher":
			return setText(&r.Cipher, v)
		case "alpn":
			return setText(&r.ALPN, v)
		case "verified":
			return setBool(&r.Verified, v)
		case "verify_error":
			return setText(&r.VerifyError, v)
		case "days_left":
			return setNumber(&r.DaysLeft, v)
		case "chain_days_left":
			chainDays = true
			return setNumber(&r.ChainDaysLeft, v)
		case "names":
			return setList(&names, v)
		case "total":
			return setTotal(&r.Timing, v)
		}
		return errNoOption
	})
	r.Verified = r.Verified && r.VerifyError == ""
	if !r.Verified {
		r.VerifyError = cmp.Or(r.VerifyError, notTrusted)
	}
	if !chainDays {
		r.ChainDaysLeft = r.DaysLeft
	}
	r.Chain = []probe.Certificate{{Names: names, DaysLeft: r.DaysLeft}}
	if len(names) > 0 {
		r.Chain[0].Subject = names[0]
	}
}

func readDNSStub(L *lua.LState, v lua.LValue, kind string, r *probe.DNSResult) {
	eachAnswer(L, "dns", v, dnsStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "code":
			return setText(&r.Code, v)
		case "values":
			var values []string
			if err := setList(&values, v); err != nil {
				return err
			}
			for _, value := range values {
				r.Records = append(r.Records, probe.DNSRecord{Type: kind, Data: value})
			}
			return nil
		case "authoritative":
			return setBool(&r.Authoritative, v)
		case "authenticated":
			return setBool(&r.Authenticated, v)
		case "total":
			return setTotal(&r.Timing, v)
		}
		return errNoOption
	})
}

// readPingStub reads what came back: all that was sent, unless it says otherwise.
func readPingStub(L *lua.LState, v lua.LValue, r *probe.PingResult) {
	var given []string
	eachAnswer(L, "ping", v, pingStubOptions, func(name string, v lua.LValue) error {
		given = append(given, name)
		switch name {
		case "sent":
			return setCount(&r.Sent, v, 1, probe.PingMaxCount)
		case "received":
			return setCount(&r.Received, v, 0, probe.PingMaxCount)
		case "loss":
			return setNumber(&r.Loss, v)
		case "avg":
			return setDuration(&r.Avg, v)
		case "min":
			return setDuration(&r.Min, v)
		case "max":
			return setDuration(&r.Max, v)
		}
		return errNoOption
	})
	if !slices.Contains(given, "received") {
		r.Received = r.Sent
	}
	if slices.Contains(given, "received") && !slices.Contains(given, "loss") {
		r.Loss = 100 * float64(r.Sent-r.Received) / float64(r.Sent)
	}
	for range r.Received {
		r.RTTs = append(r.RTTs, r.Avg)
	}
}

// readFileStub gives the content, and fills what is known of the file.
func readFileStub(L *lua.LState, v lua.LValue, info *probe.FileInfo) []byte {
	var content []byte
	var age time.Duration
	size := int64(-1)
	eachAnswer(L, "file", v, fileStubOptions, func(name string, v lua.LValue) error {
		switch name {
		case "content":
			return setBytes(&content, v)
		case "path":
			return setText(&info.Path, v)
		case "size":
			return setCount(&size, v, 0, 1<<50)
		case "age":
			return setDuration(&age, v)
		case "dir":
			return setBool(&info.Dir, v)
		}
		return errNoOption
	})
	info.ModTime, info.Age = info.ModTime.Add(-age), age
	info.Size = size
	if size < 0 {
		info.Size = int64(len(content))
	}
	return content
}
