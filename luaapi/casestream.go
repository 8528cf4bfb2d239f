package luaapi

import (
	"context"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// A case opens no stream: it feeds events with t:feed.

func (w *caseWorld) ExecStream(context.Context, string, probe.ExecRequest, probe.LineSink) error {
	return errNoStream
}

func (w *caseWorld) Events(context.Context, string, probe.HTTPRequest, time.Duration, *probe.SSEState, func(string), func(probe.SSEEvent)) error {
	return errNoStream
}

func (w *caseWorld) Lines(context.Context, string, probe.TCPRequest, []byte, time.Duration, probe.LineSink) error {
	return errNoStream
}

func (w *caseWorld) Tail(context.Context, string, bool, probe.LineSink) error { return errNoStream }

var errNoStream = &probe.Error{Kind: probe.Cancelled, Message: "a test opens no stream: feed events to the watcher with t:feed(id, event)"}

// caseFeed is t:feed(id, event): what the watcher makes of an event of its
// stream, as t:run gives it; nil if that is no verdict.
func (f *CaseFile) caseFeed(L *lua.LState) int {
	id := L.CheckString(2)
	f.current.find(L, "feed", id)
	w := f.current.fed(id)
	if w == nil {
		L.RaiseError("cannot feed %q: it has no events but a check, write t:run(%q)", id, id)
	}
	e, err := eventOf(w.stream, L.Get(3))
	if err != nil {
		L.RaiseError("cannot feed %q: %s", id, err)
	}
	var result engine.Result
	vm.Block(L, func(ctx context.Context) {
		within, cancel := context.WithTimeout(ctx, w.timeout)
		defer cancel()
		w.script.begin()
		defer w.script.end()
		result = *w.perform(within, &run{watcher: w, event: &e})
	})
	if result.Status == engine.Pending {
		return 0
	}
	f.current.engine.Report(w.id, result) // for those that look at it
	L.Push(f.resultTable(L, id, result))
	return 1
}

// caseQuiet is t:quiet(id): what the watcher is when its stream has said nothing
// for as long as its option quiet wants, as t:run gives it; nil if that is no
// verdict.
func (f *CaseFile) caseQuiet(L *lua.LState) int {
	id := L.CheckString(2)
	f.current.find(L, "quiet", id)
	if f.current.fed(id) == nil {
		L.RaiseError("cannot leave %q quiet: it has no events but a check, write t:run(%q)", id, id)
	}
	result, ok := f.current.engine.Silence(engine.ID(id))
	if !ok {
		return 0
	}
	L.Push(f.resultTable(L, id, result))
	return 1
}

// fed gives the watcher of that id if it has events.
func (r *caseRun) fed(id string) *watcher {
	fed := r.memory.fed(engine.ID(id))
	if len(fed) == 0 {
		return nil
	}
	return fed[len(fed)-1]
}

// eventOf makes an event as st gives them of what a case feeds.
func eventOf(st *stream, v lua.LValue) (event, error) {
	if st.kind != "http.sse" {
		text, ok := v.(lua.LString)
		if !ok {
			return event{}, wantType("a line of text", v)
		}
		return event{text: string(text)}, nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		return event{}, wantType("{ event =, data =, id = }", v)
	}
	e := &probe.SSEEvent{Type: "message"}
	for k, v := range vm.Pairs(t) {
		to, ok := map[string]*string{"event": &e.Type, "data": &e.Data, "id": &e.ID}[k.String()]
		if !ok {
			return event{}, fmt.Errorf("an event has no %q %s", k.String(), unknownName(k.String(), []string{"event", "data", "id"}))
		}
		if err := setText(to, v); err != nil {
			return event{}, fmt.Errorf("%s: %w", k, err)
		}
	}
	return event{sse: e}, nil
}
