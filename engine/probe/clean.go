package probe

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Clean makes text of bytes that came from outside: valid UTF-8, without
// terminal escape sequences (ECMA-48 CSI, and OSC, DCS, SOS, PM and APC
// strings), without control characters other than newline and tab, and without
// the characters that turn the direction of writing. Carriage returns before a
// newline go, others become newlines. What is not UTF-8 becomes U+FFFD, one for
// each run. The result is at most three times as long as b.
func Clean(b []byte) string {
	if cleanAlready(b) {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	invalid := false
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			if !invalid {
				out.WriteRune(utf8.RuneError)
			}
			invalid = true
			b = b[1:]
			continue
		}
		invalid = false
		switch {
		case r == '\x1b' || r == 0x9b || r == 0x9d || r == 0x90 || r == 0x98 || r == 0x9e || r == 0x9f:
			b = b[cleanEscape(b, r, n):]
			continue
		case r == '\r':
			if n == len(b) || b[n] != '\n' {
				out.WriteByte('\n')
			}
		case !cleanDropped(r):
			out.WriteRune(r)
		}
		b = b[n:]
	}
	return out.String()
}

// CleanText is [Clean] for text: what is clean already is given back as it is.
func CleanText(s string) string {
	if cleanAlready([]byte(s)) {
		return s
	}
	return Clean([]byte(s))
}

// bounded cuts a text of the other side for a message. Dots say so, at every cut:
// what is cut may be a secret, and the rest of it is looked for beside them.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// cleanAlready reports that there is nothing to do, as for most output. It looks
// at eight bytes at once: for every tile's output it does so in every run.
func cleanAlready(b []byte) bool {
	const each = 0x0101010101010101
	for ; len(b) >= 8; b = b[8:] {
		// The high bit of a byte is set where it was (no ASCII), or where taking
		// off a blank borrows (a control character), or adding 1 carries (DEL).
		if w := binary.LittleEndian.Uint64(b); (w|(w-' '*each)|(w+each))&(0x80*each) != 0 && !cleanBytes(b[:8]) {
			return false
		}
	}
	return cleanBytes(b)
}

func cleanBytes(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// cleanDropped holds for control characters and for those that change the
// direction of the text that follows (Unicode Bidirectional Algorithm, 2).
func cleanDropped(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ', r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// cleanEscape gives the length of the escape sequence that b starts with; n is
// the length of its first character r. A sequence that does not end is taken
// for its introducer alone, so that it cannot hide the text behind it.
func cleanEscape(b []byte, r rune, n int) int {
	if r == '\x1b' {
		if len(b) == n {
			return n
		}
		switch b[n] {
		case '[':
			r = 0x9b
		case ']':
			r = 0x9d
		case 'P', 'X', '^', '_':
			r = 0x90
		default:
			return cleanShortEscape(b, n)
		}
		n++
	}
	if r == 0x9b {
		return cleanCSI(b, n)
	}
	return cleanStringEnd(b, n)
}

// cleanStringEnd finds the end (BEL or ST) of a command string that starts at
// n; n itself if another control character comes first.
func cleanStringEnd(b []byte, n int) int {
	for i := n; i < len(b); i++ {
		next := byte(0)
		if i+1 < len(b) {
			next = b[i+1]
		}
		switch c := b[i]; {
		case c == '\a':
			return i + 1
		case c == '\x1b' && next == '\\', c == 0xc2 && next == 0x9c:
			return i + 2
		case c < ' ', c == 0xc2 && next >= 0x80 && next <= 0x9f:
			return n
		}
	}
	return n
}

// cleanCSI: parameters 0x30-0x3f, intermediates 0x20-0x2f, one final 0x40-0x7e.
func cleanCSI(b []byte, n int) int {
	i := n
	for i < len(b) && b[i] >= 0x30 && b[i] <= 0x3f {
		i++
	}
	for i < len(b) && b[i] >= 0x20 && b[i] <= 0x2f {
		i++
	}
	if i < len(b) && b[i] >= 0x40 && b[i] <= 0x7e {
		return i + 1
	}
	return n
}

// cleanShortEscape: ESC, intermediates 0x20-0x2f, one final 0x30-0x7e.
func cleanShortEscape(b []byte, n int) int {
	i := n
	for i < len(b) && b[i] >= 0x20 && b[i] <= 0x2f {
		i++
	}
	if i < len(b) && b[i] >= 0x30 && b[i] <= 0x7e {
		return i + 1
	}
	return n
}
