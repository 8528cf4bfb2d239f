package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/term"

	"pharos/luaapi"
)

// pipedLines reads lines that nobody types.
type pipedLines struct{ r *bufio.Reader }

func newPipedLines(r io.Reader) pipedLines { return pipedLines{bufio.NewReader(r)} }

func (p pipedLines) read(bool) (string, error) {
	line, err := p.r.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// terminalLines reads lines with editing, history and completion. The terminal
// is in raw mode only meanwhile: where a line runs, Ctrl-C is a signal.
type terminalLines struct {
	*editor
	fd     int
	cooked *term.State

	mu   sync.Mutex // for the mode
	over bool       // the mode is not to change again
}

const (
	promptFirst = "> "
	promptMore  = ">> "

	// A terminal that is asked to marks what is pasted: its tabs complete nothing.
	pasteMarks   = "\x1b[?2004h"
	noPasteMarks = "\x1b[?2004l"
)

func newTerminalLines(ctx context.Context, prompt *luaapi.Prompt) (*terminalLines, error) {
	t := &terminalLines{fd: int(os.Stdin.Fd())}
	var err error
	if t.cooked, err = term.GetState(t.fd); err != nil {
		return nil, err
	}
	t.editor = &editor{
		in: bufio.NewReader(os.Stdin), screen: &screen{out: os.Stdout}, history: newHistory(historyPath()),
		complete: func(before string) ([]string, int) { return prompt.Complete(ctx, before) },
	}
	t.measure()
	io.WriteString(t.screen.out, pasteMarks)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	go func() {
		for range resized {
			t.measure()
		}
	}()
	return t, nil
}

// measure fits the screen to the terminal.
func (t *terminalLines) measure() {
	width, _, err := term.GetSize(t.fd)
	if err != nil || width <= 0 {
		width = 80
	}
	t.screen.resize(width)
}

func (t *terminalLines) read(first bool) (string, error) {
	if err := t.raw(); err != nil {
		return "", err
	}
	defer t.cook()
	if first {
		return t.readLine(promptFirst)
	}
	return t.readLine(promptMore)
}

func (t *terminalLines) raw() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return io.EOF
	}
	_, err := term.MakeRaw(t.fd)
	return err
}

// cook leaves the terminal as it was; it may be gone, and then nothing is to do.
func (t *terminalLines) cook() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = term.Restore(t.fd, t.cooked)
}

// restore leaves the terminal as it was, for good.
func (t *terminalLines) restore() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
	t.screen.leave()
	io.WriteString(t.screen.out, noPasteMarks)
	t.cook()
}
