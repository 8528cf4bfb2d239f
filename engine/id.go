package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// ID is the stable identity of a watcher: the same string in URLs, in
// /poll/json, in patterns and in the state file.
type ID string

// MakeID gives the id of a watcher that names none itself: slug(set) + "." +
// slug(name), without the prefix in an unnamed set.
func MakeID(set, name string) ID {
	if set == "" {
		return ID(Slug(name))
	}
	return ID(Slug(set) + "." + Slug(name))
}

// Slug lowers name, turns white space to "_", and keeps Unicode letters,
// marks, digits, "-" and "_". Other symbols are "-" between two digits, where
// 10.0.1.11 would be 10.0.11.1 without them, and are left out elsewhere. If nothing
// is left of a name, a short hash of it stands in, so that no two names that differ
// only in symbols collide in silence.
func Slug(name string) string {
	var b strings.Builder
	var last rune // of what was kept
	left := false // a symbol out, after that
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		switch {
		case unicode.IsSpace(r):
			r = '_'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r):
		default:
			left = true
			continue
		}
		if left && unicode.IsDigit(last) && unicode.IsDigit(r) {
			b.WriteByte('-')
		}
		b.WriteRune(r)
		last, left = r, false
	}
	if b.Len() == 0 {
		sum := sha256.Sum256([]byte(name))
		return hex.EncodeToString(sum[:4])
	}
	return b.String()
}
