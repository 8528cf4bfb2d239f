package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// TLSRequest says whose certificates to look at. Insecure is of no effect:
// nothing is refused, the result says what is wrong.
type TLSRequest struct {
	TCPRequest      // with STARTTLS or without; TLS is implied
	Versions   bool // also try each version, with a connection for each
}

// TLSResult is what a server showed in its handshake.
type TLSResult struct {
	Version  string // "1.0" to "1.3"
	Cipher   string // IANA name
	ALPN     string // the protocol agreed on, "" if none
	Verified bool   // the chain leads to a trusted root and is good for the name today
	// VerifyError says why not.
	VerifyError string
	DaysLeft    float64 // until the server's own certificate expires; negative once it has
	// ChainDaysLeft is until the first certificate on the way to the root
	// expires, on the way that lasts longest; DaysLeft if there is none.
	ChainDaysLeft float64
	Chain         []Certificate // as sent, the server's own first
	Stapled       bool          // it sent an OCSP answer along
	Versions      []string      // that it speaks, lowest first; nil if not asked for
	RemoteIP      string
	Timing        Timing // of the first connection
}

// Certificate is one certificate of a chain.
type Certificate struct {
	Subject   string
	Issuer    string
	Names     []string // DNS names and addresses it is good for
	NotBefore time.Time
	NotAfter  time.Time
	DaysLeft  float64
	Serial    string // hexadecimal
	SHA256    string // of the whole, hexadecimal
	Key       string // "RSA 2048", "ECDSA P-256", "Ed25519"
	Signature string // algorithm, as "SHA256-RSA"
	CA        bool
}

// InspectTLS makes a handshake and looks at what it shows. An expired or
// untrusted certificate is a result, not an error; errors are those of
// [TCPConn].
func InspectTLS(ctx context.Context, req TLSRequest) (*TLSResult, error) {
	roots := req.CA
	req.CA = nil
	c, err := tlsConnect(ctx, req.TCPRequest, tls.VersionTLS10, tls.VersionTLS13)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	verify := x509.VerifyOptions{DNSName: req.serverName()}
	if len(roots) > 0 {
		if verify.Roots, err = parseRoots(roots); err != nil {
			return nil, c.misuse(err)
		}
	}
	res := newTLSResult(c.state, verify)
	res.RemoteIP, res.Timing = c.RemoteIP(), c.Timing()
	if req.Versions {
		if res.Versions, err = tlsVersions(ctx, req.TCPRequest); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// tlsConnect makes a handshake that takes any certificate, with a version from
// min to max and whatever cipher the server wants.
func tlsConnect(ctx context.Context, req TCPRequest, min, max uint16) (*TCPConn, error) {
	req.TLS = req.StartTLS == ""
	req.Insecure = true
	req.inspect = &tlsInspection{min: min, max: max}
	return DialTCP(ctx, req)
}

// tlsInspection is a handshake that is made to see what the server shows.
type tlsInspection struct {
	min, max uint16
	shown    tls.ConnectionState // when it had shown its certificate
	wanted   bool                // and wanted one of ours, of which there is none
}

func (i *tlsInspection) tune(config *tls.Config) {
	config.MinVersion, config.MaxVersion = i.min, i.max
	for _, c := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, c.ID)
	}
	config.VerifyConnection = func(shown tls.ConnectionState) error {
		i.shown = shown
		return nil
	}
	if len(config.Certificates) == 0 {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			i.wanted = true
			return new(tls.Certificate), nil
		}
	}
}

// enough tells whether a handshake that failed showed what it was made for: by TLS 1.2
// a server refuses within it who has no certificate, by 1.3 behind it.
func (i *tlsInspection) enough(err error) bool {
	if i == nil || !i.wanted {
		return false
	}
	op, refused := errors.AsType[*net.OpError](err)
	return refused && op.Op == "remote error" || KindOf(err) == Reset
}

// tlsVersions tries each version by itself. That the server refuses one is the
// answer; anything else that goes wrong is an error.
func tlsVersions(ctx context.Context, req TCPRequest) ([]string, error) {
	versions := []string{}
	for v := uint16(tls.VersionTLS10); v <= tls.VersionTLS13; v++ {
		c, err := tlsConnect(ctx, req, v, v)
		switch kind := KindOf(err); {
		case err == nil:
			c.Close()
			versions = append(versions, tlsVersionName(v))
		case kind != TLS && kind != Reset: // some servers just hang up
			return nil, fmt.Errorf("trying TLS %s: %w", tlsVersionName(v), err)
		}
	}
	return versions, nil
}

// tlsVersionName is "1.2" for TLS 1.2.
func tlsVersionName(v uint16) string { return strings.TrimPrefix(tls.VersionName(v), "TLS ") }

func newTLSResult(s tls.ConnectionState, verify x509.VerifyOptions) *TLSResult {
	res := &TLSResult{
		Version: tlsVersionName(s.Version),
		Cipher:  tls.CipherSuiteName(s.CipherSuite),
		ALPN:    s.NegotiatedProtocol,
		Stapled: len(s.OCSPResponse) > 0,
	}
	for _, cert := range s.PeerCertificates {
		res.Chain = append(res.Chain, newCertificate(cert))
	}
	if len(res.Chain) == 0 {
		res.VerifyError = "it sent no certificate"
		return res
	}
	res.DaysLeft = res.Chain[0].DaysLeft
	res.ChainDaysLeft = res.DaysLeft
	ways, err := tlsVerify(s, verify)
	if err != nil {
		res.VerifyError = certProblem(err, s.PeerCertificates[0])
		return res
	}
	res.Verified = true
	res.ChainDaysLeft = 0
	for _, way := range ways {
		first := tlsDaysLeft(way[0])
		for _, cert := range way[1:] {
			first = min(first, tlsDaysLeft(cert))
		}
		res.ChainDaysLeft = max(res.ChainDaysLeft, first)
	}
	return res
}

func tlsDaysLeft(cert *x509.Certificate) float64 { return time.Until(cert.NotAfter).Hours() / 24 }

// tlsKeyName names a public key by its kind and size.
func tlsKeyName(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return ""
}

func newCertificate(cert *x509.Certificate) Certificate {
	sum := sha256.Sum256(cert.Raw)
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	return Certificate{
		Subject:   certName(cert),
		Issuer:    cert.Issuer.String(),
		Names:     names,
		NotBefore: cert.NotBefore,
		NotAfter:  cert.NotAfter,
		DaysLeft:  tlsDaysLeft(cert),
		Serial:    cert.SerialNumber.Text(16),
		SHA256:    hex.EncodeToString(sum[:]),
		Key:       tlsKeyName(cert.PublicKey),
		Signature: cert.SignatureAlgorithm.String(),
		CA:        cert.IsCA,
	}
}
