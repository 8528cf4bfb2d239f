package probe

import "strings"

// sshQuote makes one word of s for a POSIX shell. Single quotes and backslashes
// stand outside the quotes, because fish, which may be the login shell of the
// other side, reads a backslash between single quotes differently. The result
// is the same word to both. s must have no NUL.
func sshQuote(s string) string {
	if s == "" {
		return "''"
	}
	if strings.IndexFunc(s, sshUnsafeRune) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	open := false
	for i := range len(s) {
		c := s[i]
		special := c == '\'' || c == '\\'
		if special == open {
			b.WriteByte('\'')
			open = !open
		}
		if special {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	if open {
		b.WriteByte('\'')
	}
	return b.String()
}

// sshUnsafeRune is any that could mean something to some shell, ~ and = first
// in a word included.
func sshUnsafeRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+:,@%", r)
}
