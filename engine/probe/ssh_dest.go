package probe

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// sshDest is a destination as its author wrote it; "" is left to the
// configuration.
type sshDest struct {
	user, host, port string
}

// parseSSHDest takes host, user@host, user@host:port, [addr]:port and the ssh
// URL form. The host may be anything that ssh -G can be asked about without
// mistaking it for an option.
func parseSSHDest(s string) (sshDest, error) {
	rest := strings.TrimPrefix(s, "ssh://")
	var d sshDest
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		d.user, rest = rest[:i], rest[i+1:]
		if d.user == "" {
			return sshDest{}, errors.New("empty user before @")
		}
	}
	d.host = rest
	// A bare IPv6 address has several colons, and none of them begins a port.
	if strings.HasPrefix(rest, "[") || strings.Count(rest, ":") == 1 {
		host, port, err := net.SplitHostPort(rest)
		switch {
		case err == nil:
			d.host, d.port = host, port
			if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
				return sshDest{}, fmt.Errorf("port %q: want 1 to 65535", port)
			}
		case strings.HasSuffix(rest, "]"):
			d.host = rest[1 : len(rest)-1]
		default:
			return sshDest{}, err
		}
	}
	if d.host == "" {
		return sshDest{}, errors.New("empty host")
	}
	for _, part := range []string{d.user, d.host} {
		if strings.HasPrefix(part, "-") {
			return sshDest{}, fmt.Errorf("%q begins with -", part)
		}
		if i := strings.IndexFunc(part, sshBadRune); i >= 0 {
			return sshDest{}, fmt.Errorf("%q has %q in it", part, part[i])
		}
	}
	return d, nil
}

// sshBadRune is what OpenSSH refuses too, because a Match exec or a known_hosts
// line would read it as something else.
func sshBadRune(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune("'`\"$\\;&<>|(){},", r)
}
