package probe

import (
	"bytes"
	"cmp"
	"strconv"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// SSEEvent is one event of a stream of server-sent events.
type SSEEvent struct {
	Type string // "message" unless the server says otherwise
	Data string // its lines, joined; at most [LineMax] bytes are kept
	ID   string // the last id that the server gave, "" before
}

// SSEState is what outlives a connection to a stream of events. Its zero value
// is ready.
type SSEState struct {
	lastID string
	retry  time.Duration // within its bounds; 0 = the server wishes none
}

const (
	sseWord     = 256 // bytes of a type or id; a longer one is not taken
	sseRetry    = 3 * time.Second
	sseRetryMin = time.Second
	sseRetryMax = time.Minute
)

// pause is how long to wait before connecting again, as the server wishes.
func (s *SSEState) pause() time.Duration {
	return cmp.Or(s.retry, sseRetry)
}

// sseParser makes events of what is written to it, by the HTML standard
// (9.2.6, interpreting an event stream).
type sseParser struct {
	state *SSEState
	event func(SSEEvent)

	line    []byte
	opened  bool // something was read: no byte order mark comes any more
	afterCR bool
	kind    string
	id      string
	data    []byte
	hasData bool
}

func newSSEParser(state *SSEState, event func(SSEEvent)) *sseParser {
	return &sseParser{state: state, event: event, id: state.lastID}
}

func (p *sseParser) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if p.afterCR {
			p.afterCR = false
			if b[0] == '\n' {
				b = b[1:]
				continue
			}
		}
		end := bytes.IndexAny(b, "\r\n")
		if end < 0 {
			p.keep(b)
			break
		}
		p.keep(b[:end])
		p.afterCR = b[end] == '\r'
		b = b[end+1:]
		p.endLine()
	}
	return n, nil
}

func (p *sseParser) keep(b []byte) { p.line = append(p.line, b[:min(len(b), LineMax-len(p.line))]...) }

func (p *sseParser) endLine() {
	line := p.line
	if !p.opened {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		p.opened = true
	}
	p.line = p.line[:0]
	if len(line) == 0 {
		p.dispatch()
		return
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "event":
		if len(value) <= sseWord {
			p.kind = string(value)
		}
	case "data":
		if p.hasData && len(p.data) < LineMax {
			p.data = append(p.data, '\n')
		}
		p.hasData = true
		p.data = append(p.data, value[:min(len(value), LineMax-len(p.data))]...)
	case "id":
		// One that a request cannot bring back would end all connecting.
		if id := string(value); len(id) <= sseWord && utf8.ValidString(id) && httpguts.ValidHeaderFieldValue(id) {
			p.id = id
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			p.state.retry = min(max(time.Duration(ms)*time.Millisecond, sseRetryMin), sseRetryMax)
		}
	}
}

func (p *sseParser) dispatch() {
	p.state.lastID = p.id
	if p.hasData {
		p.event(SSEEvent{Type: cmp.Or(p.kind, "message"), Data: string(p.data), ID: p.id})
	}
	p.kind, p.data, p.hasData = "", p.data[:0], false
}
