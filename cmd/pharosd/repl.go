package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"pharos/builtin"
	"pharos/luaapi"
)

type replFlags struct {
	timeout time.Duration
	verbose bool
}

func newRepl() *cobra.Command {
	var f replFlags
	cmd := &cobra.Command{
		Use:   "repl",
		Short: "A prompt to try out what scripts can do",
		Long: `repl runs Lua as you type it, with all that scripts have: pharos.http.get(...)
makes a request, now. An expression prints its values; _ is the last of them.
Names stay, those of locals too. A text that is not finished goes on in the next
line.

On a terminal, Tab completes names, the arrows bring back earlier lines (kept in
$XDG_STATE_HOME/pharos/history), Ctrl-C interrupts a line and Ctrl-D ends. What
is piped in runs as well; the exit code is 1 if any of it failed.`,
		Example: `  pharosd repl
  pharosd repl -v
  echo 'pharos.dns("example.org").values' | pharosd repl`,
		Args: flagsOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return repl(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	cmd.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "the longest that a line may take")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show what each line did, and where its time went")
	return cmd
}

// A lineReader gives the next line, of a terminal or of anything else; io.EOF after
// the last. first is false within a text that is not finished. errInterrupted means
// that it is not wanted.
type lineReader func(first bool) (string, error)

// errInterrupted is Ctrl-C while a line was typed, or ran.
var errInterrupted = errors.New("interrupted")

func repl(ctx context.Context, f replFlags, out io.Writer) error {
	if f.timeout <= 0 {
		return fmt.Errorf("cannot use --timeout %s: want more than 0", f.timeout)
	}
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	prompt, err := luaapi.NewPrompt(luaapi.Options{Classes: builtin.FS, Probes: probes, Logger: slog.New(slog.DiscardHandler)}, ".")
	if err != nil {
		return err
	}
	defer prompt.Close()

	// Ctrl-C ends a line and not the prompt, so what ends the process must not
	// end lines.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &session{prompt: prompt, flags: f, out: out, interrupts: make(chan os.Signal, 1)}
	signal.Notify(s.interrupts, syscall.SIGINT)
	defer signal.Stop(s.interrupts)

	lines := pipedLines(os.Stdin)
	restore, terminal := func() {}, onTerminal()
	if terminal {
		fmt.Fprintln(out, "pharosd "+version()+"; "+replHelp)
		typed, err := newTerminalLines(ctx, prompt)
		if err != nil {
			return fmt.Errorf("setting up the terminal: %w", err)
		}
		lines, restore = typed.read, typed.restore
	}
	signal.Reset(syscall.SIGTERM)
	go s.dieOf(cancel, restore)
	if err := s.loop(ctx, lines); err != nil {
		return err
	}
	if s.failed && !terminal {
		return exitError{code: exitFailure}
	}
	return nil
}

// session is one use of the prompt.
type session struct {
	prompt     *luaapi.Prompt
	flags      replFlags
	out        io.Writer
	interrupts chan os.Signal
	busy       sync.Mutex // while a line runs
	failed     bool       // any line
}

const replHelp = "pharosd docs has the reference, Tab completes, Ctrl-D ends"

// onTerminal tells whether a person types, and a terminal shows it.
func onTerminal() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb"
}

// dieOf waits for a signal that ends the process and lets it do so, once the line
// that runs is ended, with its commands, and the terminal is as it was. A second
// one does not wait.
func (s *session) dieOf(cancel, restore func()) {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // by nohup(1)
		signal.Notify(ends, syscall.SIGHUP)
	}
	sig := <-ends
	signal.Reset(syscall.SIGTERM, syscall.SIGHUP)
	cancel()
	s.busy.Lock()
	restore()
	_ = syscall.Kill(os.Getpid(), sig.(syscall.Signal))
}

// loop runs what is read until it ends.
func (s *session) loop(ctx context.Context, read lineReader) error {
	text := ""
	for {
		line, err := read(text == "")
		switch {
		case errors.Is(err, errInterrupted):
			text = ""
			continue
		case errors.Is(err, io.EOF):
			if strings.TrimSpace(text) != "" {
				s.fail(errors.New("the text ends too early"))
			}
			return nil
		case err != nil:
			return fmt.Errorf("reading a line: %w", err)
		}
		if text == "" { // as other prompts are asked
			switch strings.TrimSpace(line) {
			case "help":
				fmt.Fprintln(s.out, replHelp)
				continue
			case "exit", "quit":
				return nil
			}
		}
		text += line + "\n"
		if strings.TrimSpace(text) == "" || !s.eval(ctx, text) {
			text = ""
		}
	}
}

// eval runs the text; it tells whether more must follow.
func (s *session) eval(ctx context.Context, text string) (more bool) {
	s.busy.Lock()
	defer s.busy.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	for len(s.interrupts) > 0 {
		<-s.interrupts // it was for an earlier line
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-s.interrupts:
			cancel()
		case <-done:
		}
	}()
	values, more, err := s.prompt.Eval(luaapi.WithTrace(ctx, s.event), text)
	if errors.Is(ctx.Err(), context.Canceled) {
		values, err = nil, errInterrupted // in the words of who did it
	}
	for _, value := range values {
		fmt.Fprintln(s.out, value)
	}
	if err != nil {
		s.fail(err)
	}
	return more
}

// event prints what a line prints, and if asked what it does.
func (s *session) event(e luaapi.Event) {
	if e.Kind == "log" {
		fmt.Fprintln(s.out, e.Text)
		return
	}
	if s.flags.verbose {
		printEvent(s.out, painterFor(s.out), e)
	}
}

func (s *session) fail(err error) {
	s.failed = true
	fmt.Fprintln(os.Stderr, err)
}
