package web

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const minTokenBytes = 16

// tokens are what viewers may show in place of a password, one a line of a
// file that is read again when it changes.
type tokens struct {
	file *watchedFile

	mu   sync.Mutex
	list []token
}

// token is known by what it hashes to.
type token struct {
	sum                [sha256.Size]byte
	cookieName, cookie string // what a viewer keeps in its place
}

func readTokens(file string, log *slog.Logger) (*tokens, error) {
	t := &tokens{}
	var err error
	if t.file, err = watchFiles(log, t.take, file); err != nil {
		return nil, fmt.Errorf("reading the token file: %w", err)
	}
	if len(t.list) == 0 { // later that is how to let nobody in
		return nil, fmt.Errorf("reading the token file: %q holds no token", file)
	}
	return t, nil
}

// take reads a token a line; empty lines and those that begin with # are none.
func (t *tokens) take(content [][]byte) error {
	var list []token
	for line := range bytes.Lines(content[0]) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if len(line) < minTokenBytes {
			return fmt.Errorf("a token of %d bytes, want at least %d", len(line), minTokenBytes)
		}
		list = append(list, newToken(line))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = list
	return nil
}

// newToken gives it a cookie that is made from the token, so that it is good
// after a restart, and of no use as one. So is the name: browsers do not tell
// one port from another, and boards of other tokens may be on the same machine.
func newToken(text []byte) token {
	derive := func(what string) string {
		mac := hmac.New(sha256.New, text)
		mac.Write([]byte(what))
		return hex.EncodeToString(mac.Sum(nil))
	}
	return token{sha256.Sum256(text), "pharos_viewer_" + derive("pharos viewer cookie's name")[:8], derive("pharos viewer cookie")}
}

// current gives the tokens as the file has them; none without a file.
func (t *tokens) current() []token {
	if t == nil {
		return nil
	}
	t.file.check()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list
}

// find finds a token in a time that tells nothing of how much of it is right.
func (t *tokens) find(text string) (token, bool) {
	sum := sha256.Sum256([]byte(text))
	var found token
	ok := false
	for _, known := range t.current() {
		if subtle.ConstantTimeCompare(sum[:], known.sum[:]) == 1 {
			found, ok = known, true
		}
	}
	return found, ok
}

// bearer finds the token of an Authorization header.
func (t *tokens) bearer(header string) (token, bool) {
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return token{}, false
	}
	return t.find(text)
}

// cookied finds the token that a request's cookie stands for.
func (t *tokens) cookied(r *http.Request) (token, bool) {
	for _, known := range t.current() {
		for _, cookie := range r.CookiesNamed(known.cookieName) {
			if subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(known.cookie)) == 1 {
				return known, true
			}
		}
	}
	return token{}, false
}

func (t *tokens) holds(one token) bool { return slices.Contains(t.current(), one) }
