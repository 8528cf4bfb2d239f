package web

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pharos/engine"
)

// A proxy that buffers, as nginx does unless told not to, must pass events on
// at once: with the configuration that is recommended, and with the least. On a
// board that stands still a beat is all that comes in a second, and some 17 of them
// fill the least of its buffers.
func TestBehindNginx(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	nginx := requireReal(t, "nginx")
	recommended, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	c := &check{r: engine.Result{Status: engine.OK}}
	set := engine.Set{Watchers: []engine.Watcher{watcher("", "a", time.Hour, c.run)}}
	for name, location := range map[string]string{
		"recommended": string(recommended),
		"least":       "location / { proxy_pass http://127.0.0.1:8811; }\n",
	} {
		t.Run(name, func(t *testing.T) {
			w, addr := tcpWall(t, Config{AllowedHosts: []string{"board.example.org"}}, set)
			direct := w.watch(t)
			var beats atomic.Int64 // that came without the proxy
			go func() {
				for ev, err := direct.next(); err == nil; ev, err = direct.next() {
					if ev.name == "beat" {
						beats.Add(1)
					}
				}
			}()
			proxy := startNginx(t, nginx, strings.ReplaceAll(location, "127.0.0.1:8811", addr))
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+proxy+"/events", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = "board.example.org"
			before := beats.Load()
			resp, err := new(http.Transport).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("stream through nginx: status %d, want 200", resp.StatusCode)
			}
			stream := newEventReader(resp.Body)
			stream.until(t, named("board"))
			for n := range int64(3) {
				stream.until(t, named("beat"))
				if ahead := beats.Load() - before - n; ahead > 8 {
					t.Errorf("beat %d comes through the proxy when %d have come to who has none, want it at once", n+1, ahead+n)
				}
			}
		})
	}
}

// startNginx serves location on a free port until the test ends.
func startNginx(t *testing.T, nginx, location string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	ln.Close()
	dir := t.TempDir()
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server { listen %[2]s; %[3]s }
}`, dir, addr, location)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(nginx, "-p", dir, "-c", file)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said: %s", said.String())
		}
	})
	for began := time.Now(); time.Since(began) < time.Minute; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nginx does not listen on %s after a minute", addr)
	return ""
}
