package web

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
)

const (
	// maxProven bounds the remembered proofs of passwords: bcrypt is slow by
	// design, and a browser sends the password with each request.
	maxProven   = 1024
	cookieYears = 365 * 24 * 60 * 60 // seconds: a wall's bookmark is opened once
	// maxCost bounds what bcrypt may be asked to do, some seconds: nothing ends it
	// before, and whoever else logs in waits.
	maxCost     = 15
	hashLength  = 60
	tellGuesses = time.Minute // between two lines of the log about wrong passwords and tokens
)

// Auth lets in who has a password or a token; all may read everything, as
// there is nothing but reading. Make it with [NewAuth].
type Auth struct {
	passwords *watchedFile // nil without a password file
	tokens    *tokens      // nil without a token file
	key       [32]byte     // of the proofs
	hashing   turns
	log       *slog.Logger

	mu     sync.Mutex
	users  map[string][]byte            // bcrypt hashes
	dummy  []byte                       // the costliest of them: compared with when there is no such user, to take as long
	proven map[[sha256.Size]byte][]byte // by the proof of a password, the hash that it was right by

	guesses int       // wrong passwords and tokens since told
	told    time.Time // when the log was told of guesses
}

// AuthConfig says who is let in.
type AuthConfig struct {
	// PasswordFile has a line "name:hash" for each user, as `htpasswd -B`
	// writes it. It is read again when it changes.
	PasswordFile string
	// TokenFile has a token on each line, of at least 16 bytes; empty lines
	// and those that begin with # are none. A token lets in a viewer that
	// shows it: as a bearer token, or once as ?token=, which leaves a cookie.
	// It is read again when it changes.
	TokenFile string
	Logger    *slog.Logger // default slog.Default
}

// NewAuth reads the files. It is an error if one cannot be read, if a hash is
// other than bcrypt's, if a token is short, if a file holds nobody, or if there
// is neither file.
func NewAuth(cfg AuthConfig) (*Auth, error) {
	if cfg.PasswordFile == "" && cfg.TokenFile == "" {
		return nil, errors.New("setting up authentication: neither a password file nor a token file is given")
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	a := &Auth{hashing: newTurns(), log: cfg.Logger, proven: make(map[[sha256.Size]byte][]byte)}
	_, _ = rand.Read(a.key[:]) // it does not fail
	var err error
	if cfg.TokenFile != "" {
		if a.tokens, err = readTokens(cfg.TokenFile, cfg.Logger); err != nil {
			return nil, err
		}
	}
	if cfg.PasswordFile != "" {
		if a.passwords, err = watchFiles(cfg.Logger, a.takePasswords, cfg.PasswordFile); err != nil {
			return nil, fmt.Errorf("reading the password file: %w", err)
		}
		if len(a.users) == 0 { // later that is how to let nobody in
			return nil, fmt.Errorf("reading the password file: %q holds no user", cfg.PasswordFile)
		}
	}
	return a, nil
}

func (a *Auth) takePasswords(content [][]byte) error {
	users := make(map[string][]byte)
	highest, dummy := 0, []byte(nil)
	n := 0
	for line := range strings.Lines(string(content[0])) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return fmt.Errorf("line %d: want name:hash", n)
		}
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil || len(hash) != hashLength { // what is longer is right for nobody
			return fmt.Errorf("line %d: the hash of %q is not bcrypt's: make it with htpasswd -B", n, name)
		}
		if cost > maxCost {
			return fmt.Errorf("line %d: checking a hash of cost %d would hold up everybody: want at most %d", n, cost, maxCost)
		}
		if users[name] != nil {
			return fmt.Errorf("line %d: %q has a line already", n, name)
		}
		users[name] = []byte(hash)
		if cost >= highest {
			highest, dummy = cost, users[name]
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users, a.dummy = users, dummy
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
		if text := r.URL.Query().Get("token"); text != "" {
			if known, ok := a.tokens.find(text); ok {
				return a.welcome(c, known, next)
			}
		}
		by, err := a.allows(r)
		switch {
		case err == nil:
			c.Set(grantKey, by)
			return next(c)
		case errors.Is(err, errCrowded):
			c.Response().Header().Set("Retry-After", "1")
			return echo.NewHTTPError(http.StatusTooManyRequests, err.Error())
		}
		if r.Header.Get("Authorization") != "" || r.URL.Query().Has("token") {
			a.tellOfGuess(r)
		}
		challenge := `Bearer realm="Pharos"`
		if a.passwords != nil {
			challenge = `Basic realm="Pharos", charset="UTF-8"`
		}
		c.Response().Header().Set("WWW-Authenticate", challenge)
		return echo.NewHTTPError(http.StatusUnauthorized, "a password or a token is needed")
	}
}

