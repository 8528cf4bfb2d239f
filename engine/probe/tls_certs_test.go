package probe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// tlsAuthority signs certificates for tests.
type tlsAuthority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTLSAuthority(t *testing.T) *tlsAuthority {
	t.Helper()
	a := &tlsAuthority{}
	a.cert, a.key = a.issue(t, "Test Authority", time.Now().Add(-time.Hour), time.Now().Add(1000*24*time.Hour), true)
	return a
}

// pem gives the authority's own certificate.
func (a *tlsAuthority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// server makes a certificate for localhost and 127.0.0.1.
func (a *tlsAuthority) server(t *testing.T, from, to time.Time) tls.Certificate {
	t.Helper()
	cert, key := a.issue(t, "localhost", from, to, false)
	return tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key}
}

func (a *tlsAuthority) issue(t *testing.T, name string, from, to time.Time, isCA bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: to, IsCA: isCA, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	parent, signer := a.cert, a.key
	if isCA {
		template.KeyUsage |= x509.KeyUsageCertSign
		parent, signer = template, key
	} else {
		template.DNSNames, template.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// tlsYear is a certificate that is good for a year from now.
func (a *tlsAuthority) tlsYear(t *testing.T) tls.Certificate {
	t.Helper()
	return a.server(t, time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
}
