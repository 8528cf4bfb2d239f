// Command pharosd is Pharos: it runs the watchers of a Lua configuration and
// serves the board that shows them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"pharos/engine/probe/initproc"
)

func main() {
	initproc.Main()
	os.Exit(run(untilSignal(), os.Args[1:]))
}

// untilSignal ends with the first signal to end. A second one is not ours to
// hold back: it ends the process at once, but for a daemon (see serve).
func untilSignal() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// run executes one command line and gives the process's exit code.
func run(ctx context.Context, args []string) int {
	root, out := newRoot(), &output{File: os.Stdout}
	root.SetArgs(args)
	root.SetOut(out)
	cmd, err := root.ExecuteContextC(ctx)
	serves := cmd == root || cmd.Name() == "serve"
	if lost := out.failed(); lost != nil && !serves { // the board goes on without
		err = lost
	}
	complain := func(err error) { fmt.Fprintln(os.Stderr, cmd.CommandPath()+": "+err.Error()) }
	if serves { // its log may be one that nobody reads
		waits := complain
		complain = func(err error) { boundedBy(closeGrace, func() { waits(err) }) }
	}
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[exitError](err); ok {
		if exit.err != nil {
			complain(exit.err)
		}
		return exit.code
	}
	complain(err)
	if cmd.Name() == "once" {
		return exitUnknown // exit 1 and 2 are verdicts there
	}
	return exitFailure
}

// Exit codes. once speaks those of monitoring plugins.
const (
	exitFailure = 1
	exitUnknown = 3
)

// exitError carries the exit code of a command that said all it has to say, or
// says err.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}
func (e exitError) Unwrap() error { return e.err }

// output is what a command prints to. Not all look whether they could; run does.
type output struct {
	*os.File

	mu  sync.Mutex
	err error // the first
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.File.Write(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// WriteString is Write, where the file's own would go past it.
func (o *output) WriteString(text string) (int, error) { return o.Write([]byte(text)) }

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("printing: %w", o.err)
}
