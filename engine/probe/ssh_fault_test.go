package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshDeadBy is when a dead peer must have been found, with what a busy machine
// adds: long before the deadlines of the tests. How soon that really is, is for
// TestSSHDeadHostIsFoundInTime to say.
const sshDeadBy = 30 * time.Second

var sshTrue = ExecRequest{Argv: []string{"true"}}

// sshWorks runs a command, which must succeed.
func sshWorks(t testing.TB, p *SSHPool, host string) {
	t.Helper()
	if res, err := p.Exec(sshWithin(t, time.Minute), host, sshTrue); err != nil || res.Code != 0 {
		t.Fatalf("Exec(%s, true) = %+v, %v, want code 0", host, res, err)
	}
}

// sshFails runs a command, which must fail within most with this kind and words.
func sshFails(t testing.TB, p *SSHPool, host string, limit, most time.Duration, kind Kind, words ...string) {
	t.Helper()
	began := time.Now()
	_, err := p.Exec(sshWithin(t, limit), host, sshTrue)
	if took := time.Since(began); took > most {
		t.Errorf("Exec(%s, true) took %v, want at most %v", host, took, most)
	}
	if KindOf(err) != kind {
		t.Errorf("Exec(%s, true) = kind %q (%v), want %q", host, KindOf(err), err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("Exec(%s, true) = %q, want %q in it", host, err, w)
		}
	}
}

func TestSSHStoppedHost(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	sshWorks(t, p, "web-3")
	s.signal(syscall.SIGSTOP)
	sshFails(t, p, "web-3", time.Second, sshDeadBy, Vantage, "ssh web-3: the host does not answer")
	sshFails(t, p, "web-3", time.Minute, sshDeadBy, Vantage)
}

func TestSSHStoppedWhileACommandRuns(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	sshWorks(t, p, "web-3")
	time.AfterFunc(200*time.Millisecond, func() { s.signal(syscall.SIGSTOP) })
	began := time.Now()
	_, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Shell: "sleep 600"})
	if took := time.Since(began); KindOf(err) != Vantage || took > sshDeadBy {
		t.Errorf("Exec(sleep 600) = %v after %v, want kind vantage long before the end", err, took)
	}
}

func TestSSHSilentCommandIsNotADeadHost(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	if res, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Shell: "sleep 3.5; echo done"}); err != nil || string(res.Stdout) != "done\n" {
		t.Errorf("Exec(sleep 3.5; echo done) = %+v, %v, want done", res, err)
	}
}

func TestSSHRestartedHost(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	sshWorks(t, p, "web-3")
	s.kill(s.cmd)
	sshFails(t, p, "web-3", 20*time.Second, 10*time.Second, Vantage,
		"ssh web-3: cannot reach 127.0.0.1:"+s.port+": connection refused (retry in 1 s)")
	sshFails(t, p, "web-3", 5*time.Second, 2*time.Second, Vantage, "(retry in 1 s)")
	s.start()
	eventually(t, "the host to be back", func() bool {
		_, err := p.Exec(sshWithin(t, time.Second), "web-3", sshTrue)
		return err == nil
	})
}

