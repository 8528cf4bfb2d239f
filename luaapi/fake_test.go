package luaapi

import (
	"context"
	"net/http"
	"time"

	"pharos/engine/probe"
)

// fakes answers for the world. A nil field is a primitive that nobody expects.
type fakes struct {
	exec func(ctx context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error)
	dns  func(ctx context.Context, host string, req probe.DNSRequest) (*probe.DNSResult, error)
	ping func(ctx context.Context, req probe.PingRequest) (*probe.PingResult, error)
	dial func(ctx context.Context, host string, req probe.TCPRequest) (conversation, error)
	tls  func(ctx context.Context, host string, req probe.TLSRequest) (*probe.TLSResult, error)
	http func(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error)
	// lines is what every stream is made of; those of server-sent events have it as data.
	lines func(ctx context.Context, sink probe.LineSink) error
}

func (f fakes) ExecStream(ctx context.Context, _ string, _ probe.ExecRequest, sink probe.LineSink) error {
	return f.lines(ctx, sink)
}

func (f fakes) Lines(ctx context.Context, _ string, _ probe.TCPRequest, _ []byte, _ time.Duration, sink probe.LineSink) error {
	return f.lines(ctx, sink)
}

func (f fakes) Tail(ctx context.Context, _ string, _ bool, sink probe.LineSink) error {
	return f.lines(ctx, sink)
}

func (f fakes) Events(ctx context.Context, _ string, _ probe.HTTPRequest, _ time.Duration, _ *probe.SSEState, up func(string), event func(probe.SSEEvent)) error {
	return f.lines(ctx, probe.LineSink{Up: up, Line: func(line []byte) { event(probe.SSEEvent{Type: "done", Data: string(line), ID: "7"}) }})
}

func (f fakes) Exec(ctx context.Context, host string, req probe.ExecRequest) (*probe.ExecResult, error) {
	return f.exec(ctx, host, req)
}

func (f fakes) HTTP(ctx context.Context, host string, req *probe.HTTPRequest) (*probe.HTTPResult, error) {
	return f.http(ctx, host, req)
}

func (f fakes) DNS(ctx context.Context, host string, req probe.DNSRequest) (*probe.DNSResult, error) {
	return f.dns(ctx, host, req)
}

func (f fakes) Dial(ctx context.Context, host string, req probe.TCPRequest) (conversation, error) {
	return f.dial(ctx, host, req)
}

func (f fakes) TLS(ctx context.Context, host string, req probe.TLSRequest) (*probe.TLSResult, error) {
	return f.tls(ctx, host, req)
}

func (f fakes) Ping(ctx context.Context, req probe.PingRequest) (*probe.PingResult, error) {
	return f.ping(ctx, req)
}

// Files are real: a test brings its own.

func (f fakes) ReadFile(ctx context.Context, path string, limit int) ([]byte, error) {
	return new(probe.Files).Read(ctx, path, limit)
}

func (f fakes) StatFile(ctx context.Context, path string) (*probe.FileInfo, error) {
	return new(probe.Files).Stat(ctx, path)
}

func (f fakes) NewestFile(ctx context.Context, pattern string) (*probe.FileInfo, error) {
	return new(probe.Files).Newest(ctx, pattern)
}

// answer is a page that took so long.
func answer(status int, timing probe.Timing, body string) *probe.HTTPResult {
	return &probe.HTTPResult{Status: status, Header: http.Header{}, Body: []byte(body), Size: int64(len(body)), Timing: timing}
}
