package probe

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func TestSSHEncryptedKey(t *testing.T) {
	s := startSSHD(t)
	file := filepath.Join(s.dir, "id")
	key := sshWriteKey(t, file, "open sesame")
	sshWrite(t, filepath.Join(s.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(key))
	const patient = time.Minute // opening a key is slow on purpose, and slower under the race detector
	sshFails(t, sshTestPool(t, s.stanza("web-3")), "web-3", 20*time.Second, 20*time.Second, Auth, file+": encrypted, and no passphrase is given")

	p := sshTestPool(t, s.stanza("web-3"))
	p.cfg.ConnectTimeout = patient
	p.keys.passphrase = func(string) string { return "wrong" }
	sshFails(t, p, "web-3", patient, patient, Auth, file+": ", "passphrase")

	config := filepath.Join(t.TempDir(), "config")
	sshWrite(t, config, []byte(s.stanza("web-3")))
	p = NewSSHPool(SSHConfig{ConfigFile: config, ConnectTimeout: patient, Passphrase: func(name string) string {
		if name != file {
			t.Errorf("asked for the passphrase of %q, want %q", name, file)
		}
		return "open sesame"
	}})
	t.Cleanup(p.Close)
	if res, err := p.Exec(sshWithin(t, patient), "web-3", sshTrue); err != nil || res.Code != 0 {
		t.Errorf("Exec with an encrypted key = %+v, %v, want code 0", res, err)
	}
}

func TestSSHCertificate(t *testing.T) {
	dir := t.TempDir()
	authority, line := sshAuthority(t)
	sshWrite(t, filepath.Join(dir, "ca.pub"), line)
	s := startSSHD(t, "TrustedUserCAKeys "+filepath.Join(dir, "ca.pub"), "AuthorizedPrincipalsFile none")
	file := filepath.Join(s.dir, "id")
	cert := &ssh.Certificate{
		Key: sshWriteKey(t, file, ""), CertType: ssh.UserCert, ValidPrincipals: []string{sshUser()},
		ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	sshFails(t, sshTestPool(t, s.stanza("web-3")), "web-3", 20*time.Second, 20*time.Second, Auth)
	sshWrite(t, file+"-cert.pub", ssh.MarshalAuthorizedKey(cert))
	sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")

	elsewhere := filepath.Join(dir, "elsewhere-cert.pub")
	if err := os.Rename(file+"-cert.pub", elsewhere); err != nil {
		t.Fatal(err)
	}
	sshWorks(t, sshTestPool(t, s.stanza("web-3", "CertificateFile "+elsewhere)), "web-3")
}

// sshAuthority makes a key to sign certificates with, and its public line.
func sshAuthority(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	signer := sshSigner(t)
	return signer, ssh.MarshalAuthorizedKey(signer.PublicKey())
}

// sshAgent serves an agent that holds the key of a file.
func sshAgent(t *testing.T, file string, others int) string {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	for range others {
		_, other, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: other}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	return sshAnswer(t, "unix", filepath.Join(t.TempDir(), "agent"), func(conn net.Conn) {
		defer conn.Close()
		agent.ServeAgent(ring, conn)
	})
}

func TestSSHAgent(t *testing.T) {
	s := startSSHD(t)
	file := filepath.Join(s.dir, "id")
	public := sshReadPublicOf(t, file)
	crowded := sshAgent(t, file, 8) // more keys than sshd hears out
	alone := sshAgent(t, file, 0)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	sshWorks(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent "+alone, "IdentitiesOnly no")), "web-3")
	sshFails(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent "+alone)), "web-3", 20*time.Second, 20*time.Second, Auth)

	// The public key beside the identity says which of the agent's keys to offer.
	sshWrite(t, file+".pub", ssh.MarshalAuthorizedKey(public))
	sshWorks(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent "+crowded)), "web-3")
	sshWorks(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent "+crowded, "IdentitiesOnly no")), "web-3")

	sshFails(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent /no/such/agent")), "web-3", 20*time.Second, 20*time.Second,
		Auth, "agent: dial unix /no/such/agent")
}

// An agent that never answers, as one that asks somebody who is not there, holds
// nobody up who closes the pool.
func TestSSHSilentAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := filepath.Join(t.TempDir(), "config")
	sshWrite(t, config, []byte("Host web-3\n  HostName 127.0.0.1\n  IdentityAgent "+socket+"\n"))
	p := NewSSHPool(SSHConfig{ConfigFile: config, ConnectTimeout: time.Hour})
	var called sync.WaitGroup
	called.Go(func() {
		if err := p.Ready(t.Context(), "web-3"); KindOf(err) != Cancelled {
			t.Errorf("Ready on a pool being closed = %v, want kind cancelled", err)
		}
	})
	asked, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	closed := make(chan struct{})
	go func() {
		p.Close()
		close(closed)
	}()
	select {
	case <-closed:
		called.Wait()
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for the agent's answer, want it to hang up")
	}
}

// One that hangs is passed over: the keys in files may do.
func TestSSHSilentAgentIsNotWaitedFor(t *testing.T) {
	s := startSSHD(t)
	socket := sshAnswer(t, "unix", filepath.Join(t.TempDir(), "agent"), func(conn net.Conn) {
		defer conn.Close()
		_, _ = io.Copy(io.Discard, conn)
	})
	sshWorks(t, sshTestPool(t, s.stanza("web-3", "IdentityAgent "+socket)), "web-3")
	stranger := filepath.Join(t.TempDir(), "stranger")
	p := sshTestPool(t, s.stanza("web-3", "IdentityAgent "+socket, "IdentityFile "+stranger))
	sshWrite(t, filepath.Join(s.dir, "authorized_keys"), nil)
	sshFails(t, p, "web-3", time.Minute, time.Minute, Auth, "permission denied", "the agent does not answer")
}

func sshReadPublicOf(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	signer, err := newSSHKeyring(nil).load(file)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey()
}
