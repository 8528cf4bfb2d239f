package probe

import "time"

// httpMarks are the moments of one hop, as time since the run began; 0 is a
// moment that was not reached.
type httpMarks struct {
	start  time.Duration // of the hop
	begin  time.Duration // nothing more to wait for: the network's turn
	dns    time.Duration // address known
	dial   time.Duration // connected
	tunnel time.Duration // through the proxy
	tls    time.Duration // handshake done
	ready  time.Duration // about to write the request
	sent   time.Duration // all of it written
	first  time.Duration // first byte of an answer, a 1xx included (so does curl)
	end    time.Duration // of the hop, or of the attempt
	reused bool          // the connection was there already
}

// addTo adds the hop to t. Each phase is the time between two marks that
// follow each other, so their sum is the total by construction. What a failure
// left over belongs to the phase it failed in.
func (m *httpMarks) addTo(t *Timing, failed string) {
	at := m.start
	step := func(phase *time.Duration, mark time.Duration) {
		if mark > at {
			*phase += mark - at
			at = mark
		}
	}
	step(&t.Blocked, m.begin)
	step(&t.DNS, m.dns)
	step(&t.Connect, m.dial)
	step(&t.Blocked, m.tunnel)
	step(&t.TLS, m.tls)
	step(&t.Send, m.sent)
	step(&t.Wait, m.first)
	step(t.phase(failed), m.end)
	t.Total = at

	since := func(mark time.Duration) time.Duration { return max(mark-m.start, 0) }
	t.NameLookup += since(m.dns)
	t.Connected += since(m.dial)
	t.AppConnect += since(m.tls)
	t.PreTransfer += since(m.ready)
	t.StartTransfer += since(m.first)
}

// phase finds a disjoint part by its name.
func (t *Timing) phase(name string) *time.Duration {
	switch name {
	case "blocked":
		return &t.Blocked
	case "dns":
		return &t.DNS
	case "connect":
		return &t.Connect
	case "tls":
		return &t.TLS
	case "send":
		return &t.Send
	case "wait":
		return &t.Wait
	}
	return &t.Receive
}
