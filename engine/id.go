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
// marks, digits, "-" and "_". If nothing is left of a name, a short hash of it
// stands in, so that no two names that differ only in symbols collide in
// silence.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte('_')
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		sum := sha256.Sum256([]byte(name))
		return hex.EncodeToString(sum[:4])
	}
	return b.String()
}
