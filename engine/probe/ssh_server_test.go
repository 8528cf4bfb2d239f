package probe

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is a real OpenSSH server on a loopback port, with keys of its own.
type sshd struct {
	t    testing.TB
	dir  string
	port string
	conf []string
	key  ssh.PublicKey // its host key
	cmd  *exec.Cmd
}

// sshNeed skips a test where a real part is missing, or fails it where they are
// all required.
func sshNeed(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
		t.Fatalf("%s is not there: %v", program, err)
	}
	t.Skipf("%s is not there: %v", program, err)
	return ""
}

// startSSHD starts a server with further lines of sshd_config(5).
func startSSHD(t testing.TB, conf ...string) *sshd {
	t.Helper()
	s := &sshd{t: t, dir: t.TempDir(), port: sshFreePort(t), conf: conf}
	s.key = sshWriteKey(t, filepath.Join(s.dir, "host"), "")
	client := sshWriteKey(t, filepath.Join(s.dir, "id"), "")
	sshWrite(t, filepath.Join(s.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(client))
	s.writeKnownHosts(s.key)
	s.start()
	return s
}

func (s *sshd) start() {
	s.t.Helper()
	program := sshNeed(s.t, "/usr/sbin/sshd")
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // privilege separation
			s.t.Fatal(err)
		}
	}
	lines := append([]string{
		"ListenAddress 127.0.0.1:" + s.port,
		"HostKey " + filepath.Join(s.dir, "host"),
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "PermitRootLogin yes", "LogLevel INFO",
		"SetEnv SHLVL=1", // bash reads ~/.bashrc under sshd unless it is nested: that is the machine's, not ours
	}, s.conf...)
	file := filepath.Join(s.dir, "sshd_config")
	sshWrite(s.t, file, []byte(strings.Join(lines, "\n")+"\n"))
	s.cmd = exec.Command(program, "-D", "-e", "-f", file)
	var log bytes.Buffer
	s.cmd.Stderr = &log
	s.cmd.WaitDelay = 100 * time.Millisecond // its children hold the log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.cmd
	s.t.Cleanup(func() {
		s.kill(cmd)
		if s.t.Failed() {
			s.t.Logf("sshd: %s", log.Bytes())
		}
	})
	eventually(s.t, "sshd to listen", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
}

// kill ends a server with all its connections.
func (s *sshd) kill(cmd *exec.Cmd) {
	for _, pid := range sshProcesses(cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	cmd.Wait()
}

// signal sends a signal to the server and all its descendants.
func (s *sshd) signal(sig syscall.Signal) {
	for _, pid := range sshProcesses(s.cmd.Process.Pid) {
		syscall.Kill(pid, sig)
	}
}

// stanza is the client's configuration for the server.
func (s *sshd) stanza(alias string, lines ...string) string {
	me, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("Host %s\n  %s\n", alias, strings.Join(append(lines, // the first value wins
		"HostName 127.0.0.1", "Port "+s.port, "User "+me.Username,
		"IdentityFile "+filepath.Join(s.dir, "id"), "IdentitiesOnly yes", "IdentityAgent none",
		"UserKnownHostsFile "+filepath.Join(s.dir, "known_hosts"), "GlobalKnownHostsFile /dev/null",
	), "\n  "))
}

func (s *sshd) writeKnownHosts(keys ...ssh.PublicKey) {
	var b bytes.Buffer
	for _, key := range keys {
		fmt.Fprintf(&b, "[127.0.0.1]:%s %s", s.port, ssh.MarshalAuthorizedKey(key))
	}
	sshWrite(s.t, filepath.Join(s.dir, "known_hosts"), b.Bytes())
}

// pool makes a pool with a configuration of these stanzas.
func sshTestPool(t testing.TB, stanzas ...string) *SSHPool {
	t.Helper()
	sshNeed(t, "ssh")
	file := filepath.Join(t.TempDir(), "config")
	sshWrite(t, file, []byte(strings.Join(stanzas, "\n")))
	p := NewSSHPool(SSHConfig{ConfigFile: file})
	t.Cleanup(p.Close)
	return p
}

func sshWriteKey(t testing.TB, file, passphrase string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	sshWrite(t, file, pem.EncodeToMemory(block))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sshWrite(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sshFreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// sshProcesses lists a process and its descendants, itself last.
func sshProcesses(root int) []int {
	children := make(map[int][]int)
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	var out []int
	var walk func(int)
	walk = func(pid int) {
		for _, child := range children[pid] {
			walk(child)
		}
		out = append(out, pid)
	}
	walk(root)
	return out
}

// sshRunning counts the processes with a word in their command line.
func sshRunning(word string) int {
	n := 0
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(word)) {
			n++
		}
	}
	return n
}

func sshWithin(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
