package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// typing gives an editor at which these keys are typed, with its lines kept in
// history, and what a terminal is told meanwhile.
func typing(t *testing.T, keys io.Reader, history string) (*terminalLines, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	c := editorConfig(keys, &out, func(before string) ([]string, int) {
		switch {
		case strings.HasSuffix(before, "ph"):
			return []string{"pharos"}, len(before) - 2
		case strings.HasSuffix(before, "g"):
			return []string{"get", "getenv", "gexp"}, len(before) - 1
		}
		return nil, len(before)
	})
	c.FuncIsTerminal = func() bool { return true }
	c.FuncMakeRaw = func() error { return nil }
	c.FuncExitRaw = c.FuncMakeRaw
	editor, err := newEditor(c, history)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { editor.Close() })
	return &terminalLines{Instance: editor}, &out
}

// What keys do, as lines that come of them.
func TestEditor(t *testing.T) {
	long := strings.Repeat("日x", 5000)
	for _, test := range []struct {
		keys string
		want []string
	}{
		{"old\rnew\rdraft\x1b[A\x1b[A\x1b[A!\r", []string{"old", "new", "old!"}},
		{"new\rdraft\x1b[A\x1b[B!\r", []string{"new", "draft!"}},
		{"日本\x1b[D語\r", []string{"日語本"}},
		{"ac\x1b[Db\x1b[Hx\x05y\r", []string{"xabcy"}},
		{"abc\x7f\x08\x01\x04z\r", []string{"z"}},
		{"one two three\x17\x17four\r", []string{"one four"}},
		{"one two\x1bb\x0b\x1b\x7f\r", []string{""}},
		{"one.two\x1b[1;5D!\x1b[1;5Cx\r", []string{"one.!twox"}},
		{"ab\x01\x1b[3~\x1b[3~\x1b[3~c\x15d\r", []string{"d"}},
		{"x = ph\t.y\r", []string{"x = pharos.y"}},
		{"g\tt\r", []string{"get"}}, // as far as all names go along
		{"x\t\r", []string{"x"}},
		{"a\x1b\rb\r", []string{"a", "b"}}, // Escape alone keeps nothing back
		{"\x1b[5~\x1b[99;99z\x1b[?1;2cc\x1bOD\x1b[\rd\r", []string{"c", "d"}},
		{"\x1b[200~one\r\n\ttwo\x01\x1b[A\rthree\x1b[201~!\t\r", []string{"one", "\ttwo", "three!"}},
		{"\x1b[200~tab in\tg\tmenu\x1b[201~\r", []string{"tab in\tg\tmenu"}},
		{"''\x1b[D" + long + "\r" + long + "\r", []string{"'" + long + "'", long}},
		{"a\x1ab\x12\x13\x0fc\u009b\r", []string{"abc"}}, // no key of ours
		{"\xffok\n", []string{"ok"}},
	} {
		lines, _ := typing(t, strings.NewReader(test.keys), "")
		for _, want := range test.want {
			if got, err := lines.read(true); got != want || err != nil {
				t.Errorf("read() of %.80q = %.80q, %v, want %.80q", test.keys, got, err, want)
			}
		}
	}
}

// Ctrl-C drops the line that is typed, and neither the one before nor the one
// after; Ctrl-D ends where there is no line.
func TestEditorEnds(t *testing.T) {
	lines, _ := typing(t, strings.NewReader("one\rabc\x03\x1b\x03two\r\x04"), "")
	for _, want := range []struct {
		line string
		err  error
	}{{"one", nil}, {"", errInterrupted}, {"", errInterrupted}, {"two", nil}, {"", io.EOF}} {
		if line, err := lines.read(true); line != want.line || !errors.Is(err, want.err) {
			t.Errorf("read() = %q, %v, want %q, %v", line, err, want.line, want.err)
		}
	}
}

// The cursor is where the character is that it stands before, whatever it and
// those before it are wide.
func TestCursor(t *testing.T) {
	row := strings.Repeat("x", 77) // and the prompt: a column is left
	for _, test := range []struct {
		keys string
		want string // the move to it
	}{
		{"abc\x1b[D", "\x1b[5G"},
		{"日本\x1b[D", "\x1b[5G"},
		{"🙂本\x1b[D\x1b[D", "\x1b[3G"},
		{"e\u0301xy\x1b[D", "\x1b[5G"},              // the accent takes none
		{row + "日x\x1b[D", "\x1b[3G"},               // a wide one is in the next row,
		{row + "ab\x1b[D\x1b[D", "\x1b[1A\x1b[80G"}, // and one before it in the first
	} {
		lines, out := typing(t, strings.NewReader(test.keys), "")
		if _, err := lines.read(true); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("after %q the terminal is told %q, want %q in it", test.keys, out, test.want)
		}
	}
}

// anyKeys are keys in any order.
type anyKeys struct {
	random *rand.Rand
	left   int
	typed  []string
}

func (a *anyKeys) Read(b []byte) (int, error) {
	if a.left--; a.left < 0 {
		return 0, io.EOF
	}
	keys := []string{"g", "日", " ", "ph", "\t", "\t", "\r", "\x1b", "\x1b[", "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[Z", "\x1b[1;5D", pasteStart, pasteEnd, strings.Repeat("x", 100), "\x1b[3~", "\x7f"}
	key := string(rune(a.random.IntN(' ')))
	if n := a.random.IntN(len(keys) + 8); n < len(keys) {
		key = keys[n]
	}
	a.typed = append(a.typed, key)
	return copy(b, key), nil
}

// No keys stop the editor, or make it panic.
func TestEditorBearsAnyKeys(t *testing.T) {
	for seed := range uint64(100) {
		keys := &anyKeys{random: rand.New(rand.NewPCG(seed, 0)), left: 150}
		lines, _ := typing(t, keys, "")
		func() {
			defer func() {
				if fault := recover(); fault != nil {
					t.Fatalf("after %q: %v", keys.typed, fault)
				}
			}()
			for keys.left >= 0 {
				if _, err := lines.read(true); err != nil && !errors.Is(err, errInterrupted) && !errors.Is(err, io.EOF) {
					t.Fatalf("after %q: %v", keys.typed, err)
				}
			}
		}()
	}
}

func TestCompleter(t *testing.T) {
	complete := completer(func(before string) ([]string, int) {
		return []string{"é.get", "é.getenv"}, strings.Index(before, "é")
	})
	rest, length := complete.Do([]rune("日 = é.g + 1"), 7)
	if got := fmt.Sprintf("%q", rest); got != `[['e' 't'] ['e' 't' 'e' 'n' 'v']]` || length != 3 {
		t.Errorf("Do() = %s, %d, want et and etenv, 3", got, length)
	}
}
