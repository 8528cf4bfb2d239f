package luaapi

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
)

// stream is what pharos.exec.stream and its like give: where the events of a
// watcher come from, and the function that judges them. It is Lua's option
// events of a watcher.
type stream struct {
	kind  string // "exec.stream"
	what  string // what is listened to, for people
	host  string // the vantage; "" is here
	judge *lua.LFunction
	given []lua.LValue // what the script gave: the definition of its watcher

	program, server string // for [Config.Lint]; "" if there is none
	listen          listenFunc
}

// A listenFunc opens a stream for a watcher, whose state it is, and hands on what
// comes until ctx ends, or the stream does, which is an error.
type listenFunc func(ctx context.Context, p primitives, state *probe.SSEState, sink eventSink) error

// eventSink takes what comes of a stream.
type eventSink struct {
	up    func(awaits string, absent bool)
	event func(event)
}

func (s eventSink) open(awaits string) { s.up(awaits, false) }

// lines is the sink of streams whose events are lines.
func (s eventSink) lines() probe.LineSink {
	return probe.LineSink{
		Up:     s.open,
		Absent: func(awaits string) { s.up(awaits, true) },
		Line:   func(line []byte) { s.event(event{text: probe.Clean(line)}) },
	}
}

// event is one event of a stream, as a script gets it.
type event struct {
	text string          // a line
	sse  *probe.SSEEvent // instead
}

func (e event) size() int {
	if e.sse != nil {
		return len(e.sse.Type) + len(e.sse.Data) + len(e.sse.ID)
	}
	return len(e.text)
}

// value makes what the script's function is called with.
func (e event) value(L *lua.LState) lua.LValue {
	if e.sse == nil {
		return lua.LString(e.text)
	}
	t := L.CreateTable(0, 3)
	t.RawSetString("event", lua.LString(e.sse.Type))
	t.RawSetString("data", lua.LString(e.sse.Data))
	t.RawSetString("id", lua.LString(e.sse.ID))
	return t
}

// pushStream leaves a stream of (target, function, options), made by read. A
// run has no use for one, so that it is a mistake there.
func (s *script) pushStream(L *lua.LState, kind string, read func(st *stream)) int {
	if r := runOf(L); r.watcher != nil {
		L.RaiseError("cannot call pharos.%s in a run: it makes the option events of a watcher, pharos.MetricWatcher{ name = ..., events = pharos.%s(...) }", kind, kind)
	}
	judge, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		L.RaiseError("cannot call pharos.%s: want a function(self, event) as argument 2, got %s", kind, typeName(L.Get(2)))
	}
	if first := firstParameter(judge); slices.Contains(eventWords, first) && s.reads != nil {
		s.warn(placeOf(L), "the function of pharos.%s takes %s first, where the watcher comes: write function(self, %s)", kind, first, first)
	}
	st := &stream{kind: kind, judge: judge, given: []lua.LValue{lua.LString(kind), L.Get(1), judge, L.Get(3)}}
	read(st)
	if err := s.own.inName(st.host); err != nil {
		L.RaiseError("cannot call pharos.%s on a host: %s", kind, err)
	}
	L.Push(&lua.LUserData{Value: st, Metatable: lua.LNil})
	return 1
}

// eventWords are what scripts call an event.
var eventWords = []string{"line", "event", "e", "ev", "message", "msg", "text", "data"}

// firstParameter is what a function calls the first that it is given; "" if it takes
// none.
func firstParameter(f *lua.LFunction) string {
	if f.IsG || f.Proto.NumParameters == 0 {
		return ""
	}
	return f.Proto.DbgLocals[0].Name
}

