package probe

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSSHDest(t *testing.T) {
	for in, want := range map[string]sshDest{
		"web-3":                    {host: "web-3"},
		"www@web-3":                {user: "www", host: "web-3"},
		"www@web-3:2222":           {user: "www", host: "web-3", port: "2222"},
		"ssh://www@web-3:2222":     {user: "www", host: "web-3", port: "2222"},
		"[::1]:22":                 {host: "::1", port: "22"},
		"[::1]":                    {host: "::1"},
		"fe80::1%eth0":             {host: "fe80::1%eth0"},
		"name@example.org@gateway": {user: "name@example.org", host: "gateway"},
	} {
		if got, err := parseSSHDest(in); err != nil || got != want {
			t.Errorf("parseSSHDest(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

// FuzzSSHConfig feeds arbitrary answers of ssh -G: they make settings or an
// error, and never a panic.
func FuzzSSHConfig(f *testing.F) {
	for _, s := range []string{"", "hostname web-3\nport 22\nuser www\n", "proxyjump a,b,,\nconnecttimeout 99999999999999999999", "identityfile %d/~\nidentityfile", "\x00 \n\n \xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := newSSHSettings(sshParseAnswer(answer), sshDest{host: "web-3"})
		if err == nil && (s.hostname == "" || s.port == "") {
			t.Errorf("settings of %q have host %q and port %q, want both", answer, s.hostname, s.port)
		}
	})
}

func FuzzParseSSHDest(f *testing.F) {
	for _, s := range []string{"web-3", "u@h:22", "ssh://[::1]:22", "-G", "a:b:c", "[", "@", "[]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseSSHDest(s)
		if err != nil {
			return
		}
		if d.host == "" || strings.HasPrefix(d.host, "-") || strings.HasPrefix(d.user, "-") || strings.ContainsAny(d.host+d.user, " \n\x00'\"`$;") {
			t.Errorf("parseSSHDest(%q) = %+v, want nothing that a program could mistake", s, d)
		}
	})
}

// Both ways of reading a configuration must agree on what both can do.
func TestSSHReadConfig(t *testing.T) {
	home, me := sshHome(), sshUser()
	const text = `
Host web-3
  HostName 10.0.0.3
  Port 2200
  User www
  IdentityFile ~/.ssh/work
  IdentityFile /keys/%r
  CertificateFile /keys/work-cert.pub
  IdentitiesOnly yes
  IdentityAgent none
  ProxyJump a,b@c:22
  UserKnownHostsFile /k1 /k2
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking accept-new
  HostKeyAlias web
  ConnectTimeout 4
  AddressFamily inet6
Host alias
  HostName %h.example.org
`
	tests := []struct {
		dest string
		want sshSettings
	}{
		{"web-3", sshSettings{
			alias: "web-3", hostname: "10.0.0.3", port: "2200", user: "www", network: "tcp6", jumps: []string{"a", "b@c:22"},
			identities: []string{home + "/.ssh/work", "/keys/www"}, certificates: []string{"/keys/work-cert.pub"}, onlyIdentities: true,
			keyAlias: "web", knownHosts: []string{"/k1", "/k2", "/dev/null"}, strict: sshStrictNew, timeout: 4 * time.Second,
		}},
		{"root@web-3:22", sshSettings{
			alias: "web-3", hostname: "10.0.0.3", port: "22", user: "root", network: "tcp6", jumps: []string{"a", "b@c:22"},
			identities: []string{home + "/.ssh/work", "/keys/root"}, certificates: []string{"/keys/work-cert.pub"}, onlyIdentities: true,
			keyAlias: "web", knownHosts: []string{"/k1", "/k2", "/dev/null"}, strict: sshStrictNew, timeout: 4 * time.Second,
		}},
		{"alias", sshSettings{
			alias: "alias", hostname: "alias.example.org", port: "22", user: me, network: "tcp",
			agent: os.Getenv("SSH_AUTH_SOCK"),
			knownHosts: []string{home + "/.ssh/known_hosts", home + "/.ssh/known_hosts2",
				"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"},
		}},
	}
	file := filepath.Join(t.TempDir(), "config")
	sshWrite(t, file, []byte(text))
	for _, program := range []string{"ssh", "/no/such/ssh"} {
		if program == "ssh" {
			sshNeed(t, program)
		}
		p := NewSSHPool(SSHConfig{ConfigFile: file, Program: program})
		t.Cleanup(p.Close)
		for _, tt := range tests {
			dest, err := parseSSHDest(tt.dest)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.readConfig(context.Background(), dest)
			if err != nil {
				t.Fatalf("%s: readConfig(%q) = %v, want no error", program, tt.dest, err)
			}
			if tt.want.identities == nil {
				got.identities = nil // the default list grows with OpenSSH
			}
			if diff := cmp.Diff(&tt.want, got, cmp.AllowUnexported(sshSettings{})); diff != "" {
				t.Errorf("%s: readConfig(%q): -want +got\n%s", program, tt.dest, diff)
			}
		}
	}
}

// A service's user of systemd's making has the home "/", and its .ssh where the
// unit says.
func TestSSHHome(t *testing.T) {
	t.Setenv("HOME", "/var/lib/pharos")
	for account, want := range map[string]string{"/root": "/root", "/": "/var/lib/pharos", "": "/var/lib/pharos"} {
		if got := homeOf(&user.User{HomeDir: account}); got != want {
			t.Errorf("homeOf(%q) = %q, want %q", account, got, want)
		}
	}
	t.Setenv("HOME", "")
	if got := homeOf(&user.User{HomeDir: "/"}); got != "/" {
		t.Errorf("homeOf(\"/\") without HOME = %q, want the account's", got)
	}
}

func TestSSHConfigUnsupported(t *testing.T) {
	p := sshTestPool(t, "Host a\n  ProxyCommand nc %h %p\nHost b\n  ProxyCommand none\n  HostName 127.0.0.1\n  Port 1\n")
	sshFails(t, p, "a", time.Minute, time.Minute, Vantage,
		`ssh a: the ssh configuration has proxycommand "nc %h %p", which Pharos does not do: use ProxyJump`)
	sshFails(t, p, "b", time.Minute, time.Minute, Vantage, "ssh b: cannot reach 127.0.0.1:1: connection refused")
}

func TestSSHConfigBroken(t *testing.T) {
	p := sshTestPool(t, "Host a\n  NoSuchOption yes\n")
	sshFails(t, p, "a", time.Minute, time.Minute, Vantage, "ssh a: reading the ssh configuration: ", "nosuchoption")
}

func TestSSHConfigBrokenIsNotReadAllTheTime(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p := sshTestPool(t, "Match exec \"echo x >> "+log+"\"\nHost a\n  NoSuchOption yes\n")
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		sshFails(t, p, "a", 10*time.Second, 10*time.Second, Vantage, "nosuchoption")
	}
	text, err := os.ReadFile(log)
	if n := strings.Count(string(text), "x"); err != nil || n < 1 || n > 4 {
		t.Errorf("read %d times in 2.5 s (%v), want at most 4, by the backoff of 0.5, 1 and 2 s", n, err)
	}
}

func TestSSHConfigThatHangs(t *testing.T) {
	p := sshTestPool(t, "Match exec \"sleep 30\"\n  Port 1\n")
	sshFails(t, p, "a", 25*time.Second, 20*time.Second, Vantage, "ssh a: reading the ssh configuration: ")
}