// tellOfGuess logs that a wrong password or token was tried, and how many were
// since it was logged last; nothing of what was tried, which may be nearly right.
func (a *Auth) tellOfGuess(r *http.Request) {
	a.mu.Lock()
	a.guesses++
	times, due := a.guesses, time.Since(a.told) >= tellGuesses
	if due {
		a.guesses, a.told = 0, time.Now()
	}
	a.mu.Unlock()
	if due {
		a.log.Warn("a wrong password or token was tried", "address", neighbourhood(r), "times", times)
	}
}

// welcome leaves a cookie for the token, and takes the token out of a page's
// address, so that it is not read off a wall or copied with a link.
func (a *Auth) welcome(c echo.Context, known token, next echo.HandlerFunc) error {
	r := c.Request()
	c.Set(grantKey, grant{token: known})
	// Who makes this header up only binds a cookie of his own to TLS.
	secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	c.SetCookie(&http.Cookie{
		Name: known.cookieName, Value: known.cookie, Path: "/", MaxAge: cookieYears,
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
	if r.URL.Path != "/" {
		return next(c)
	}
	query := r.URL.Query()
	query.Del("token")
	// A proxy may have the board below a path that only it knows.
	return c.Redirect(http.StatusSeeOther, (&url.URL{Path: "./", RawQuery: query.Encode()}).String())
}

var errUnknown = errors.New("neither a password nor a token that is known")

// allows tells by what a request may be answered, or why not.
func (a *Auth) allows(r *http.Request) (grant, error) {
	if known, ok := a.tokens.bearer(r.Header.Get("Authorization")); ok {
		return grant{token: known}, nil
	}
	if known, ok := a.tokens.cookied(r); ok {
		return grant{token: known}, nil
	}
	if name, password, ok := r.BasicAuth(); ok && a.passwords != nil {
		return a.passwordIs(r, name, password)
	}
	return grant{}, errUnknown
}

func (a *Auth) passwordIs(r *http.Request, name, password string) (grant, error) {
	a.passwords.check()
	mac := hmac.New(sha256.New, a.key[:])
	fmt.Fprintf(mac, "%d:%s:%s", len(name), name, password)
	proof := [sha256.Size]byte(mac.Sum(nil))
	if by, ok := a.remembers(proof, name); ok {
		return by, nil
	}
	give, err := a.hashing.take(r.Context(), neighbourhood(r))
	if err != nil {
		return grant{}, err
	}
	defer give()
	// A page's requests come at once: the first of them proves it for the rest.
	by, ok := a.remembers(proof, name)
	if ok {
		return by, nil
	}
	hash := by.hash
	if hash == nil {
		a.mu.Lock()
		hash = a.dummy
		a.mu.Unlock()
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || by.hash == nil {
		return grant{}, errUnknown
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.proven) >= maxProven {
		clear(a.proven)
	}
	a.proven[proof] = hash
	return by, nil
}

// remembers tells whether a password was right by the hash that its user has
// now, and who it would let in; that one has no hash if there is no such user.
func (a *Auth) remembers(proof [sha256.Size]byte, name string) (grant, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hash := a.users[name]
	return grant{user: name, hash: hash}, hash != nil && bytes.Equal(a.proven[proof], hash)
}

// grant is what let a viewer in: a user as the password file had it, or a
// token.
type grant struct {
	user  string
	hash  []byte
	token token
}

// grantKey is where a request keeps its grant.
const grantKey = "grant"

// holds tells whether a grant still lets in: its user has the same password,
// or its token is still in the file.
func (a *Auth) holds(by grant) bool {
	if by.user == "" {
		return a.tokens.holds(by.token)
	}
	a.passwords.check()
	a.mu.Lock()
	defer a.mu.Unlock()
	hash, exists := a.users[by.user]
	return exists && bytes.Equal(hash, by.hash)
}
