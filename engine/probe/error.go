package probe

import "errors"

// Kind is the class of an [Error]: what could not be done.
type Kind string

const (
	Timeout   Kind = "timeout"   // the other side took too long
	DNS       Kind = "dns"       // the name does not resolve
	Refused   Kind = "refused"   // nobody listens there
	Reset     Kind = "reset"     // the connection broke
	TLS       Kind = "tls"       // handshake or certificate
	Proto     Kind = "proto"     // the answer is not of the protocol
	TooBig    Kind = "toobig"    // the answer is over a limit that was set
	Redirects Kind = "redirects" // more redirects than were allowed
	Auth      Kind = "auth"      // credentials missing or refused by the vantage
	Spawn     Kind = "spawn"     // the command could not be started
	Cancelled Kind = "cancelled" // the run was cancelled
	Overload  Kind = "overload"  // Pharos or its machine is out of fds, processes or memory
	Vantage   Kind = "vantage"   // the host to look from could not be reached
	Missing   Kind = "missing"   // there is no such file
	Ended     Kind = "ended"     // a stream ended by itself
	Misuse    Kind = "misuse"    // the request itself makes no sense (bad URL, bad option)
)

// Error says what could not be done. It reads well by itself; Err, if set, is
// what it wraps.
type Error struct {
	Kind    Kind
	Phase   string // of a timed request: blocked, dns, connect, tls, send, wait, receive; else ""
	Message string // gerund + quoted object + reason: `getting "http://x/": connection refused`
	Err     error
	Timing  *Timing // what was measured until it failed; nil for untimed primitives
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of err, "" if it is nil or not an [*Error].
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}
