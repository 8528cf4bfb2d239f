package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sshOffers is how many keys are offered: sshd's MaxAuthTries, after which it
// hangs up.
const sshOffers = 6

// sshKeyring keeps parsed private keys until their files change; decrypting one
// takes a tenth of a second of CPU by design.
type sshKeyring struct {
	passphrase func(string) string
	mu         sync.Mutex
	cache      map[string]sshCachedKey
}

type sshCachedKey struct {
	stamp  string
	signer ssh.Signer
	err    error
}

func newSSHKeyring(passphrase func(string) string) *sshKeyring {
	if passphrase == nil {
		passphrase = func(string) string { return "" }
	}
	return &sshKeyring{passphrase: passphrase, cache: make(map[string]sshCachedKey)}
}

// load reads a private key file.
func (k *sshKeyring) load(file string) (ssh.Signer, error) {
	stamp := sshStamp([]string{file})
	k.mu.Lock()
	defer k.mu.Unlock()
	if have, ok := k.cache[file]; ok && have.stamp == stamp {
		return have.signer, have.err
	}
	signer, err := k.parse(file)
	k.cache[file] = sshCachedKey{stamp, signer, err}
	return signer, err
}

func (k *sshKeyring) parse(file string) (ssh.Signer, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); !locked {
		return signer, err
	}
	phrase := k.passphrase(file)
	if phrase == "" {
		return nil, errors.New("encrypted, and no passphrase is given (PHAROS_SSH_PASSPHRASE, or an agent that holds the key)")
	}
	signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(phrase))
	if err != nil {
		return nil, fmt.Errorf("its passphrase does not open it: %w", err)
	}
	return signer, nil
}

// sshCredentials are the keys to offer to one host, best first.
type sshCredentials struct {
	signers []ssh.Signer
	notes   []string // why what could have been offered is not
	hangUp  func()   // on the agent, whose keys may be asked to sign until then; nil without one
}

func (c *sshCredentials) close() {
	if c.hangUp != nil {
		c.hangUp()
	}
}

// credentials collects the keys for a host: those of the configuration, from
// the agent or from their files, with the certificates for them first; then
// what else the agent has.
func (k *sshKeyring) credentials(ctx context.Context, s *sshSettings) *sshCredentials {
	c := new(sshCredentials)
	held := c.askAgent(ctx, s.agent)
	var plain []ssh.Signer
	for _, file := range s.identities {
		public := sshReadPublic(file)
		if signer := sshFind(held, public); signer != nil {
			plain = append(plain, signer)
			continue
		}
		signer, err := k.load(file)
		switch {
		case err == nil:
			plain = append(plain, signer)
		case !errors.Is(err, os.ErrNotExist):
			c.notes = append(c.notes, fmt.Sprintf("%s: %v", file, err))
		}
	}
	if !s.onlyIdentities {
		plain = append(plain, held...)
	}
	c.signers = append(c.certified(s, slices.Concat(plain, held)), plain...)
	c.signers = sshDistinct(c.signers)
	if len(c.signers) == 0 {
		c.notes = append(c.notes, "no key in "+strings.Join(s.identities, ", "))
	}
	return c
}

// askAgent lists the agent's keys. An agent that is not there or does not
// answer is noted, not an error.
func (c *sshCredentials) askAgent(ctx context.Context, socket string) []ssh.Signer {
	if socket == "" {
		c.notes = append(c.notes, "no agent")
		return nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		c.notes = append(c.notes, fmt.Sprintf("agent: %v", err))
		return nil
	}
	// It may never answer, also when it is to sign.
	ctx, c.hangUp = context.WithCancel(ctx)
	context.AfterFunc(ctx, func() { conn.Close() })
	late := time.Now().Add(sshAskTimeout)
	_ = conn.SetDeadline(late)
	signers, err := agent.NewClient(conn).Signers()
	switch {
	case err != nil && !time.Now().Before(late): // the library gives only the text of why
		c.notes = append(c.notes, "the agent does not answer")
	case err != nil:
		c.notes = append(c.notes, fmt.Sprintf("agent: %v", err))
	}
	_ = conn.SetDeadline(time.Time{}) // to sign may take whom it asks longer
	return signers
}

// certified makes signers of the certificates that one of the keys is for.
func (c *sshCredentials) certified(s *sshSettings, keys []ssh.Signer) []ssh.Signer {
	files := s.certificates
	for _, file := range s.identities {
		files = append(files[:len(files):len(files)], file+"-cert.pub")
	}
	var out []ssh.Signer
	for _, file := range files {
		cert, ok := sshReadPublic(file).(*ssh.Certificate)
		if !ok {
			continue
		}
		key := sshFind(keys, cert.Key)
		if key == nil {
			continue
		}
		signer, err := ssh.NewCertSigner(cert, key)
		if err != nil {
			c.notes = append(c.notes, fmt.Sprintf("%s: %v", file, err))
			continue
		}
		out = append(out, signer)
	}
	return out
}

// sshReadPublic reads a public key: the file itself, or the one beside it. Nil
// if there is none.
func sshReadPublic(file string) ssh.PublicKey {
	for _, name := range []string{file, file + ".pub"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if key, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
			return key
		}
	}
	return nil
}

func sshFind(signers []ssh.Signer, key ssh.PublicKey) ssh.Signer {
	if key == nil {
		return nil
	}
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), key.Marshal()) {
			return s
		}
	}
	return nil
}

func sshDistinct(signers []ssh.Signer) []ssh.Signer {
	var out []ssh.Signer
	for _, s := range signers {
		if sshFind(out, s.PublicKey()) == nil && len(out) < sshOffers {
			out = append(out, s)
		}
	}
	return out
}
