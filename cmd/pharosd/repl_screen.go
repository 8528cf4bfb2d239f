package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode"

	"golang.org/x/text/width"
)

// screen shows the line that is typed, which may be longer than the terminal is
// wide, and hold characters that are two columns wide or none.
type screen struct {
	out io.Writer

	mu     sync.Mutex // a terminal changes its size at any time
	width  int        // columns, at least 2
	text   []rune     // that is shown, the prompt in front
	cursor int        // in it
}

const leastWidth = 2 // a wide character has to fit

// cells is how many columns a character takes: two of what East Asia writes, and
// of emoji, none of what goes above the one before. Unicode Standard Annex 11.
func cells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// visible is what is shown of a character: controls would move the cursor.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r < ' ':
		return '\u2400' + r // its picture
	case unicode.IsControl(r):
		return unicode.ReplacementChar
	}
	return r
}

// place tells in which row, from the first of the text, and column character n
// is. That after a full row is in the next one.
func place(text []rune, n, width int) (row, column int) {
	for i := 0; ; i++ {
		w := 1 // of the cursor after the text
		if i < len(text) {
			w = cells(text[i])
		}
		if column+w > width {
			row, column = row+1, 0
		}
		if i == n {
			return row, column
		}
		column += w
	}
}

// show shows text, and the cursor before its character at that place; of what
// is shown already only what differs is written.
func (s *screen) show(text []rune, cursor int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paint(text, cursor)
}

func (s *screen) paint(text []rune, cursor int) {
	row, column := place(s.text, s.cursor, s.width)
	same := 0
	for same < min(len(text), len(s.text)) && text[same] == s.text[same] {
		same++
	}
	for same > 0 && (joins(text, same) || joins(s.text, same)) {
		same-- // it is written together with the one that it goes above
	}
	var out []byte
	to := func(n int, of []rune) {
		newRow, newColumn := place(of, n, s.width)
		out = move(out, newRow-row, column, newColumn)
		row, column = newRow, newColumn
	}
	if same < max(len(text), len(s.text)) {
		to(same, text[:same])
		if same < len(s.text) {
			out = append(out, "\x1b[J"...) // and what is below
		}
		for _, r := range text[same:] {
			if column+cells(r) > s.width {
				out, column = append(out, "\r\n"...), 0
			}
			out = append(out, string(r)...)
			column += cells(r)
		}
		if column == s.width {
			out = append(out, "\r\n"...) // else the next row is there only once something is written to it
		}
		row, column = place(text, len(text), s.width)
	}
	to(cursor, text)
	s.text, s.cursor = slices.Clone(text), cursor
	s.out.Write(out) // of a terminal that is gone reading tells
}

// joins tells whether character n of text goes above the one before.
func joins(text []rune, n int) bool { return n < len(text) && cells(text[n]) == 0 }

// move moves the cursor so many rows down, or up, and from a column to another.
func move(out []byte, down, from, to int) []byte {
	switch {
	case down > 0:
		out = fmt.Appendf(out, "\x1b[%dB", down)
	case down < 0:
		out = fmt.Appendf(out, "\x1b[%dA", -down)
	}
	switch {
	case from == to:
	case to == 0:
		out = append(out, '\r')
	default:
		out = fmt.Appendf(out, "\r\x1b[%dC", to)
	}
	return out
}

// leave goes to the row below the text, which stays as it is.
func (s *screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.text) == 0 {
		return
	}
	s.paint(s.text, len(s.text))
	if _, column := place(s.text, len(s.text), s.width); column > 0 {
		io.WriteString(s.out, "\r\n")
	}
	s.text, s.cursor = nil, 0
}

// clear clears all of the terminal but the text.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, cursor := s.text, s.cursor
	s.text, s.cursor = nil, 0
	io.WriteString(s.out, "\x1b[H\x1b[2J")
	s.paint(text, cursor)
}

// resize shows the text on a terminal that is so wide now. One that became
// narrower has broken each row that no longer fits, as most do.
func (s *screen) resize(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width = max(width, leastWidth)
	if width == s.width {
		return
	}
	above, column := 0, 0
	for _, r := range append(s.text[:s.cursor:s.cursor], ' ') { // the cursor is where another character would be
		if column+cells(r) > s.width {
			above, column = above+1+(column-1)/width, 0
		}
		column += cells(r)
	}
	above += (column - 1) / width
	text, cursor := s.text, s.cursor
	s.width, s.text, s.cursor = width, nil, 0
	if len(text) == 0 {
		return
	}
	s.out.Write(append(move(nil, -above, 1, 0), "\x1b[J"...))
	s.paint(text, cursor)
}
