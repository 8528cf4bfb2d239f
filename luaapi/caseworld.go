package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// stubNames are what a test of scripts can stand in for.
var stubNames = []string{"exec", "ssh", "http", "tcp", "tls", "dns", "ping", "file"}

// caseWorld is what the scripts of a test case find outside: functions of the test
// instead of primitives, a clock that only the test moves, an environment of
// its own.
type caseWorld struct {
	universe *vm.Universe // the test's: where stubs run
	probes   *Probes      // which know what makes no sense

	mu    sync.Mutex
	clock caseClock
	env   map[string]string
	stubs map[string]stub
	own   *run // the case's: what its stubs log is not the watcher's who asked
	fail  func(engine.LoadError)
}

// stub is a function of the test that answers for a primitive.
type stub struct {
	function *lua.LFunction
	place    engine.Place // where it was given
}

// begin makes the world new, for the run of a case; fail is told what goes wrong in it.
func (w *caseWorld) begin(own *run, fail func(engine.LoadError)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock, w.env, w.stubs, w.own, w.fail = caseClock{now: worldBegins, spent: make(map[*run]time.Duration)}, nil, make(map[string]stub), own, fail
}

// after is when a certificate ends that lasts so many days more.
func (w *caseWorld) after(days float64) time.Time {
	return time.Unix(w.Now().Unix()+int64(days*24*60*60), 0)
}

func (w *caseWorld) lookupEnv(name string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.env[name]
	return v, ok
}

func (w *caseWorld) setStub(kind string, s stub) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stubs[kind] = s
}

// ask lets the stub of a primitive answer: request makes its argument, take
// reads what it gave, and tells how long that took. Without a stub the case
// fails. What takes longer than the call may take is an error of kind timeout,
// as of a real primitive.
func (w *caseWorld) ask(ctx context.Context, kind, what string, request func(L *lua.LState) lua.LValue, take func(L *lua.LState, v lua.LValue) time.Duration) error {
	left, before := w.left(ctx), w.spent(ctx)
	w.mu.Lock()
	s, ok := w.stubs[kind]
	own, fail := w.own, w.fail
	w.mu.Unlock()
	if !ok {
		message := fmt.Sprintf("cannot do %s %s: the test has no stub for it; give one with t:stub(%q, function(request) ... end)", kind, what, kind)
		fail(engine.LoadError{Message: message})
		return &probe.Error{Kind: probe.Cancelled, Message: message}
	}
	if left == 0 {
		return &probe.Error{Kind: probe.Timeout, Message: fmt.Sprintf("%s %s: the run's time is over", kind, what)}
	}
	var answered error
	var took time.Duration
	asked := context.WithValue(ctx, askerKey{}, payer(ctx))
	err := w.universe.Do(context.WithValue(asked, runKey{}, own), func(L *lua.LState) error {
		L.Push(s.function)
		L.Push(request(L))
		L.Call(1, 2)
		answer, failure := L.Get(-2), L.Get(-1)
		L.Pop(2)
		if isNil(answer) {
			answered = stubError(L, kind, failure)
			return nil
		}
		took = take(L, answer)
		return nil
	})
	if err != nil {
		fail(brokenAt(s.place, err))
		return &probe.Error{Kind: probe.Cancelled, Message: "the stub " + kind + " failed: " + err.Error(), Err: err}
	}
	stood := w.spent(ctx) - before // the stub may have advanced the clock itself
	switch {
	case kind == "ping":
		took = min(took, left-stood) // what has not come by then is missing, and that is data
	case probe.KindOf(answered) == probe.Timeout:
		took = forever // it waited until its time ended
	}
	if w.spend(ctx, left-stood, took) || answered != nil {
		return answered
	}
	return &probe.Error{Kind: probe.Timeout, Phase: "wait", Message: fmt.Sprintf("%s %s: no answer within %s: the stub takes %s", kind, what, left.Round(time.Millisecond), stood+took)}
}

var stubErrorKinds = []string{
	string(probe.Timeout), string(probe.DNS), string(probe.Refused), string(probe.Reset), string(probe.TLS),
	string(probe.Proto), string(probe.TooBig), string(probe.Redirects), string(probe.Auth), string(probe.Spawn),
	string(probe.Cancelled), string(probe.Overload), string(probe.Vantage), string(probe.Missing),
}

