package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// Certificate is a certificate and its key, read again when the files change,
// so that a renewed one is used without a restart. Make it with
// [NewCertificate].
type Certificate struct {
	files   *watchedFile
	current atomic.Pointer[tls.Certificate]
}

// NewCertificate reads a certificate chain and its key, both PEM. It is an
// error if they cannot be read or do not belong together.
func NewCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	if log == nil {
		log = slog.Default()
	}
	c := &Certificate{}
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
	c.current.Store(&pair)
	return nil
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