// without gives the names that are not among others.
func without(names []string, others ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// Options of the streams. The timeout of those that connect is for that alone.
var (
	execStreamOptions = without(execOptions, "timeout", "stdin", "max_output")
	sseOptions        = without(httpOptions, "method", "body", "form", "json", "keepalive", "max_body")
	tcpLinesOptions   = append(slices.Clone(tcpOptions), "send")
	tailOptions       = []string{"from"}
)

const sseRedirects = 5 // followed if the script does not say

// execStream is pharos.exec.stream(command, function, options): lines that a
// command prints.
func (s *script) execStream(L *lua.LState) int {
	return s.pushStream(L, "exec.stream", func(st *stream) {
		call := readExec(L, "pharos.exec.stream", 1, 3, execStreamOptions)
		st.what, st.host = call.String(), call.host
		if st.host == "" {
			st.program = simpleCommand(call.Shell)
			if call.Argv != nil {
				st.program = call.Argv[0]
			}
		}
		st.listen = func(ctx context.Context, p primitives, _ *probe.SSEState, sink eventSink) error {
			return p.ExecStream(ctx, call.host, call.ExecRequest, sink.lines())
		}
	})
}

// httpSSE is pharos.http.sse(url, function, options): server-sent events.
func (s *script) httpSSE(L *lua.LState) int {
	return s.pushStream(L, "http.sse", func(st *stream) {
		call := s.readHTTP(L, "pharos.http.sse", 3, sseOptions, "", sseRedirects)
		st.what, st.host = probe.RedactURL(call.URL), call.host
		if call.host == "" && call.Unix == "" && len(call.Resolve) == 0 {
			st.server, _ = probe.URLHost(call.URL)
		}
		st.listen = func(ctx context.Context, p primitives, state *probe.SSEState, sink eventSink) error {
			req := call.HTTPRequest // of this watcher: another may have the same stream
			if err := call.pems.read(ctx, s, &req.CA, &req.Cert, &req.Key, &req.ProxyCA); err != nil {
				return err
			}
			return p.Events(ctx, call.host, req, call.timeout, state, sink.open, func(e probe.SSEEvent) {
				e.Type, e.Data = probe.Clean([]byte(e.Type)), probe.Clean([]byte(e.Data))
				sink.event(event{sse: &e})
			})
		}
	})
}

// tcpLines is pharos.tcp.lines(address, function, options): lines that the other
// side sends.
func (s *script) tcpLines(L *lua.LState) int {
	return s.pushStream(L, "tcp.lines", func(st *stream) {
		call := readTCP(L, "pharos.tcp.lines", 1, 3, tcpLinesOptions)
		st.what, st.host = call.Addr+call.Unix, call.host
		if call.host == "" {
			st.server, _, _ = net.SplitHostPort(call.Addr)
		}
		st.listen = func(ctx context.Context, p primitives, _ *probe.SSEState, sink eventSink) error {
			req := call.TCPRequest // of this watcher: another may have the same stream
			if err := call.pems.read(ctx, s, &req.CA, &req.Cert, &req.Key, nil); err != nil {
				return err
			}
			return p.Lines(ctx, call.host, req, call.send, call.timeout, sink.lines())
		}
	})
}

// fileTail is pharos.file.tail(path, function, options): lines that are added to
// a file.
func (s *script) fileTail(L *lua.LState) int {
	return s.pushStream(L, "file.tail", func(st *stream) {
		path, fromStart := s.pathArgument(L, "pharos.file.tail"), false
		readOptions(L, 3, "pharos.file.tail", tailOptions, func(_ string, v lua.LValue) error {
			switch v {
			case lua.LString("start"):
				fromStart = true
			case lua.LString("end"):
			default:
				return fmt.Errorf(`want "start" or "end", got %s`, pretty(v))
			}
			return nil
		})
		st.what = path
		st.listen = func(ctx context.Context, p primitives, _ *probe.SSEState, sink eventSink) error {
			return p.Tail(ctx, path, fromStart, sink.lines())
		}
	})
}

// depends tells what the definition of a watcher with these events depends
// on.
func (st *stream) depends() []lua.LValue { return st.given }

// setEvents reads the option events.
func setEvents(to **stream, v lua.LValue) error {
	st, ok := object[*stream](v)
	if !ok {
		return wantType("what pharos.exec.stream, pharos.http.sse, pharos.tcp.lines or pharos.file.tail gives", v)
	}
	*to = st
	return nil
}

// trace tells of a stream that ended, or came to a first verdict.
func (st *stream) trace(s *script, tell func(Event), began time.Time, outcome string, err error) {
	if tell != nil {
		tell(Event{Kind: st.kind, Host: st.host, Text: s.mask.clean(st.what), Outcome: outcome, Err: s.mask.err(err), Started: began, Elapsed: time.Since(began)})
	}
}

// sourceError is the end of a stream as the engine wants it.
func (w *watcher) sourceError(err error) error {
	result := failureResult(err)
	f := *result.Failure
	f.Message = w.script.mask.clean(f.Message)
	return &engine.SourceError{Failure: f}
}
