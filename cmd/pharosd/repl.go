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

// lineReader is where lines come from: a terminal, or anything else.
type lineReader interface {
	// read gives the next line; io.EOF after the last. first is false within a
	// text that is not finished. errInterrupted means that it is not wanted.
	read(first bool) (string, error)
}

var (
	// errInterrupted is Ctrl-C while a line was typed, or ran.
	errInterrupted = errors.New("interrupted")
	// errLongLine is a line whose end a terminal would not give.
	errLongLine = fmt.Errorf("cannot take a line of more than %d characters: divide it, or pipe it in", lineMost)
)

func repl(ctx context.Context, f replFlags, out io.Writer) error {
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	prompt, err := luaapi.NewPrompt(luaapi.Options{Classes: builtin.FS, Probes: probes, Logger: slog.New(slog.DiscardHandler)}, ".")
	if err != nil {
		return err
	}
	defer prompt.Close()

	// Ctrl-C ends a line and not the prompt, so what ends the process must not
	// end lines.
	ctx = context.WithoutCancel(ctx)
	signal.Reset(syscall.SIGTERM)
	s := &session{prompt: prompt, flags: f, out: out, interrupts: make(chan os.Signal, 1)}
	signal.Notify(s.interrupts, syscall.SIGINT)
	defer signal.Stop(s.interrupts)

	terminal := term.IsTerminal(int(os.Stdin.Fd()))
	var lines lineReader = newPipedLines(os.Stdin)
	if terminal {
		fmt.Fprintln(out, "pharosd "+version()+"; pharosd docs has the reference, Tab completes, Ctrl-D ends")
		typed := newTerminalLines(ctx, prompt)
		typed.SetBracketedPasteMode(true) // what is pasted is text: its tabs complete nothing
		defer typed.SetBracketedPasteMode(false)
		lines = typed
	}
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
	failed     bool // any line
}

// loop runs what lines brings until it ends.
func (s *session) loop(ctx context.Context, lines lineReader) error {
	text := ""
	for {
		line, err := lines.read(text == "")
		switch {
		case errors.Is(err, errInterrupted):
			text = ""
			continue
		case errors.Is(err, errLongLine):
			text = ""
			s.fail(err)
			continue
		case errors.Is(err, io.EOF):
			if strings.TrimSpace(text) != "" {
				s.fail(errors.New("the text ends too early"))
			}
			return nil
		case err != nil:
			return fmt.Errorf("reading a line: %w", err)
		}
		text += line + "\n"
		if strings.TrimSpace(text) == "" || !s.eval(ctx, text) {
			text = ""
		}
	}
}

// eval runs the text; it tells whether more must follow.
func (s *session) eval(ctx context.Context, text string) (more bool) {
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