func TestSSHHostKeys(t *testing.T) {
	s := startSSHD(t)
	file := filepath.Join(s.dir, "known_hosts")
	other := sshWriteKey(t, filepath.Join(s.dir, "other"), "")
	scan := fmt.Sprintf("ssh-keyscan -p %s 127.0.0.1 >> %s", s.port, file)
	t.Run("unknown", func(t *testing.T) {
		s.writeKnownHosts()
		p := sshTestPool(t, s.stanza("web-3"))
		sshFails(t, p, "web-3", time.Minute, time.Minute, Vantage, "unknown host key ssh-ed25519 SHA256:", scan)
		s.writeKnownHosts(s.key)
		eventually(t, "the new known_hosts to be seen", func() bool {
			_, err := p.Exec(sshWithin(t, time.Second), "web-3", sshTrue)
			return err == nil
		})
	})
	t.Run("changed", func(t *testing.T) {
		s.writeKnownHosts(other)
		p := sshTestPool(t, s.stanza("web-3"))
		sshFails(t, p, "web-3", time.Minute, time.Minute, Vantage,
			"host key changed to ssh-ed25519", fmt.Sprintf("ssh-keygen -R '[127.0.0.1]:%s' -f %s && %s", s.port, file, scan))
	})
	t.Run("other type", func(t *testing.T) {
		sshWrite(t, file, fmt.Appendf(nil, "[127.0.0.1]:%s %s\n", s.port, sshRSAKey))
		p := sshTestPool(t, s.stanza("web-3"))
		sshFails(t, p, "web-3", time.Minute, time.Minute, Vantage, "not of a type that known_hosts has", scan)
	})
	t.Run("accept-new", func(t *testing.T) {
		s.writeKnownHosts()
		sshWorks(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking accept-new")), "web-3")
		sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")
		s.writeKnownHosts(other)
		sshFails(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking accept-new")), "web-3",
			time.Minute, time.Minute, Vantage, "host key changed")
	})
	t.Run("accept-new behind a line without an end", func(t *testing.T) {
		const neighbour = "neighbour " + sshRSAKey
		sshWrite(t, file, []byte(neighbour))
		sshWorks(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking accept-new")), "web-3")
		want := fmt.Appendf(nil, "%s\n[127.0.0.1]:%s %s", neighbour, s.port, ssh.MarshalAuthorizedKey(s.key))
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("known_hosts = %q, %v, want %q", got, err, want)
		}
	})
	t.Run("accept-new, hashed", func(t *testing.T) {
		s.writeKnownHosts()
		sshWorks(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking accept-new", "HashKnownHosts yes")), "web-3")
		if got, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(got, []byte("|1|")) {
			t.Errorf("known_hosts = %q, %v, want the name hashed", got, err)
		}
		sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")
		if out, err := exec.Command("ssh-keygen", "-F", "[127.0.0.1]:"+s.port, "-f", file).CombinedOutput(); err != nil {
			t.Errorf("ssh-keygen -F: %v: %s, want it to find the host", err, out)
		}
	})
	t.Run("no", func(t *testing.T) {
		s.writeKnownHosts(other)
		sshWorks(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking no")), "web-3")
		sshWorks(t, sshTestPool(t, s.stanza("web-3", "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null")), "web-3")
	})
	t.Run("among lines that make no sense", func(t *testing.T) {
		s.writeKnownHosts(s.key)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sshWrite(t, file, fmt.Appendf(nil, "nonsense\n%s ssh-new AAAAB3NzaC1kc3M=\n# comment\n\n%s", "[127.0.0.1]:"+s.port, text))
		sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")
	})
	t.Run("authority", func(t *testing.T) {
		authority, line := sshAuthority(t)
		cert := &ssh.Certificate{Key: s.key, CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"}, ValidBefore: ssh.CertTimeInfinity}
		if err := cert.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		sshWrite(t, filepath.Join(s.dir, "host-cert.pub"), ssh.MarshalAuthorizedKey(cert))
		s.kill(s.cmd)
		s.conf = append(s.conf, "HostCertificate "+filepath.Join(s.dir, "host-cert.pub"))
		s.start()
		sshWrite(t, file, fmt.Appendf(nil, "@cert-authority [127.0.0.1]:%s %s", s.port, line))
		sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")
		_, line = sshAuthority(t)
		sshWrite(t, file, fmt.Appendf(nil, "@cert-authority [127.0.0.1]:%s %s", s.port, line))
		sshFails(t, sshTestPool(t, s.stanza("web-3")), "web-3", time.Minute, time.Minute, Vantage, "ssh web-3: ")
	})
	t.Run("among several types", func(t *testing.T) {
		s.writeKnownHosts(s.key)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sshWrite(t, file, fmt.Appendf(text, "[127.0.0.1]:%s %s\n", s.port, sshRSAKey))
		sshWorks(t, sshTestPool(t, s.stanza("web-3")), "web-3")
	})
}

const sshRSAKey = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCqGKukO1De7zhZj6+H0qtjTkVxwTCpvKe4eCZ0FPqri0cb2JZfXJ/DgYSF6vUpwmJG8wVQZKjeGcjDOL5UlsuusFncCzWBQ7RKNUSesmQRMSGkVb1/3j+skZ6UtW+5u09lHNsj6tQ51s1SPrCBkedbNf0Tp0GbMJDyR4e9T04ZZw=="

func TestSSHNoPermission(t *testing.T) {
	s := startSSHD(t)
	stranger := filepath.Join(t.TempDir(), "stranger")
	sshWriteKey(t, stranger, "")
	p := sshTestPool(t, "Host web-3\n  IdentityFile "+stranger, s.stanza("web-3", "IdentityFile "+stranger))
	sshWrite(t, filepath.Join(s.dir, "authorized_keys"), nil)
	sshFails(t, p, "web-3", time.Minute, time.Minute, Auth, "ssh web-3: permission denied for ")
}

// sshSilent is a server that accepts, reads nothing and stays silent.
func sshSilent(t *testing.T) string {
	return sshAnswer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		t.Cleanup(func() { conn.Close() })
	})
}

func TestSSHSilentServer(t *testing.T) {
	addr := sshSilent(t)
	p := NewSSHPool(SSHConfig{ConfigFile: os.DevNull, ConnectTimeout: 700 * time.Millisecond})
	t.Cleanup(p.Close)
	sshFails(t, p, addr, 200*time.Millisecond, 2*time.Second, Vantage, "still connecting after ")
	sshFails(t, p, addr, 20*time.Second, 10*time.Second, Vantage, "did not finish the ssh handshake in time (retry in 1 s)")
	sshFails(t, p, addr, 5*time.Second, 2*time.Second, Vantage, "(retry in 1 s)")
}

func TestSSHConnectingOutlivesTheRun(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	sshFails(t, p, "web-3", time.Millisecond, 2*time.Second, Vantage, "still connecting")
	h, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection that nobody waits for", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.live() == 1
	})
}

