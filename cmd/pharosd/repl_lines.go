package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

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

// terminalLines reads lines with editing, history and completion.
type terminalLines struct {
	*term.Terminal
	keys *keys
}

const (
	promptFirst = "> "
	promptMore  = ">> "

	lineMost = 4095 // runes that a line may have: x/term takes one more, and drops what comes after
)

func newTerminalLines(ctx context.Context, prompt *luaapi.Prompt) *terminalLines {
	k := &keys{Reader: os.Stdin}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, os.Stdout}, promptFirst)
	t.History = newHistory(historyPath())
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		names, start := prompt.Complete(ctx, line[:pos])
		completed := commonPrefix(names)
		if len(names) > 1 && start+len(completed) <= pos {
			io.WriteString(t, strings.Join(names, "  ")+"\n") // to choose from
		}
		if completed == "" {
			return line, pos, true // a tab is no part of a line
		}
		return line[:start] + completed + line[pos:], start + len(completed), true
	}
	return &terminalLines{t, k}
}

// read has the terminal in raw mode only meanwhile: where a line runs, Ctrl-C
// is a signal.
func (t *terminalLines) read(first bool) (string, error) {
	fd := int(os.Stdin.Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer term.Restore(fd, state)
	if width, height, err := term.GetSize(fd); err == nil && width > 0 {
		t.SetSize(width, height)
	}
	t.SetPrompt(promptMore)
	if first {
		t.SetPrompt(promptFirst)
	}
	line, err := t.ReadLine()
	if t.keys.interrupted {
		t.keys.interrupted = false
		return "", errInterrupted
	}
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	if err == nil && utf8.RuneCountInString(line) > lineMost {
		return "", errLongLine
	}
	return line, err
}

// keys makes Ctrl-C drop the line, where the terminal would end.
type keys struct {
	io.Reader
	pending     []byte // read and not yet handed on
	interrupted bool
}

const (
	ctrlC    = 3
	dropLine = "\x05\x15\r" // to its end, delete to its start, enter
)

// Read hands on what was typed up to a Ctrl-C, then what drops the line, then
// what was typed after it, each by a Read of its own: the lines before and
// after are not the one that is dropped.
func (k *keys) Read(b []byte) (int, error) {
	if len(k.pending) == 0 {
		typed := make([]byte, 256)
		n, err := k.Reader.Read(typed)
		if n == 0 {
			return 0, err
		}
		k.pending = typed[:n] // an error comes again with the next Read
	}
	end := bytes.IndexByte(k.pending, ctrlC)
	switch end {
	case 0:
		k.interrupted = true
		k.pending = append([]byte(dropLine), k.pending[1:]...)
		end = len(dropLine)
	case -1:
		end = len(k.pending)
	}
	n := copy(b, k.pending[:end])
	k.pending = k.pending[n:]
	return n, nil
}

func commonPrefix(names []string) string {
	if len(names) == 0 {
		return ""
	}
	first, last := names[0], names[len(names)-1] // sorted: the others are between
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	return first[:n]
}

// historyMost is how many lines are brought back.
const historyMost = 1000

// history is the lines typed, latest last, kept in a file. What cannot be read
// or written is not kept: that must not stop anyone.
type history struct {
	path  string
	lines []string
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

func newHistory(path string) *history {
	h := &history{path: path}
	text, err := os.ReadFile(path)
	if err != nil {
		return h
	}
	h.lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	h.lines = h.lines[max(0, len(h.lines)-historyMost):]
	return h
}

// Add keeps a line, unless it is empty or the one before.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if h.path == "" || os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	f.WriteString(line + "\n")
}

// Len is the number of lines.
func (h *history) Len() int { return len(h.lines) }

// At gives a line, the latest at 0.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
