package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/ergochat/readline"
	"golang.org/x/term"

	"pharos/luaapi"
)

// pipedLines reads lines that nobody types.
func pipedLines(in io.Reader) lineReader {
	r := bufio.NewReader(in)
	return func(bool) (string, error) {
		line, err := r.ReadString('\n')
		if err != nil && line == "" {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
}

// terminalLines reads lines with editing, history and completion. The terminal
// is in raw mode only meanwhile: where a line runs, Ctrl-C is a signal.
type terminalLines struct {
	*readline.Instance
	mode sync.Mutex   // of the terminal
	cook func() error // the terminal is as it was
}

const (
	promptFirst = "> "
	promptMore  = ">> "

	historyMost = 1000 // lines that are brought back, and kept when a session begins
)

func newTerminalLines(ctx context.Context, prompt *luaapi.Prompt) (*terminalLines, error) {
	complete := func(before string) ([]string, int) { return prompt.Complete(ctx, before) }
	editor, err := newEditor(editorConfig(os.Stdin, os.Stdout, complete), historyPath())
	if err != nil {
		return nil, err
	}
	t := &terminalLines{Instance: editor}
	c := editor.GetConfig()
	raw, cook := c.FuncMakeRaw, c.FuncExitRaw
	t.cook = func() error {
		io.WriteString(os.Stdout, noPasteMarks)
		return cook()
	}
	c.FuncExitRaw = t.cook
	c.FuncMakeRaw = func() error {
		t.mode.Lock()
		defer t.mode.Unlock()
		io.WriteString(os.Stdout, pasteMarks)
		return raw()
	}
	return t, editor.SetConfig(c)
}

// editorConfig is how lines are edited, whatever they come from.
func editorConfig(in io.Reader, out io.Writer, complete completer) *readline.Config {
	k := &keys{in: bufio.NewReader(in), out: out}
	return &readline.Config{
		Stdin: k, Stdout: k, Listener: k.insert, FuncFilterInputRune: isKey,
		AutoComplete: complete, FuncGetSize: terminalSize, HistoryLimit: historyMost,
	}
}

// newEditor keeps the lines in a file, which readline would let all read. One that
// cannot be read or written is not kept: that must not stop anyone.
func newEditor(c *readline.Config, history string) (*readline.Instance, error) {
	defer syscall.Umask(syscall.Umask(0o077))
	if history != "" && os.MkdirAll(filepath.Dir(history), 0o700) == nil {
		c.HistoryFile = history
	}
	return readline.NewFromConfig(c)
}

func historyPath() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "pharos", "history")
}

// terminalSize is that of a usual one where it is not told, as of a serial line.
func terminalSize() (width, height int) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// completer tells what the text before the cursor may go on as: names, which
// begin at start.
type completer func(before string) (names []string, start int)

// Do is readline's AutoCompleter.
func (complete completer) Do(line []rune, pos int) (rest [][]rune, length int) {
	before := string(line[:pos])
	names, start := complete(before)
	for _, name := range names {
		rest = append(rest, []rune(strings.TrimPrefix(name, before[start:])))
	}
	return rest, len([]rune(before[start:]))
}

func (t *terminalLines) read(first bool) (string, error) {
	t.SetPrompt(promptMore)
	if first {
		t.SetPrompt(promptFirst)
	}
	line, err := t.ReadLine()
	if errors.Is(err, readline.ErrInterrupt) {
		err = errInterrupted
	}
	return line, err
}

// restore leaves the terminal as it was, for good: nothing unlocks its mode.
func (t *terminalLines) restore() {
	t.mode.Lock()
	io.WriteString(os.Stdout, "\r\n")
	_ = t.cook()
}
