package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
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

// worldBegins is what the clock of every case shows at its start.
var worldBegins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// caseWorld is what the scripts of a test case find outside: functions of the test
// instead of primitives, a clock that only the test moves, an environment of
// its own.
type caseWorld struct {
	universe *vm.Universe // the test's: where stubs run

	mu    sync.Mutex
	now   time.Time
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
	w.now, w.env, w.stubs, w.own, w.fail = worldBegins, nil, make(map[string]stub), own, fail
}

// Now is the time of the case.
func (w *caseWorld) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Sleep takes no time: the clock moves.
func (w *caseWorld) Sleep(_ context.Context, d time.Duration) error {
	w.advance(d)
	return nil
}

func (w *caseWorld) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
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
// reads what it gave. Without a stub the case fails.
func (w *caseWorld) ask(ctx context.Context, kind, what string, request func(L *lua.LState) lua.LValue, take func(L *lua.LState, v lua.LValue)) error {
	w.mu.Lock()
	s, ok := w.stubs[kind]
	own, fail := w.own, w.fail
	w.mu.Unlock()
	if !ok {
		message := fmt.Sprintf("cannot do %s %s: the test has no stub for it; give one with t:stub(%q, function(request) ... end)", kind, what, kind)
		fail(engine.LoadError{Message: message})
		return &probe.Error{Kind: probe.Cancelled, Message: message}
	}
	var answered error
	err := w.universe.Do(context.WithValue(ctx, runKey{}, own), func(L *lua.LState) error {
		L.Push(s.function)
		L.Push(request(L))
		L.Call(1, 2)
		answer, failure := L.Get(-2), L.Get(-1)
		L.Pop(2)
		if isNil(answer) {
			answered = stubError(L, kind, failure)
			return nil
		}
		take(L, answer)
		return nil
	})
	if err != nil {
		fail(s.blame(err))
		return &probe.Error{Kind: probe.Cancelled, Message: "the stub " + kind + " failed: " + err.Error(), Err: err}
	}
	return answered
}

// blame places an error of the stub: at its line, else where it was given.
func (s *stub) blame(err error) engine.LoadError {
	e := engine.LoadError{File: s.place.File, Line: s.place.Line, Message: err.Error()}
	if script := (*vm.Error)(nil); errors.As(err, &script) {
		e.Message = script.Message
		if script.File != "" {
			e.File, e.Line = script.File, script.Line
		}
	}
	return e
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
	}, func(L *lua.LState, v lua.LValue) { readExecStub(L, kind, v, result) })
	if err != nil {
		return nil, err
	}
	w.advance(result.Elapsed)
	return result, nil
}

// HTTP asks the stub http.
func (w *caseWorld) HTTP(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
	result := &probe.HTTPResult{Status: http.StatusOK, URL: req.URL, Proto: "1.1", Connects: 1, Header: make(http.Header)}
	method := cmp.Or(req.Method, http.MethodGet)
	err := w.ask(ctx, "http", method+" "+req.URL, func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("method", lua.LString(method))
		t.RawSetString("url", lua.LString(req.URL))
		t.RawSetString("body", lua.LString(req.Body))
		t.RawSetString("headers", headersTable(L, sentHeaders(req), newHeadersMeta(L)))
		return t
	}, func(L *lua.LState, v lua.LValue) { readHTTPStub(L, v, result) })
	if err != nil {
		return nil, err
	}
	if keep := req.Keep(); len(result.Body) > keep {
		result.Body, result.Truncated = result.Body[:keep], true
	}
	if result.TLS != nil {
		result.TLS.NotAfter = w.after(result.TLS.DaysLeft)
	}
	w.advance(result.Timing.Total)
	return result, nil
}

// sentHeaders gives the headers that a script's request is sent with.
func sentHeaders(req *probe.HTTPRequest) http.Header {
	if len(req.Cookies) == 0 {
		return req.Header
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(req.Cookies)) {
		pairs = append(pairs, name+"="+req.Cookies[name])
	}
	header := maps.Clone(req.Header)
	if header == nil {
		header = make(http.Header)
	}
	header["Cookie"] = append([]string{strings.Join(pairs, "; ")}, header["Cookie"]...)
	return header
}

// Dial asks the stub tcp.
func (w *caseWorld) Dial(ctx context.Context, host string, req probe.TCPRequest) (Conversation, error) {
	conn := &stubbedConn{world: w}
	err := w.ask(ctx, "tcp", req.Addr+req.Unix, tcpRequestTable(host, req), func(L *lua.LState, v lua.LValue) {
		readTCPStub(L, v, conn)
	})
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
	result := &probe.TLSResult{Version: "1.3", Verified: true}
	err := w.ask(ctx, "tls", req.Addr+req.Unix, tcpRequestTable(host, req.TCPRequest), func(L *lua.LState, v lua.LValue) {
		readTLSStub(L, v, result)
	})
	if err != nil {
		return nil, err
	}
	result.Chain[0].NotAfter = w.after(result.DaysLeft)
	w.advance(result.Timing.Total)
	return result, nil
}

// DNS asks the stub dns.
func (w *caseWorld) DNS(ctx context.Context, host string, req probe.DNSRequest) (*probe.DNSResult, error) {
	result := &probe.DNSResult{Code: "NOERROR"}
	kind := cmp.Or(req.Type, "A")
	err := w.ask(ctx, "dns", kind+" "+req.Name, func(L *lua.LState) lua.LValue {
		t := requestTable(L, host)
		t.RawSetString("name", lua.LString(req.Name))
		t.RawSetString("type", lua.LString(kind))
		t.RawSetString("server", lua.LString(req.Server))
		return t
	}, func(L *lua.LState, v lua.LValue) { readDNSStub(L, v, kind, result) })
	if err != nil {
		return nil, err
	}
	w.advance(result.Timing.Total)
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
	}, func(L *lua.LState, v lua.LValue) { readPingStub(L, v, result) })
	if err == nil && result.Received == 0 {
		err = &probe.Error{Kind: probe.Timeout, Message: fmt.Sprintf("pinging %q: no answer", req.Host)}
	}
	if err != nil {
		return nil, err
	}
	return result, nil
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

func (w *caseWorld) file(ctx context.Context, op, path string) ([]byte, *probe.FileInfo, error) {
	var content []byte
	info := &probe.FileInfo{Mode: 0o644, ModTime: w.Now()}
	err := w.ask(ctx, "file", op+" "+path, func(L *lua.LState) lua.LValue {
		t := requestTable(L, "")
		t.RawSetString("op", lua.LString(op))
		t.RawSetString("path", lua.LString(path))
		return t
	}, func(L *lua.LState, v lua.LValue) { content = readFileStub(L, v, info) })
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
