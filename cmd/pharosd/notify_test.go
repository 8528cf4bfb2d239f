package main

import (
	"context"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pharos/engine"
)

// listenNotify is a service manager's end.
func listenNotify(t *testing.T) (socket string, next func() string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return socket, func() string {
		buf := make([]byte, 1024)
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("waiting for a notification: %v", err)
		}
		return string(buf[:n])
	}
}

func TestNotify(t *testing.T) {
	socket, next := listenNotify(t)
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", "")
	n := newNotifier()
	if got := newNotifier().socket; got != "" {
		t.Errorf("NOTIFY_SOCKET after newNotifier = %q, want none left for children", got)
	}
	for _, row := range []struct {
		say  func()
		want string
	}{
		{func() { n.ready(412, nil) }, `^READY=1\nSTATUS=412 watchers$`},
		{func() {
			n.ready(1, &engine.LoadError{File: "web\n.lua", Line: 3, Message: "cannot\nSTOPPING=1" + strings.Repeat("é", 500)})
		}, `^READY=1\nSTATUS=1 watcher; a newer configuration is not taken: web .lua:3: cannot STOPPING=1é{100,250}…$`},
		{n.reloading, `^RELOADING=1\nMONOTONIC_USEC=[0-9]+$`},
		{n.stopping, `^STOPPING=1$`},
	} {
		row.say()
		if got := next(); !regexp.MustCompile(row.want).MatchString(got) {
			t.Errorf("notification = %q, want %s", got, row.want)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.feed(ctx, func(context.Context) error { return nil }) }()
	for range 2 {
		if got, want := next(), "WATCHDOG=1"; got != want {
			t.Errorf("sign of life = %q, want %q", got, want)
		}
	}
	stop()
	<-done
}

// A schedule that does not answer gets no sign of life.
func TestNotifyStarvesWatchdog(t *testing.T) {
	socket, next := listenNotify(t)
	n := notifier{socket: socket, watchdog: 10 * time.Millisecond}
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- n.feed(ctx, func(ctx context.Context) error {
			close(asked)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-asked
	stop()
	<-done
	n.stopping()
	if got, want := next(), "STOPPING=1"; got != want {
		t.Errorf("first notification = %q, want %q: nothing for the watchdog", got, want)
	}
}
