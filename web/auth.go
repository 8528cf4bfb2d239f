package web

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
)

const (
	minTokenBytes = 16
	// maxProven bounds the remembered proofs of passwords: bcrypt is slow by
	// design, and a browser sends the password with each request.
	maxProven = 1024
	// maxHashing bounds the password checks at once, so that guessing cannot
	// take the processor from the watchers.
	maxHashing  = 1
	tokenCookie = "pharos_viewer"
	cookieYears = 365 * 24 * 60 * 60 // seconds: a wall's bookmark is opened once
)

// Auth lets in who has a password or a token; all may read everything, as
// there is nothing but reading. Make it with [NewAuth].
type Auth struct {
	passwords *watchedFile // nil without a password file
	tokens    [][sha256.Size]byte
	cookies   []string // what the cookie of each token holds
	key       [32]byte // of the proofs
	hashing   chan struct{}

	mu     sync.Mutex
	users  map[string][]byte // bcrypt hashes
	dummy  []byte            // compared with when there is no such user, to take as long
	proven map[[sha256.Size]byte]bool
}

// AuthConfig says who is let in.
type AuthConfig struct {
	// PasswordFile has a line "name:hash" for each user, as `htpasswd -B`
	// writes it. It is read again when it changes.
	PasswordFile string
	// Tokens let in a viewer that shows one: as a bearer token, or once as
	// ?token=, which leaves a cookie. At least 16 bytes each.
	Tokens []string
	Logger *slog.Logger // default slog.Default
}

// NewAuth reads the password file. It is an error if that cannot be read or
// holds a hash other than bcrypt's, if a token is short, or if there is neither.
func NewAuth(cfg AuthConfig) (*Auth, error) {
	if cfg.PasswordFile == "" && len(cfg.Tokens) == 0 {
		return nil, errors.New("setting up authentication: neither a password file nor a token is given")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &Auth{hashing: make(chan struct{}, maxHashing), proven: make(map[[sha256.Size]byte]bool)}
	_, _ = rand.Read(a.key[:]) // it does not fail
	for _, token := range cfg.Tokens {
		if len(token) < minTokenBytes {
			return nil, fmt.Errorf("setting up authentication: a token of %d bytes, want at least %d", len(token), minTokenBytes)
		}
		a.tokens = append(a.tokens, sha256.Sum256([]byte(token)))
		a.cookies = append(a.cookies, cookieOf(token))
	}
	if cfg.PasswordFile == "" {
		return a, nil
	}
	var err error
	a.passwords, err = watchFiles(cfg.Logger, a.takePasswords, cfg.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("reading the password file: %w", err)
	}
	return a, nil
}

// cookieOf gives what the cookie holds: made from the token, so that it is
// good after a restart, and of no use as one.
func cookieOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("pharos viewer cookie"))
	return hex.EncodeToString(mac.Sum(nil))
}

func (a *Auth) takePasswords(content [][]byte) error {
	users := make(map[string][]byte)
	highest := bcrypt.MinCost
	lines := bufio.NewScanner(bytes.NewReader(content[0]))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return fmt.Errorf("line %d: want name:hash", n)
		}
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return fmt.Errorf("line %d: the hash of %q is not bcrypt's: make it with htpasswd -B", n, name)
		}
		users[name] = []byte(hash)
		highest = max(highest, cost)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	dummy, err := bcrypt.GenerateFromPassword(a.key[:], highest)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users, a.dummy = users, dummy
	clear(a.proven)
	return nil
}

// require lets a request through that is authenticated, or to a route that is
// open to all.
func (a *Auth) require(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			return next(c) // for probes of machines; they tell nothing of what is watched
		}
		if token := r.URL.Query().Get("token"); token != "" {
			if i := a.tokenIndex(token); i >= 0 {
				return a.welcome(c, i, next)
			}
		}
		if a.allows(r) {
			return next(c)
		}
		challenge := `Bearer realm="Pharos"`
		if a.passwords != nil {
			challenge = `Basic realm="Pharos", charset="UTF-8"`
		}
		c.Response().Header().Set("WWW-Authenticate", challenge)
		return echo.NewHTTPError(http.StatusUnauthorized, "a password or a token is needed")
	}
}

// welcome leaves a cookie for the token, and takes the token out of a page's
// address, so that it is not read off a wall or copied with a link.
func (a *Auth) welcome(c echo.Context, token int, next echo.HandlerFunc) error {
	r := c.Request()
	c.SetCookie(&http.Cookie{
		Name: tokenCookie, Value: a.cookies[token], Path: "/", MaxAge: cookieYears,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	if r.URL.Path != "/" {
		return next(c)
	}
	query := r.URL.Query()
	query.Del("token")
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, (&url.URL{Path: "/", RawQuery: query.Encode()}).String())
}

func (a *Auth) allows(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && a.tokenIndex(token) >= 0 {
		return true
	}
	if cookie, err := r.Cookie(tokenCookie); err == nil {
		for _, want := range a.cookies {
			if subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(want)) == 1 {
				return true
			}
		}
	}
	if a.passwords == nil {
		return false
	}
	name, password, ok := r.BasicAuth()
	return ok && a.passwordIs(r, name, password)
}

// tokenIndex finds a token, -1 if it is none, in a time that tells nothing of
// how much of it is right.
func (a *Auth) tokenIndex(token string) int {
	sum := sha256.Sum256([]byte(token))
	found := -1
	for i, want := range a.tokens {
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			found = i
		}
	}
	return found
}

func (a *Auth) passwordIs(r *http.Request, name, password string) bool {
	a.passwords.check()
	mac := hmac.New(sha256.New, a.key[:])
	fmt.Fprintf(mac, "%d:%s:%s", len(name), name, password)
	proof := [sha256.Size]byte(mac.Sum(nil))

	a.mu.Lock()
	known := a.proven[proof]
	hash, exists := a.users[name]
	if !exists {
		hash = a.dummy
	}
	a.mu.Unlock()
	if known {
		return true
	}
	select {
	case a.hashing <- struct{}{}:
	case <-r.Context().Done():
		return false
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	<-a.hashing
	if err != nil || !exists {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// The file may have changed meanwhile; what was right by the old one is
	// let in this once and not remembered.
	if bytes.Equal(a.users[name], hash) {
		if len(a.proven) >= maxProven {
			clear(a.proven)
		}
		a.proven[proof] = true
	}
	return true
}
