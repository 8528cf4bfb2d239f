package main

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode"
)

// editor reads lines that are typed, with the keys of readline(3).
type editor struct {
	in       *bufio.Reader
	screen   *screen
	history  *history
	complete func(before string) (names []string, start int) // what the text before the cursor may go on as

	prompt  []rune
	line    []rune
	pos     int // of the cursor in it
	back    int // lines back in the history; 0 is the one that is typed
	typed   []rune
	pasting bool
	ended   bool // by a return, which a newline may follow that is no line of its own
}

// readLine gives the next line; errInterrupted after Ctrl-C, io.EOF after Ctrl-D
// in an empty one.
func (e *editor) readLine(prompt string) (string, error) {
	e.prompt, e.line, e.pos, e.back = []rune(prompt), nil, 0, 0
	for {
		if e.in.Buffered() == 0 { // else more is to be shown at once
			e.show()
		}
		k, err := e.key()
		if err == nil {
			var done bool
			done, err = e.press(k)
			if !done && err == nil {
				continue
			}
		}
		e.show()
		e.screen.leave()
		line := string(e.line)
		if err != nil {
			return "", err
		}
		e.history.add(line)
		return line, nil
	}
}

// show shows the line as it is.
func (e *editor) show() {
	text := slices.Clone(e.prompt)
	for _, r := range e.line {
		text = append(text, visible(r))
	}
	e.screen.show(text, len(e.prompt)+e.pos)
}

// press does what a key is for; done is the end of the line.
func (e *editor) press(k key) (done bool, err error) {
	after := e.ended
	e.ended = k == '\r'
	switch {
	case k == ctrl('C'):
		return false, errInterrupted
	case k == '\n' && after:
		return false, nil
	case k == '\r' || k == '\n':
		return true, nil
	case k == keyPaste, k == keyPasted:
		e.pasting = k == keyPaste
	case k >= ' ' && k != keyDEL, e.pasting && k >= 0:
		e.line = slices.Insert(e.line, e.pos, rune(k))
		e.pos++
	case k == ctrl('D') && len(e.line) == 0:
		return false, io.EOF
	case k == '\t':
		e.tab()
	case k == ctrl('L'):
		e.screen.clear()
	case k == keyUp || k == ctrl('P'):
		e.recall(e.back + 1)
	case k == keyDown || k == ctrl('N'):
		e.recall(e.back - 1)
	default:
		e.edit(k)
	}
	return false, nil
}

// edit moves the cursor, or deletes.
func (e *editor) edit(k key) {
	end := len(e.line)
	switch k {
	case keyLeft, ctrl('B'):
		e.pos = max(e.pos-1, 0)
	case keyRight, ctrl('F'):
		e.pos = min(e.pos+1, end)
	case keyWordLeft:
		e.pos = e.wordBefore(isNoLetter)
	case keyWordRight:
		e.pos = e.wordAfter()
	case keyHome, ctrl('A'):
		e.pos = 0
	case keyEnd, ctrl('E'):
		e.pos = end
	case keyDEL, ctrl('H'):
		e.delete(max(e.pos-1, 0), e.pos)
	case keyDelete, ctrl('D'):
		e.delete(e.pos, min(e.pos+1, end))
	case ctrl('W'):
		e.delete(e.wordBefore(unicode.IsSpace), e.pos)
	case keyDeleteWord:
		e.delete(e.wordBefore(isNoLetter), e.pos)
	case ctrl('U'):
		e.delete(0, e.pos)
	case ctrl('K'):
		e.delete(e.pos, end)
	}
}

func (e *editor) delete(from, to int) {
	e.line, e.pos = slices.Delete(e.line, from, to), from
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// wordBefore is where the word before the cursor begins.
func (e *editor) wordBefore(between func(rune) bool) int {
	n := e.pos
	for n > 0 && between(e.line[n-1]) {
		n--
	}
	for n > 0 && !between(e.line[n-1]) {
		n--
	}
	return n
}

// wordAfter is where the word after the cursor ends.
func (e *editor) wordAfter() int {
	n := e.pos
	for n < len(e.line) && isNoLetter(e.line[n]) {
		n++
	}
	for n < len(e.line) && !isNoLetter(e.line[n]) {
		n++
	}
	return n
}

// recall brings a line of the history; the one that is typed waits.
func (e *editor) recall(back int) {
	if back < 0 || back > len(e.history.lines) {
		return
	}
	if e.back == 0 {
		e.typed = e.line
	}
	e.back, e.line = back, e.typed
	if back > 0 {
		e.line = []rune(e.history.lines[len(e.history.lines)-back])
	}
	e.pos = len(e.line)
}

// tab completes as far as all names go along, or shows them to choose from.
func (e *editor) tab() {
	before := string(e.line[:e.pos])
	names, start := e.complete(before)
	completed := commonPrefix(names)
	if len(names) > 1 && start+len(completed) <= len(before) {
		e.show()
		e.screen.leave()
		io.WriteString(e.screen.out, strings.Join(names, "  ")+"\r\n")
	}
	if completed != "" {
		text := []rune(before[:start] + completed)
		e.line, e.pos = append(text, e.line[e.pos:]...), len(text)
	}
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
