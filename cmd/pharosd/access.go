package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"pharos/web"
)

// accessFlags say who may see the board, and how.
type accessFlags struct {
	allowed         []string
	frames          []string
	passwordFile    string
	tokenFile       string
	tlsCert, tlsKey string
	maxStreams      int
	maxStreamsPerIP int
}

func (f *accessFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.allowed, "allowed-host", nil, "further host names that the board may be asked for by; *.example.org takes all below it")
	flags.StringSliceVar(&f.frames, "frame-ancestor", nil, "origins whose pages may show the board in a frame, such as https://wall.example.org")
	flags.Var((*given)(&f.passwordFile), "password-file", "let in only users of this file, lines as htpasswd -B writes them; read again when it changes")
	flags.Var((*given)(&f.tokenFile), "token-file", "let in viewers that bring a token of this file, one a line, as ?token= or as bearer token; read again when it changes")
	flags.Var((*given)(&f.tlsCert), "tls-cert", "serve HTTPS with this certificate chain (PEM); read again when it changes")
	flags.Var((*given)(&f.tlsKey), "tls-key", "the key of --tls-cert (PEM)")
	flags.IntVar(&f.maxStreams, "max-streams", 10_000, "viewers at once")
	flags.IntVar(&f.maxStreamsPerIP, "max-streams-per-ip", 0, "viewers at once from one address, of IPv6 one /64; 0 is no bound, as a proxy is one address")
}

// given is the value of a flag that is not empty. Where a shell's variable is not
// set, --password-file "$FILE" would let in everybody, and --listen "$HOST" open the
// board to all who reach the machine.
type given string

func (g *given) String() string { return string(*g) }
func (g *given) Type() string   { return "string" }

func (g *given) Set(text string) error {
	if text == "" {
		return errors.New("it is empty; leave the flag out to do without")
	}
	*g = given(text)
	return nil
}

func (f *accessFlags) https() bool { return f.tlsCert != "" }

// check refuses what would have no effect, or another one than was meant.
func (f *accessFlags) check() error {
	for _, host := range f.allowed {
		name := strings.TrimPrefix(host, "*.") // "*example.org" would take evilexample.org too
		if name == "" || host != "*" && strings.ContainsAny(name, "/@ *") {
			return fmt.Errorf("cannot use --allowed-host %q: want a name, such as board.example.org or *.example.org", host)
		}
	}
	for _, origin := range f.frames {
		if origin == "" || strings.ContainsAny(origin, "; \t\r\n") {
			return fmt.Errorf("cannot use --frame-ancestor %q: want an origin, such as https://wall.example.org", origin)
		}
	}
	if f.maxStreams < 1 {
		return fmt.Errorf("cannot use --max-streams %d: want 1 or more", f.maxStreams)
	}
	if f.maxStreamsPerIP < 0 {
		return fmt.Errorf("cannot use --max-streams-per-ip %d: want 0 or more", f.maxStreamsPerIP)
	}
	return nil
}

// apply sets what the flags say, and reads their files.
func (f *accessFlags) apply(cfg *web.Config, logger *slog.Logger) error {
	if err := f.check(); err != nil {
		return err
	}
	cfg.AllowedHosts, cfg.FrameAncestors = f.allowed, f.frames
	cfg.MaxStreams, cfg.MaxStreamsPerIP = f.maxStreams, f.maxStreamsPerIP
	if f.passwordFile != "" || f.tokenFile != "" {
		var err error
		cfg.Auth, err = web.NewAuth(web.AuthConfig{PasswordFile: f.passwordFile, TokenFile: f.tokenFile, Logger: logger})
		if err != nil {
			return err
		}
	}
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return errors.New("setting up TLS: --tls-cert and --tls-key go together")
	}
	if f.https() {
		var err error
		if cfg.Certificate, err = web.NewCertificate(f.tlsCert, f.tlsKey, logger); err != nil {
			return err
		}
	}
	return nil
}
