//go:build unix

package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
)

const stalledEnv = "PHAROS_TEST_STALLED"

// A viewer that was given more than its buffers take, by a process that then
// stood still for longer than a viewer is given, as one does whose whole machine
// stood still with it, has its time once the process goes on.
func TestStallCutsNobody(t *testing.T) {
	if os.Getenv(stalledEnv) != "" {
		serveStalled(t)
		return
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStallCutsNobody$")
	cmd.Env = append(os.Environ(), stalledEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stdin.Close() // ends it
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server that was stopped: %v", err)
		}
	}()
	said := bufio.NewReader(stdout)
	addr, err := said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimSpace(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if text, err := said.ReadString('\n'); err != nil {
		t.Fatalf("the server said %q, %v, want that its viewer is stuck", text, err)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(writeTimeout+time.Second, func() { _ = cmd.Process.Signal(syscall.SIGCONT) })
	if text, err := said.ReadString('\n'); err != nil {
		t.Fatalf("the server said %q, %v, want that it stood still", text, err)
	}
	newEventReader(conn).until(t, named("beat"))
}

// serveStalled serves a board that no buffers take as a whole, says when its
// viewer has taken nothing from one beat to the next and when it stood still
// after that, and ends with stdin.
func serveStalled(t *testing.T) {
	ok := func(context.Context) (engine.Result, error) { return engine.Result{Status: engine.OK}, nil }
	var watchers []engine.Watcher
	for i := range 4000 {
		w := watcher("", fmt.Sprint(strings.Repeat("long ", 200), i), time.Hour, ok)
		w.ID = engine.ID(fmt.Sprint(i))
		watchers = append(watchers, w)
	}
	w, addr := tcpWall(t, Config{}, engine.Set{Watchers: watchers})
	fmt.Println(addr)
	for !w.hub.waits() {
		time.Sleep(time.Millisecond)
	}
	// The clock is read before the word is said: the process is stopped on that
	// word, and may be so before it comes to its next line.
	last := time.Now()
	fmt.Println("stuck")
	for now := last; now.Sub(last) < writeTimeout; now = time.Now() {
		last = now
		time.Sleep(time.Millisecond)
	}
	fmt.Println("stood still")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// waits tells whether a viewer was given something at an earlier beat that it
// has not taken.
func (h *hub) waits() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for v := range h.viewers {
		if given := v.given.Load(); given != 0 && given < h.beats.Load() {
			return true
		}
	}
	return false
}
