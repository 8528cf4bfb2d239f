package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
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
	flags.StringVar(&f.passwordFile, "password-file", "", "let in only users of this file, lines as htpasswd -B writes them")
	flags.StringVar(&f.tokenFile, "token-file", "", "let in viewers that bring a token of this file, one a line, as ?token= or as bearer token")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "serve HTTPS with this certificate chain (PEM); read again when it changes")
	flags.StringVar(&f.tlsKey, "tls-key", "", "the key of --tls-cert (PEM)")
	flags.IntVar(&f.maxStreams, "max-streams", 10_000, "viewers at once")
	flags.IntVar(&f.maxStreamsPerIP, "max-streams-per-ip", 0, "viewers at once from one address; 0 is no bound, as a proxy is one address")
}

func (f *accessFlags) https() bool { return f.tlsCert != "" }

// apply sets what the flags say, and reads their files.
func (f *accessFlags) apply(cfg *web.Config, logger *slog.Logger) error {
	cfg.AllowedHosts, cfg.FrameAncestors = f.allowed, f.frames
	cfg.MaxStreams, cfg.MaxStreamsPerIP = f.maxStreams, f.maxStreamsPerIP
	if f.passwordFile != "" || f.tokenFile != "" {
		tokens, err := readTokens(f.tokenFile)
		if err != nil {
			return err
		}
		cfg.Auth, err = web.NewAuth(web.AuthConfig{PasswordFile: f.passwordFile, Tokens: tokens, Logger: logger})
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

// readTokens reads a token a line; empty lines and those that begin with # are
// none. No file gives none.
func readTokens(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the token file: %w", err)
	}
	var tokens []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			tokens = append(tokens, line)
		}
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("reading the token file: %q holds no token", file)
	}
	return tokens, nil
}
