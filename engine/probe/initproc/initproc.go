//go:build unix

// Package initproc lets a daemon that starts commands be process 1 of a
// container.
//
// Orphans are handed to process 1, which has to reap them. A daemon cannot do
// that beside its own waiting: a wait for any child would take the status of
// the commands it runs. So as process 1 it only looks after a copy of itself.
package initproc

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// Main is to be called first in main. It returns at once unless this is
// process 1. Then it never returns: it starts the same program with the same
// arguments as a child, passes signals on to it, reaps orphans, and exits as
// the child does (128+n after signal n, 127 if it could not be started).
func Main() {
	if os.Getpid() == 1 {
		os.Exit(supervise())
	}
}

func supervise() int {
	// From before the start on, so that none is missed.
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	others := make(chan os.Signal, 64)
	signal.Notify(others)

	pid, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "starting %q as a child of process 1: %v\n", os.Args[0], err)
		return 127
	}
	for {
		select {
		case <-died:
			if code, ended := reap(pid); ended {
				return code
			}
		case sig := <-others:
			pass(pid, sig)
		}
	}
}

// start starts this program again and gives its pid.
func start() (int, error) {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	attr := &os.ProcAttr{Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}}
	if term.IsTerminal(0) {
		// The terminal sends its signals to the foreground group. It must not
		// hold both of us: the child would get each Ctrl-C twice.
		attr.Sys = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	}
	p, err := os.StartProcess(path, os.Args, attr)
	if err != nil {
		return 0, err
	}
	pid := p.Pid
	return pid, p.Release()
}

// reap takes all that have died. It reports the exit code of the child when
// that is among them.
func reap(child int) (code int, ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil || pid <= 0:
			return 0, false
		case pid != child:
			continue
		case status.Signaled():
			return 128 + int(status.Signal()), true
		}
		return status.ExitStatus(), true
	}
}

// pass hands a signal on, but for those that are about this process itself.
// SIGURG is what the Go runtime preempts its threads with.
func pass(child int, sig os.Signal) {
	switch sig {
	case syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPIPE:
		return
	}
	if n, ok := sig.(syscall.Signal); ok {
		_ = syscall.Kill(child, n)
	}
}
