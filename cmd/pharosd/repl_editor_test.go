package main

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// glass is a terminal that shows what a screen writes: a cell for each column,
// "" for the second one of a wide character.
type glass struct {
	t           *testing.T
	width       int
	rows        [][]string
	row, column int
}

var glassSequence = regexp.MustCompile(`^\x1b\[(\d*)([A-Z])`)

func (g *glass) Write(b []byte) (int, error) {
	for text := string(b); text != ""; {
		if m := glassSequence.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			g.sequence(m[2], n)
			text = text[len(m[0]):]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch {
		case r == '\r':
			g.column = 0
		case r == '\n':
			g.row++
		default:
			g.put(r)
		}
		for len(g.rows) <= g.row {
			g.rows = append(g.rows, nil)
		}
	}
	return len(b), nil
}

func (g *glass) sequence(name string, n int) {
	switch name {
	case "A":
		g.row -= n
	case "B":
		g.row += n
	case "C":
		g.column += n
	case "J":
		g.rows = g.rows[:g.row+1]
		g.rows[g.row] = g.rows[g.row][:min(g.column, len(g.rows[g.row]))]
	default:
		g.t.Errorf("the screen writes the sequence %q", name)
	}
	if g.row < 0 || g.row >= len(g.rows) || g.column > g.width {
		g.t.Fatalf("the cursor is moved to %d, %d, outside of %d rows of %d", g.row, g.column, len(g.rows), g.width)
	}
}

func (g *glass) put(r rune) {
	line := g.rows[g.row]
	w := cells(r)
	if g.column+w > g.width {
		g.t.Fatalf("%q is written at column %d of %d", r, g.column, g.width)
	}
	for len(line) < g.column+w {
		line = append(line, " ")
	}
	switch at := g.column - 1; {
	case w > 0:
		line[g.column] = string(r)
		if w == 2 {
			line[g.column+1] = ""
		}
	case line[at] == "":
		line[at-1] += string(r)
	default:
		line[at] += string(r)
	}
	g.rows[g.row], g.column = line, g.column+w
}

