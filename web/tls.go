package web

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Certificate is a certificate and its key, read again when the files change,
// so that a renewed one is used without a restart. Make it with
// [NewCertificate].
type Certificate struct {
	files   *watchedFile
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
}

// NewCertificate reads a certificate chain and its key, both PEM. It is an
// error if they cannot be read or do not belong together.
func NewCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	log = cmp.Or(log, slog.Default())
	c := &Certificate{log: log}
	files, err := watchFiles(log, c.takePair, certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	c.files = files
	return c, nil
}

func (c *Certificate) takePair(content [][]byte) error {
	pair, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return err
	}
	if why := outOfDate(&pair, time.Now()); why != "" {
		c.log.Warn("viewers will not take the certificate", "because", why)
	}
	c.current.Store(&pair)
	return nil
}

// outOfDate tells why a certificate is not good at a time; "" if it is. It is no
// error: the clock may be wrong.
func outOfDate(pair *tls.Certificate, at time.Time) string {
	switch leaf := pair.Leaf; {
	case leaf == nil: // by GODEBUG
	case at.After(leaf.NotAfter):
		return "it expired on " + leaf.NotAfter.Format(time.RFC3339)
	case at.Before(leaf.NotBefore):
		return "it is not valid yet, but from " + leaf.NotBefore.Format(time.RFC3339)
	}
	return ""
}

// config gives the TLS side of a server: HTTP/2 where the client knows it, and
// nothing older than TLS 1.2.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.files.check()
			return c.current.Load(), nil
		},
	}
}