// stubError reads the second of nil, { kind =, message =, phase = }.
func stubError(L *lua.LState, kind string, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		L.RaiseError("cannot use the answer of the stub %q: want a table, or nil and { kind =, message = }, got nil and %s", kind, typeName(v))
	}
	e := &probe.Error{Kind: probe.Refused}
	eachOption(L, t, "the error of the stub "+kind, []string{"kind", "message", "phase"}, func(name string, v lua.LValue) error {
		switch name {
		case "kind":
			var text string
			if err := setText(&text, v); err != nil {
				return err
			}
			if !slices.Contains(stubErrorKinds, text) {
				return fmt.Errorf("there is no kind %q %s", text, unknownName(text, stubErrorKinds))
			}
			e.Kind = probe.Kind(text)
			return nil
		case "message":
			return setText(&e.Message, v)
		case "phase":
			return setText(&e.Phase, v)
		}
		return errNoOption
	})
	e.Message = cmp.Or(e.Message, kind+": "+string(e.Kind))
	return e
}

// Exec asks the stub exec, or ssh if the command is for another host.
func (w *caseWorld) Exec(ctx context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
	kind := "exec"
	if host != "" {
		kind = "ssh"
	}
	result := &probe.ExecResult{}
	err := w.ask(ctx, kind, req.String(), func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("command", lua.LString(cmp.Or(req.Shell, strings.Join(req.Argv, " "))))
		if req.Argv != nil {
			t.RawSetString("argv", textList(L, req.Argv))
		}
		t.RawSetString("stdin", lua.LString(req.Stdin))
		return t
	}, func(L *lua.LState, v lua.LValue) time.Duration {
		readAnswer(L, kind, v, execStub(result))
		return result.Elapsed
	})
	if err != nil {
		return nil, err
	}
	most := cmp.Or(req.MaxOutput, probe.DefaultMaxOutput)
	for _, output := range [...]*[]byte{&result.Stdout, &result.Stderr} {
		if len(*output) > most {
			*output, result.Truncated = startAndEnd(*output, most), true
		}
	}
	return result, nil
}

// startAndEnd is output as a real command's is kept that is longer than most.
func startAndEnd(output []byte, most int) []byte {
	start, end := output[:most/2], output[len(output)-(most-most/2):]
	return fmt.Appendf(nil, "%s\n[... %d bytes left out ...]\n%s", start, len(output)-most, end)
}

// offline is what real primitives connect by that are only asked whether a
// request makes sense: what they would refuse must not pass a test.
func offline(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("a test reaches nothing")
}

// Dial asks the stub tcp.
func (w *caseWorld) Dial(ctx context.Context, host string, req probe.TCPRequest) (conversation, error) {
	req.Dial = offline
	if _, err := probe.DialTCP(ctx, req); probe.KindOf(err) == probe.Misuse {
		return nil, err
	}
	conn := &stubbedConn{world: w}
	err := w.ask(ctx, "tcp", req.Addr+req.Unix, tcpRequestTable(host, req), func(L *lua.LState, v lua.LValue) time.Duration {
		readAnswer(L, "tcp", v, tcpStub(conn))
		return 0
	})
	if err == nil && conn.tls == nil && (req.TLS || req.StartTLS != "") {
		conn.tls = &probe.TLSInfo{Version: "1.3", Verified: true}
	}
	if err == nil {
		err = distrust(conn.tls, req.Insecure, "connecting to "+req.Addr+req.Unix)
	}
	if err != nil {
		return nil, err
	}
	if conn.tls != nil {
		conn.tls.NotAfter = w.after(conn.tls.DaysLeft)
	}
	return conn, nil
}

// TLS asks the stub tls.
func (w *caseWorld) TLS(ctx context.Context, host string, req probe.TLSRequest) (*probe.TLSResult, error) {
	req.Dial = offline
	if _, err := probe.InspectTLS(ctx, req); probe.KindOf(err) == probe.Misuse {
		return nil, err
	}
	result := &probe.TLSResult{Version: "1.3", Verified: true}
	err := w.ask(ctx, "tls", req.Addr+req.Unix, tcpRequestTable(host, req.TCPRequest), func(L *lua.LState, v lua.LValue) time.Duration {
		readTLSStub(L, v, result)
		return result.Timing.Total
	})
	if err != nil {
		return nil, err
	}
	result.Chain[0].NotAfter = w.after(result.DaysLeft)
	return result, nil
}