func TestSSHSessionLimits(t *testing.T) {
	for _, most := range []int{1, 2, 3} {
		s := startSSHD(t, fmt.Sprint("MaxSessions ", most))
		p := sshTestPool(t, s.stanza("web-3"))
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if _, err := p.Exec(sshWithin(t, time.Minute), "web-3", ExecRequest{Shell: "sleep 0.02"}); err != nil {
					t.Errorf("MaxSessions %d: Exec = %v, want no error", most, err)
				}
			})
		}
		wg.Wait()
	}
}

func TestSSHNoSessions(t *testing.T) {
	s := startSSHD(t, "MaxSessions 0")
	p := sshTestPool(t, s.stanza("web-3"))
	sshFails(t, p, "web-3", time.Minute, time.Minute, Vantage, "ssh web-3: cannot run a command: open failed")
	conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", "tcp", "127.0.0.1:"+s.port)
	if err != nil {
		t.Fatalf("Dial through a host without sessions = %v, want no error", err)
	}
	conn.Close()
}

func TestSSHCloseEndsEverything(t *testing.T) {
	s := startSSHD(t)
	before := runtime.NumGoroutine()
	p := sshTestPool(t, s.stanza("web-3"))
	sshWorks(t, p, "web-3")
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			_, err := p.Exec(context.Background(), "web-3", ExecRequest{Shell: "exec sleep 600"})
			if KindOf(err) != Cancelled {
				t.Errorf("Exec on a pool being closed = %v, want kind cancelled", err)
			}
		})
	}
	conn, err := p.Dial(sshWithin(t, time.Minute), "web-3", "tcp", "127.0.0.1:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // nobody reads the rest of the greeting
		t.Fatal(err)
	}
	p.Close()
	calls.Wait() // long before the commands end
	conn.Close()
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	sshFails(t, p, "web-3", time.Minute, sshDeadBy, Cancelled)
}