func (g *glass) text() string {
	var lines []string
	for _, row := range g.rows {
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func newGlass(t *testing.T, width int) *glass {
	return &glass{t: t, width: width, rows: [][]string{nil}}
}

// The cursor is where the character is that it stands before, whatever it and
// those before it are wide.
func TestPlace(t *testing.T) {
	for _, test := range []struct {
		text        string
		n           int
		row, column int
	}{
		{"> abc", 3, 0, 3},
		{"> 日本", 3, 0, 4},
		{"> 日本", 4, 0, 6},
		{"> e\u0301x", 4, 0, 3}, // the accent takes none
		{"> 🙂x", 3, 0, 4},
		{"0123456789", 10, 1, 0}, // after a full row
		{"012345678日", 9, 1, 0},  // a wide one does not fit
		{"012345678日x", 10, 1, 2},
	} {
		if row, column := place([]rune(test.text), test.n, 10); row != test.row || column != test.column {
			t.Errorf("place(%q, %d, 10) = %d, %d, want %d, %d", test.text, test.n, row, column, test.row, test.column)
		}
	}
}

// However a text came about, the terminal shows it as if it were written at once.
func TestScreenShows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("ab 日語🙂\u0301e")
	for range 200 {
		g := newGlass(t, 10)
		s := &screen{out: g, width: 10}
		text := []rune("> ")
		for range 60 {
			at := 2 + random.IntN(len(text)-1)
			if random.IntN(3) > 0 {
				text = slices.Insert(text, at, alphabet[random.IntN(len(alphabet))])
			} else if at < len(text) {
				text = slices.Delete(text, at, len(text)-random.IntN(len(text)-at))
			}
			cursor := 2 + random.IntN(len(text)-1)
			s.show(text, cursor)
			fresh := newGlass(t, 10)
			(&screen{out: fresh, width: 10}).show(text, cursor)
			if got, want := g.text(), fresh.text(); got != want || g.row != fresh.row || g.column != fresh.column {
				t.Fatalf("of %q the terminal shows\n%s\nthe cursor at %d, %d; want\n%s\nat %d, %d", string(text), got, g.row, g.column, want, fresh.row, fresh.column)
			}
		}
	}
}

// reflow breaks the rows that do not fit, as a terminal does that became
// narrower; the cursor stays with its character.
func (g *glass) reflow(width int) {
	var rows [][]string
	row, column := 0, 0
	for i, cells := range g.rows {
		if i == g.row {
			row, column = len(rows)+g.column/width, g.column%width
		}
		for len(cells) > width {
			rows, cells = append(rows, cells[:width]), cells[width:]
		}
		rows = append(rows, cells)
	}
	g.width, g.rows, g.row, g.column = width, rows, row, column
}

// A text is shown once on a terminal that changed its width.
func TestScreenResizes(t *testing.T) {
	for _, width := range []int{5, 10, 30, 40} {
		for cursor := 2; cursor <= 62; cursor++ {
			text := []rune("> " + strings.Repeat("0123456789", 6))
			g := newGlass(t, 20)
			io.WriteString(g, "was\r\n")
			s := &screen{out: g, width: 20}
			s.show(text, cursor)
			g.reflow(width)
			s.resize(width)
			fresh := newGlass(t, width)
			io.WriteString(fresh, "was\r\n")
			(&screen{out: fresh, width: width}).show(text, cursor)
			if got, want := g.text(), fresh.text(); got != want || g.row != fresh.row || g.column != fresh.column {
				t.Fatalf("%d wide, the cursor at %d, the terminal shows\n%s\nthe cursor at %d, %d; want\n%s\nat %d, %d", width, cursor, got, g.row, g.column, want, fresh.row, fresh.column)
			}
		}
	}
}

// What keys do, as lines that come of them.
func TestEditor(t *testing.T) {
	e := &editor{screen: &screen{out: io.Discard, width: 80}, history: &history{lines: []string{"old", "new"}},
		complete: func(before string) ([]string, int) {
			if strings.HasSuffix(before, "ph") {
				return []string{"pharos"}, len(before) - 2
			}
			return nil, len(before)
		}}
	for _, test := range []struct{ keys, want string }{
		{"draft\x1b[A\x1b[A\x1b[A!\r", "old!"},
		{"draft\x1b[A\x1b[B!\r", "draft!"},
		{"abc\r", "abc"},
		{"日本\x1b[D語\r", "日語本"},
		{"ac\x1b[Db\x1b[Hx\x05y\r", "xabcy"},
		{"abc\x7f\x08\x01\x04z\r", "z"},
		{"one two three\x17\x17four\r", "one four"},
		{"one two\x1bb\x0b\x1b\x7f\r", ""},
		{"one.two\x1b[1;5D!\x1b[1;5Cx\r", "one.!twox"},
		{"ab\x01\x1b[3~\x1b[3~\x1b[3~c\x15d\r", "d"},
		{"x = ph\t.y\r", "x = pharos.y"},
		{"x\t\r", "x"},
		{"a\x1b\rb\r", "a"}, // Escape alone keeps nothing back
		{"", "b"},
		{"\x1b[5~\x1b[99;99zc\x1bOD\x1b[\rd\r", "c"},
		{"", "d"},
		{"\x1b[200~one\r\n\ttwo\x01\rthree\x1b[201~!\t\r", "one"},
		{"", "\ttwo\x01"},
		{"", "three!"},
		{"\xffok\n", "ok"},
	} {
		if test.keys != "" {
			e.in = bufio.NewReader(strings.NewReader(test.keys))
		}
		if got, err := e.readLine("> "); got != test.want || err != nil {
			t.Errorf("readLine() of %q = %q, %v, want %q", test.keys, got, err, test.want)
		}
	}
}

// Ctrl-C drops the line that is typed, and neither the one before nor the one
// after; Ctrl-D ends where there is no line.
func TestEditorEnds(t *testing.T) {
	e := &editor{in: bufio.NewReader(strings.NewReader("one\rabc\x03\x1b\x03two\r\x04")), screen: &screen{out: io.Discard, width: 80}, history: &history{}}
	for _, want := range []struct {
		line string
		err  error
	}{{"one", nil}, {"", errInterrupted}, {"", errInterrupted}, {"two", nil}, {"", io.EOF}} {
		if line, err := e.readLine("> "); line != want.line || !errors.Is(err, want.err) {
			t.Errorf("readLine() = %q, %v, want %q, %v", line, err, want.line, want.err)
		}
	}
}
