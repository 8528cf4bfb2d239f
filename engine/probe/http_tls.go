package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"time"
)

// TLSInfo is what a TLS handshake showed. The certificate is the server's own,
// not those that sign it.
type TLSInfo struct {
	Version  string // "1.2", "1.3"
	Cipher   string // IANA name
	Subject  string // common name, or the first name the certificate is for
	Issuer   string
	NotAfter time.Time
	DaysLeft float64 // until NotAfter; negative once expired
	Verified bool
	// VerifyError says why not, when it was not insisted on.
	VerifyError string

	proto string // by ALPN
}

// newTLSInfo reads a handshake made with config. Where config takes any
// certificate, it verifies after the fact.
func newTLSInfo(s tls.ConnectionState, config *tls.Config) *TLSInfo {
	info := &TLSInfo{
		Version:  strings.TrimPrefix(tls.VersionName(s.Version), "TLS "),
		Cipher:   tls.CipherSuiteName(s.CipherSuite),
		Verified: true,
		proto:    s.NegotiatedProtocol,
	}
	if len(s.PeerCertificates) == 0 {
		return info
	}
	leaf := s.PeerCertificates[0]
	info.Subject = httpCertName(leaf)
	info.Issuer = leaf.Issuer.CommonName
	if info.Issuer == "" {
		info.Issuer = leaf.Issuer.String()
	}
	info.NotAfter = leaf.NotAfter
	info.DaysLeft = time.Until(leaf.NotAfter).Hours() / 24
	if config.InsecureSkipVerify {
		if err := httpVerify(s, config); err != nil {
			info.Verified, info.VerifyError = false, httpCertProblem(err)
		}
	}
	return info
}

func httpVerify(s tls.ConnectionState, config *tls.Config) error {
	opts := x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(opts)
	return err
}

func httpCertName(cert *x509.Certificate) string {
	switch {
	case cert.Subject.CommonName != "":
		return cert.Subject.CommonName
	case len(cert.DNSNames) > 0:
		return cert.DNSNames[0]
	case len(cert.IPAddresses) > 0:
		return cert.IPAddresses[0].String()
	}
	return cert.Subject.String()
}

// httpCertKey identifies a request's certificates.
type httpCertKey struct {
	digest   [sha256.Size]byte // zero when the request brings none
	insecure bool
}

func newHTTPCertKey(req *HTTPRequest) httpCertKey {
	k := httpCertKey{insecure: req.Insecure}
	if len(req.CA)+len(req.Cert)+len(req.Key) > 0 {
		sum := sha256.New()
		for _, pem := range [][]byte{req.CA, req.Cert, req.Key} {
			sum.Write(pem)
			sum.Write([]byte{0}) // no PEM holds it
		}
		sum.Sum(k.digest[:0])
	}
	return k
}

// httpCerts keeps what was parsed from PEM: a bundle of roots takes longer to
// read than a request takes.
type httpCerts struct {
	mu      sync.Mutex
	configs map[httpCertKey]*tls.Config
}

const httpCertsMax = 256

// config is shared: clone it before changing it.
func (c *httpCerts) config(key httpCertKey, req *HTTPRequest) (*tls.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if config := c.configs[key]; config != nil {
		return config, nil
	}
	config, err := httpParseCerts(req)
	if err != nil {
		return nil, err
	}
	if c.configs == nil || len(c.configs) >= httpCertsMax {
		c.configs = map[httpCertKey]*tls.Config{}
	}
	c.configs[key] = config
	return config, nil
}

func httpParseCerts(req *HTTPRequest) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: req.Insecure}
	if len(req.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(req.CA) {
			return nil, errors.New("option ca has no certificate in PEM form")
		}
	}
	switch {
	case len(req.Cert) > 0:
		key := req.Key
		if len(key) == 0 {
			key = req.Cert // both in one file, as curl allows
		}
		pair, err := tls.X509KeyPair(req.Cert, key)
		if err != nil {
			return nil, errors.New("options cert and key: " + strings.TrimPrefix(err.Error(), "tls: "))
		}
		config.Certificates = []tls.Certificate{pair}
	case len(req.Key) > 0:
		return nil, errors.New("option key needs option cert")
	}
	return config, nil
}

// certHost is host as certificates have it: without the final dot of a complete
// name, and without a zone, which means something on this machine only.
func certHost(host string) string {
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(host, ".")
}

// tlsConfig is for the run's target. An override of the name is for the host
// it was written for, not for where that one redirects.
func (r *httpRun) tlsConfig() *tls.Config {
	config := r.tls.Clone()
	config.ServerName = certHost(r.target.host)
	if r.req.ServerName != "" && r.target.host == r.first.host {
		config.ServerName = r.req.ServerName
	}
	switch r.req.HTTP {
	case "1.1":
		config.NextProtos = []string{"http/1.1"}
	case "2":
		config.NextProtos = []string{"h2"}
	default:
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return config
}
