package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"pharos/engine"
	"pharos/luaapi"
)

// notifier tells the service manager what state the daemon is in, by the
// protocol of sd_notify(3). One without a socket says nothing.
type notifier struct {
	socket   string
	watchdog time.Duration // how often the manager wants a sign of life; 0 = never
}

// newNotifier reads what systemd put into the environment, and takes it out of
// it: no child may speak for us.
func newNotifier() notifier {
	n := notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	if micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && n.socket != "" {
		if pid := os.Getenv("WATCHDOG_PID"); pid == "" || pid == strconv.Itoa(os.Getpid()) {
			n.watchdog = time.Duration(micros) * time.Microsecond
		}
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	return n
}

// send writes assignments, one a line. Nobody listening is no error: it must
// never stop the daemon.
func (n notifier) send(state string) {
	if n.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"}) // "@name" is abstract
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(time.Second))
	conn.Write([]byte(state))
}

// maxStatus bounds the line that systemctl status shows, in characters.
const maxStatus = 300

// ready tells what runs, and why what was found since does not: a reload that
// failed is over too, and the protocol has no other way to say so.
func (n notifier) ready(watchers int, failed *engine.LoadError) {
	status := []rune(plural(watchers, "watcher"))
	if failed != nil {
		text := (&luaapi.LoadError{LoadError: *failed}).Error()
		text = "; a newer configuration is not taken: " + strings.ReplaceAll(text, "\n", " ") // a line is an assignment
		status = append(status, []rune(text)...)
	}
	if len(status) > maxStatus {
		status = append(status[:maxStatus-1], '…')
	}
	n.send("READY=1\nSTATUS=" + string(status))
}

// reloading must carry the monotonic time, else systemd waits for ever
// (systemd.service(5), Type=notify-reload).
func (n notifier) reloading() {
	n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonicMicros()))
}

func (n notifier) stopping() { n.send("STOPPING=1") }

// feed gives the watchdog its sign of life twice in its time, each only once
// alive has come back: a schedule that stands still lets the manager restart
// us.
func (n notifier) feed(ctx context.Context, alive func(context.Context) error) error {
	if n.watchdog <= 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(n.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if alive(ctx) == nil {
				n.send("WATCHDOG=1")
			}
		}
	}
}
