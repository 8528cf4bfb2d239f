package probe

import (
	"crypto/sha256"
	"crypto/tls"
	"sync"
)

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
	config, err := newTLSConfig(req.Insecure, req.CA, req.Cert, req.Key)
	if err != nil {
		return nil, err
	}
	if c.configs == nil || len(c.configs) >= httpCertsMax {
		c.configs = map[httpCertKey]*tls.Config{}
	}
	c.configs[key] = config
	return config, nil
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