func TestSSHCancelled(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	sshWorks(t, p, "web-3")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := p.Exec(ctx, "web-3", ExecRequest{Shell: "sleep 2"})
	if KindOf(err) != Cancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("Exec cancelled = %v, want kind cancelled", err)
	}
}

func TestSSHIdleConnectionIsClosed(t *testing.T) {
	s := startSSHD(t)
	p := sshTestPool(t, s.stanza("web-3"))
	p.cfg.IdleTimeout = 200 * time.Millisecond
	sshWorks(t, p, "web-3")
	h, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection to be closed", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.conns) == 0
	})
	sshWorks(t, p, "web-3")
}

func TestSSHMovedHost(t *testing.T) {
	a, b := startSSHD(t), startSSHD(t)
	p := sshTestPool(t, a.stanza("web-3"))
	port := ExecRequest{Shell: "set -- $SSH_CONNECTION; echo $4"}
	got, err := p.Exec(sshWithin(t, time.Minute), "web-3", port)
	if err != nil || strings.TrimSpace(string(got.Stdout)) != a.port {
		t.Fatalf("Exec = %+v, %v, want port %s", got, err, a.port)
	}
	sshWrite(t, p.cfg.ConfigFile, []byte(b.stanza("web-3")))
	eventually(t, "the changed configuration to be followed", func() bool {
		got, err := p.Exec(sshWithin(t, time.Second), "web-3", port)
		return err == nil && strings.TrimSpace(string(got.Stdout)) == b.port
	})
}

// What the configuration includes is not known to be looked at, nor what a Match
// exec in it sees: so it is read again for each connection, as ssh does.
func TestSSHMovedHostOfAnInclude(t *testing.T) {
	a, b := startSSHD(t), startSSHD(t)
	included := filepath.Join(t.TempDir(), "included")
	sshWrite(t, included, []byte(a.stanza("web-3")))
	p := sshTestPool(t, "Include "+included)
	sshWorks(t, p, "web-3")
	sshWrite(t, included, []byte(b.stanza("web-3")))
	a.kill(a.cmd)
	eventually(t, "the changed configuration to be followed", func() bool {
		_, err := p.Exec(sshWithin(t, time.Second), "web-3", sshTrue)
		return err == nil
	})
}

func TestSSHMisuse(t *testing.T) {
	p := NewSSHPool(SSHConfig{ConfigFile: os.DevNull})
	t.Cleanup(p.Close)
	for _, req := range []ExecRequest{
		{},
		{Argv: []string{"a"}, Shell: "b"},
		{Shell: "a\x00b"},
		{Shell: "true", User: "www"},
		{Shell: "true", Env: []string{"-u"}},
		{Shell: strings.Repeat("x", sshMaxLine+1)},
	} {
		if _, err := p.Exec(sshWithin(t, time.Minute), "web-3", req); KindOf(err) != Misuse {
			t.Errorf("Exec(%+v) = %v, want kind misuse", req, err)
		}
	}
	for _, host := range []string{"", "-oProxyCommand=x", "a b", "a@", "@a", "h:0", "h:x", "h;id"} {
		if _, err := p.Exec(sshWithin(t, time.Minute), host, sshTrue); KindOf(err) != Misuse {
			t.Errorf("Exec on host %q = %v, want kind misuse", host, err)
		}
	}
}

// A host that nobody asks for any more is forgotten, unless a connection is there.
func TestSSHForgetsHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewSSHPool(SSHConfig{})
		defer p.Close()
		ask := func(name string) *sshHost {
			t.Helper()
			h, err := p.host(name)
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		used := ask("used")
		used.mu.Lock()
		used.dialing++
		used.mu.Unlock()
		for i := range 100 {
			ask(fmt.Sprintf("node-%d", i))
			ask("often")
			time.Sleep(sshForget / 4)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.hosts["used"] != used || p.hosts["often"] == nil {
			t.Error("a host that is in use is forgotten")
		}
		if n := len(p.hosts); n > 12 {
			t.Errorf("%d hosts are known, want those of the last two hours", n)
		}
	})
}