// DNS asks the stub dns.
func (w *caseWorld) DNS(ctx context.Context, host string, req probe.DNSRequest) (*probe.DNSResult, error) {
	req.Dial = offline
	if _, err := probe.LookupDNS(ctx, req); probe.KindOf(err) == probe.Misuse {
		return nil, err
	}
	result := &probe.DNSResult{Code: "NOERROR"}
	kind := cmp.Or(req.Type, "A")
	err := w.ask(ctx, "dns", kind+" "+req.Name, func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("name", lua.LString(req.Name))
		t.RawSetString("type", lua.LString(kind))
		t.RawSetString("server", lua.LString(req.Server))
		return t
	}, func(L *lua.LState, v lua.LValue) time.Duration {
		readAnswer(L, "dns", v, dnsStub(kind, result))
		return result.Timing.Total
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Ping asks the stub ping.
func (w *caseWorld) Ping(ctx context.Context, req probe.PingRequest) (*probe.PingResult, error) {
	sent := max(req.Count, 1)
	result := &probe.PingResult{IP: req.Host, Sent: sent, Received: sent, Via: "stub"}
	err := w.ask(ctx, "ping", req.Host, func(L *lua.LState) lua.LValue {
		t := requestTable(L, "")
		t.RawSetString("host", lua.LString(req.Host))
		t.RawSetString("count", lua.LNumber(sent))
		return t
	}, func(L *lua.LState, v lua.LValue) time.Duration {
		readPingStub(L, v, result)
		return pingTime(req, result)
	})
	if err == nil && result.Received == 0 {
		err = &probe.Error{Kind: probe.Timeout, Message: fmt.Sprintf("pinging %q: no answer", req.Host)}
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

// pingTime is how long a ping takes: until the last answer is there, or is not
// waited for any more.
func pingTime(req probe.PingRequest, r *probe.PingResult) time.Duration {
	sending := time.Duration(r.Sent-1) * cmp.Or(req.Interval, 200*time.Millisecond)
	if r.Received < r.Sent {
		return sending + cmp.Or(req.Wait, time.Second)
	}
	return sending + r.Avg
}

// ReadFile asks the stub file.
func (w *caseWorld) ReadFile(ctx context.Context, path string, limit int) ([]byte, error) {
	content, _, err := w.file(ctx, "read", path)
	if len(content) > limit {
		return nil, &probe.Error{Kind: probe.TooBig, Message: fmt.Sprintf("reading %q: more than %d bytes", path, limit)}
	}
	return content, err
}

// StatFile asks the stub file.
func (w *caseWorld) StatFile(ctx context.Context, path string) (*probe.FileInfo, error) {
	_, info, err := w.file(ctx, "stat", path)
	return info, err
}

// NewestFile asks the stub file.
func (w *caseWorld) NewestFile(ctx context.Context, pattern string) (*probe.FileInfo, error) {
	_, info, err := w.file(ctx, "newest", pattern)
	return info, err
}

func (w *caseWorld) file(ctx context.Context, op, path string) ([]byte, *probe.FileInfo, error) {
	var content []byte
	info := &probe.FileInfo{Path: path, Mode: 0o644, ModTime: w.Now()}
	err := w.ask(ctx, "file", op+" "+path, func(L *lua.LState) lua.LValue {
		t := requestTable(L, "")
		t.RawSetString("op", lua.LString(op))
		t.RawSetString("path", lua.LString(path))
		return t
	}, func(L *lua.LState, v lua.LValue) time.Duration {
		content = readFileStub(L, v, info)
		return 0
	})
	if err != nil {
		return nil, nil, err
	}
	return content, info, nil
}

func requestTable(L *lua.LState, host string) *lua.LTable {
	t := L.CreateTable(0, 6)
	if host != "" {
		t.RawSetString("ssh_host", lua.LString(host))
	}
	return t
}

func tcpRequestTable(host string, req probe.TCPRequest) func(L *lua.LState) lua.LValue {
	return func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("address", lua.LString(req.Addr+req.Unix))
		t.RawSetString("tls", lua.LBool(req.TLS))
		t.RawSetString("starttls", lua.LString(req.StartTLS))
		t.RawSetString("server_name", lua.LString(req.ServerName))
		return t
	}
}
