package probe

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
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
		Version:  tlsVersionName(s.Version),
		Cipher:   tls.CipherSuiteName(s.CipherSuite),
		Verified: true,
		proto:    s.NegotiatedProtocol,
	}
	if len(s.PeerCertificates) == 0 {
		return info
	}
	leaf := s.PeerCertificates[0]
	info.Subject = certName(leaf)
	info.Issuer = cmp.Or(leaf.Issuer.CommonName, leaf.Issuer.String())
	info.NotAfter = leaf.NotAfter
	info.DaysLeft = tlsDaysLeft(leaf)
	if config.InsecureSkipVerify {
		if _, err := tlsVerify(s, x509.VerifyOptions{Roots: config.RootCAs, DNSName: config.ServerName}); err != nil {
			info.Verified, info.VerifyError = false, certProblem(err, leaf)
		}
	}
	return info
}

// tlsVerify judges the server's chain as a handshake would that insists on it, and
// gives the ways to a root.
func tlsVerify(s tls.ConnectionState, opts x509.VerifyOptions) ([][]*x509.Certificate, error) {
	opts.Intermediates = x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	return s.PeerCertificates[0].Verify(opts)
}

// certName is what a reader knows a certificate by.
func certName(cert *x509.Certificate) string {
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

// certHost is host as certificates have it: without the final dot of a complete
// name, and without a zone, which means something on this machine only.
func certHost(host string) string {
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(host, ".")
}

// newTLSConfig is for the certificates that a request brings: roots (nil for the
// system's), its own and the key of that, as PEM.
func newTLSConfig(insecure bool, ca, cert, key []byte) (*tls.Config, error) {
	config := &tls.Config{
		InsecureSkipVerify: insecure,
		// As some servers do when they want a client certificate for one path only.
		Renegotiation: tls.RenegotiateOnceAsClient,
	}
	if len(ca) > 0 {
		var err error
		if config.RootCAs, err = parseRoots(ca); err != nil {
			return nil, err
		}
	}
	switch {
	case len(cert) > 0:
		if len(key) == 0 {
			key = cert // both in one file, as curl allows
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, errors.New("options cert and key: " + strings.TrimPrefix(err.Error(), "tls: "))
		}
		config.Certificates = []tls.Certificate{pair}
	case len(key) > 0:
		return nil, errors.New("option key needs option cert")
	}
	return config, nil
}

func parseRoots(pem []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("option ca has no certificate in PEM form")
	}
	return roots, nil
}
