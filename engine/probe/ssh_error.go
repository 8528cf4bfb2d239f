package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// connectError is the error of a connection that could not be made. What the
// pool's own end did to it is not the host's fault.
func (h *sshHost) connectError(cause error, format string, args ...any) *Error {
	kind := Vantage
	var known *Error
	switch {
	case h.pool.ctx.Err() != nil:
		return sshClosed(h.name)
	case errors.As(cause, &known) && (known.Kind == Auth || known.Kind == Overload): // a jump host's, or of ssh -G
		kind = known.Kind
	case errors.Is(cause, syscall.EMFILE) || errors.Is(cause, syscall.ENFILE):
		kind = Overload
	}
	return h.errorf(kind, cause, format, args...)
}

// handshakeError says why a host could be reached but not entered.
func (h *sshHost) handshakeError(ctx context.Context, s *sshSettings, keys *sshCredentials, algos []string, err error) *Error {
	if ctx.Err() != nil { // before err, which may be nil: the end came with the handshake's
		return h.connectError(ctx.Err(), "%s accepted the connection but did not finish the ssh handshake in time", s.addr())
	}
	if key, ok := errors.AsType[*sshKeyError](err); ok {
		return h.errorf(Vantage, key, "%v", key)
	}
	if err := s.noSuchKey(err, algos); err != nil {
		return h.errorf(Vantage, err, "%v", err)
	}
	if strings.Contains(err.Error(), "unable to authenticate") { // x/crypto has no type for it
		text := fmt.Sprintf("permission denied for %s: none of the %d keys offered was taken", s.user, len(keys.signers))
		if len(keys.signers) == 0 {
			text = fmt.Sprintf("permission denied for %s: no key to offer", s.user)
		}
		if len(keys.notes) > 0 {
			text += " (" + strings.Join(keys.notes, "; ") + ")"
		}
		return h.errorf(Auth, err, "%s", text)
	}
	reason := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	return h.connectError(err, "handshake with %s failed: %s", s.addr(), reason)
}

// sshReason is the short cause of a failed dial, without the addresses that the
// message around it has already.
func sshReason(err error) string {
	var known *Error
	var no *ssh.OpenChannelError
	var dns *net.DNSError
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.As(err, &known):
		return known.Message
	case errors.As(err, &no):
		return no.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}
