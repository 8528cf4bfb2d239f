package probe

import "time"

// Timing is where the time of a timed request went.
//
// The first seven are disjoint and sum to Total, redirects included. The
// others are curl's marks (curl(1), --write-out), cumulative from the start;
// with redirects each mark is the sum over hops of (mark - start of hop), as
// curl computes them. What did not happen is 0.
type Timing struct {
	Blocked time.Duration // waiting for leave to connect: a pool, a proxy's handshake
	DNS     time.Duration // resolving the name
	Connect time.Duration // TCP handshake
	TLS     time.Duration // TLS handshake
	Send    time.Duration // writing the request
	Wait    time.Duration // request sent to first byte of the answer
	Receive time.Duration // first byte to last
	Total   time.Duration // the whole, by the wall clock

	NameLookup    time.Duration // time_namelookup
	Connected     time.Duration // time_connect
	AppConnect    time.Duration // time_appconnect; 0 without TLS
	PreTransfer   time.Duration // time_pretransfer
	StartTransfer time.Duration // time_starttransfer
	Redirect      time.Duration // time_redirect: all hops before the last
}

// Phase is one disjoint part of a [Timing].
type Phase struct {
	Name     string
	Duration time.Duration
}

// Phases lists the disjoint parts in the order they happen, those of 0
// included, so that readers can index by place.
func (t *Timing) Phases() [7]Phase {
	return [7]Phase{
		{"blocked", t.Blocked}, {"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS},
		{"send", t.Send}, {"wait", t.Wait}, {"receive", t.Receive},
	}
}
