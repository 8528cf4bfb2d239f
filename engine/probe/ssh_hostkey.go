package probe

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// sshKeyError is a host key that was not accepted. Its text says what to do.
type sshKeyError struct{ text string }

func (e *sshKeyError) Error() string { return e.text }

// sshKnownHosts keeps the parsed known_hosts files until they change.
type sshKnownHosts struct {
	mu    sync.Mutex // also held while a new key is written down
	cache map[string]sshKnownHostsDB
}

type sshKnownHostsDB struct {
	stamp string
	db    *knownhosts.HostKeyDB
}

func newSSHKnownHosts() *sshKnownHosts {
	return &sshKnownHosts{cache: make(map[string]sshKnownHostsDB)}
}

// db reads the files that exist. The caller holds k.mu.
func (k *sshKnownHosts) db(files []string) (*knownhosts.HostKeyDB, error) {
	key, stamp := strings.Join(files, "\n"), sshStamp(files)
	if have, ok := k.cache[key]; ok && have.stamp == stamp {
		return have.db, nil
	}
	var there []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			there = append(there, f)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err != nil {
		db, err = sshReadable(there)
	}
	if err != nil {
		return nil, fmt.Errorf("reading known_hosts: %w", err)
	}
	k.cache[key] = sshKnownHostsDB{stamp, db}
	return db, nil
}

// sshReadable reads known_hosts files without the lines that make no sense, as
// ssh(1) does: the library refuses the whole of a file for one key of a type
// that it does not know.
func sshReadable(files []string) (*knownhosts.HostKeyDB, error) {
	clean, err := os.CreateTemp("", "pharos-known-hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(clean.Name())
	defer clean.Close()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			if _, _, _, _, _, err := ssh.ParseKnownHosts(line); err != nil {
				continue
			}
			if _, err := clean.Write(append(bytes.TrimRight(line, "\n"), '\n')); err != nil {
				return nil, err
			}
		}
	}
	return knownhosts.NewDB(clean.Name())
}

// verifier gives the host key algorithms to ask a host for and the callback
// that judges its key. Asking only for those that known_hosts has matters:
// a server offers the first of ours that it has, and a key of another type
// than the one written down looks like a changed key.
func (k *sshKnownHosts) verifier(s *sshSettings) ([]string, ssh.HostKeyCallback, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	db, err := k.db(s.knownHosts)
	if err != nil {
		return nil, nil, err
	}
	name := s.keyName()
	algos := db.HostKeyAlgorithms(name)
	if len(algos) == 0 {
		algos = []string{ // ssh(1)'s preference, so that the key written down is the one it would write
			ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
			ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
		}
	}
	check := db.HostKeyCallback()
	return algos, func(_ string, remote net.Addr, key ssh.PublicKey) error {
		if _, ok := remote.(*net.TCPAddr); !ok || s.keyAlias != "" {
			remote = &net.TCPAddr{IP: net.IPv4zero} // no address to look up: behind a jump host
		}
		return k.judge(s, name, key, check(name, remote, key))
	}, nil
}

// judge makes of the verdict of known_hosts what StrictHostKeyChecking says.
func (k *sshKnownHosts) judge(s *sshSettings, name string, key ssh.PublicKey, verdict error) error {
	print := key.Type() + " " + ssh.FingerprintSHA256(key)
	switch {
	case verdict == nil:
		return nil
	case knownhosts.IsHostKeyChanged(verdict):
		if s.strict == sshStrictNo {
			return nil
		}
		return &sshKeyError{fmt.Sprintf("host key changed to %s: if that is right, run: ssh-keygen -R %s -f %s && %s",
			print, sshQuote(knownhosts.Normalize(name)), sshQuote(s.knownHostsFile()), s.keyscan())}
	case knownhosts.IsHostUnknown(verdict):
		if s.strict == sshStrictYes {
			return &sshKeyError{fmt.Sprintf("unknown host key %s: if that is right, run: %s", print, s.keyscan())}
		}
		return k.writeDown(s, name, key)
	}
	// Revoked, or a certificate that does not hold.
	return &sshKeyError{fmt.Sprintf("host key %s not accepted: %v", print, verdict)}
}

// writeDown adds a key to the known_hosts file. /dev/null means: take it, and do
// not remember.
func (k *sshKnownHosts) writeDown(s *sshSettings, name string, key ssh.PublicKey) error {
	file := s.knownHostsFile()
	if file == "" || file == os.DevNull {
		return nil
	}
	name = knownhosts.Normalize(name)
	if s.hashNames {
		name = xknownhosts.HashHostname(name)
	}
	line := knownhosts.Line([]string{name}, key) + "\n"
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("writing the new host key down: %w", err)
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("writing the new host key down: %w", err)
	}
	if sshUnended(f) {
		line = "\n" + line
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// sshUnended tells whether the last line of a file has no end: what is added
// would spoil the key that it holds.
func sshUnended(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// keyName is what known_hosts calls the host: "[host]:port", or the alias.
func (s *sshSettings) keyName() string {
	if s.keyAlias != "" {
		return net.JoinHostPort(s.keyAlias, "22")
	}
	return s.addr()
}

// knownHostsFile is the one new keys go to; "" if the configuration has none.
func (s *sshSettings) knownHostsFile() string {
	if len(s.knownHosts) == 0 {
		return ""
	}
	return s.knownHosts[0]
}

// keyscan is the command that adds the host's key to known_hosts.
func (s *sshSettings) keyscan() string {
	target := sshQuote(s.hostname)
	if s.port != "22" {
		target = "-p " + s.port + " " + target
	}
	scan := "ssh-keyscan " + target
	if s.keyAlias != "" {
		scan += " | sed " + sshQuote("s/^[^ ]*/"+s.keyAlias+"/")
	}
	if len(s.jumps) > 0 {
		scan = "ssh " + sshQuote(s.jumps[len(s.jumps)-1]) + " " + sshQuote("ssh-keyscan "+target)
	}
	return scan + " >> " + sshQuote(s.knownHostsFile())
}

// noSuchKey turns a failed negotiation into the words of a changed key,
// which it is: known_hosts has keys of types that the host no longer has.
func (s *sshSettings) noSuchKey(err error, algos []string) error {
	if no, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); !ok || no.What != "host key" {
		return nil
	}
	return &sshKeyError{fmt.Sprintf("host key is not of a type that known_hosts has (%s): if that is right, run: %s",
		strings.Join(algos, " "), s.keyscan())}
}
