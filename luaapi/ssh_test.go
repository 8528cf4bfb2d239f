package luaapi

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pharos/engine"
	"pharos/engine/probe"
)

// startVantage starts a real OpenSSH server on loopback and gives a pool that
// knows it as "vantage".
func startVantage(t *testing.T) *probe.SSHPool {
	for _, program := range []string{"/usr/sbin/sshd", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"host", "id"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	port := freePort(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.ReadFile(file("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	write("known_hosts", fmt.Sprintf("[127.0.0.1]:%s %s", port, host))
	write("ssh_config", fmt.Sprintf("Host vantage\n HostName 127.0.0.1\n Port %s\n User %s\n IdentityFile %s\n IdentitiesOnly yes\n"+
		" IdentityAgent none\n UserKnownHostsFile %s\n GlobalKnownHostsFile /dev/null\n", port, me.Username, file("id"), file("known_hosts")))
	write("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\n"+
		"StrictModes no\nPermitRootLogin yes\n", port, file("host"), file("id.pub")))
	_ = os.MkdirAll("/run/sshd", 0o755) // needed by root's only; sshd says so if it is missing
	server := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", file("sshd_config"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed, as wanted
	})
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("sshd does not listen: %v", err)
		}
	}
	return probe.NewSSHPool(probe.SSHConfig{ConfigFile: file("ssh_config")})
}

func freePort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// The time that making a connection to the vantage takes is not that of what is
// looked at from there: a first run would be slow, and everything after sshd's
// restart. What a busy machine adds to the one, it does not add each time.
func TestVantageIsNotTimed(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "https://")
	for _, call := range []string{`pharos.tcp(address, options)`, `pharos.tls(address, options)`, `pharos.dns("x.example", options)`} {
		wrong := ""
		for try := 0; try == 0 || wrong != "" && try < 10; try++ {
			wrong = vantageTimed(t, call, address)
		}
		if wrong != "" {
			t.Error(wrong)
		}
	}
}

// vantageTimed makes a call from a vantage that there is no connection to, and
// tells if the way there is in the time of it.
func vantageTimed(t *testing.T, call, address string) (wrong string) {
	b := newTestBoard(t)
	b.Probes.ssh.Close()
	b.Probes.ssh = startVantage(t)
	began := time.Now()
	got := b.check(`local address, options = "` + address + `", { ssh_host = "vantage", server = "127.0.0.1:1", timeout = 20 }
		if not ([[` + call + `]]):find("dns", 1, true) then options.server = nil end
		local result, err = ` + call + `
		return "ok", (result or err).timing.total`)
	total, err := strconv.ParseFloat(got.Value, 64)
	if took := time.Since(began).Seconds(); err != nil || total > took/2 {
		wrong = fmt.Sprintf("%s: total = %q s (%s), want a small part of the %.3f s that it took to get there", call, got.Value, got.Detail, took)
	}
	return wrong
}

// ssh_host works for commands, pages, connections and pharos.ssh, through a real
// server; a host that is not there is unknown.
func TestVantage(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer page.Close()
	b := newTestBoard(t)
	b.Probes.ssh.Close()
	b.Probes.ssh = startVantage(t)
	b.load(strings.NewReplacer("URL", page.URL, "ADDRESS", strings.TrimPrefix(page.URL, "http://")).Replace(`metric_watchers = {
  pharos.CommandMetricWatcher{ name = "command", command = "echo $SSH_CONNECTION; exit 3", ssh_host = "vantage", timeout = 20,
    handle_returncode = function(self, code, result) return code == 3 and result.stdout:find("^127") and "ok" or "critical", code end },
  pharos.PageGETMetricWatcher{ name = "page", url = "URL", ssh_host = "vantage", timeout = 20 },
  pharos.TCPMetricWatcher{ name = "tcp", address = "ADDRESS", ssh_host = "vantage", timeout = 20 },
  pharos.MetricWatcher{ name = "own", timeout = 20, check = function()
    local result = assert(pharos.ssh("vantage"):exec({ "printf", "%s", "a b" }))
    return "ok", result.stdout
  end },
  pharos.CommandMetricWatcher{ name = "nowhere", command = "true", ssh_host = "nowhere.invalid", timeout = 20 },
}`))
	for id, want := range map[engine.ID]engine.Status{"command": engine.OK, "page": engine.OK, "tcp": engine.OK, "own": engine.OK, "nowhere": engine.Unknown} {
		if got := b.run(id); got.Status != want {
			t.Errorf("run(%q) = %v %q %q, want %v", id, got.Status, got.Value, got.Detail, want)
		}
	}
}

// TestEventsOverSSH listens from a real vantage, and then breaks the way there.
func TestEventsOverSSH(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: warning\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer page.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	b := newTestBoard(t)
	b.Probes.ssh.Close()
	b.Probes.ssh = startVantage(t)
	s := b.serve(strings.NewReplacer("URL", page.URL, "ADDRESS", ln.Addr().String()).Replace(`metric_watchers = {
  pharos.MetricWatcher{ name = "sse", events = pharos.http.sse("URL", function(self, event) return event.data end, { ssh_host = "vantage" }) },
  pharos.MetricWatcher{ name = "lines", events = pharos.tcp.lines("ADDRESS", function(self, line) return line end, { ssh_host = "vantage", send = "hello\n" }) },
}`))
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if said, err := bufio.NewReader(conn).ReadString('\n'); said != "hello\n" {
		t.Errorf("it sent %q, %v, want hello", said, err)
	}
	fmt.Fprintln(conn, "warning")
	ids := []engine.ID{"sse", "lines"}
	for _, id := range ids {
		s.await(id, "warning", func(v engine.View) bool { return v.Status == engine.Warning && v.Source.Up })
	}
	b.Probes.ssh.Close()
	for _, id := range ids {
		v := s.await(id, "down", func(v engine.View) bool { return !v.Source.Up })
		if v.Status != engine.Unknown || v.Result.Failure == nil || v.Result.Failure.Kind != "vantage" {
			t.Errorf("%s without its vantage: %v %q %+v, want unknown, vantage", id, v.Status, v.Result.Detail, v.Result.Failure)
		}
	}
}
