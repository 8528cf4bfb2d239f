package main

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ergochat/readline"
)

// keys stands between readline and the terminal. It answers for the terminal
// where the cursor is, which not all terminals do and readline waits for without
// end, and hands over as one what came at once: readline looks at the whole line
// for each key.
//
// readline reads on only once a key has had its effect, so nothing here is used
// by two at a time.
type keys struct {
	in  *bufio.Reader
	out io.Writer

	asked    bool   // where the cursor is
	pasting  bool   // the terminal marked what comes as pasted
	returned bool   // a newline now belongs to the return before it
	pasted   []rune // that insert is to put into the line
}

const (
	askCursor     = "\x1b[6n"
	cursorAtStart = "\x1b[1;1R" // all that is printed ends its line

	// A terminal that is asked to marks what is pasted: its tabs complete nothing.
	pasteMarks   = "\x1b[?2004h"
	noPasteMarks = "\x1b[?2004l"
	pasteStart   = "\x1b[200~"
	pasteEnd     = "\x1b[201~"

	escape = '\x1b'
	erase  = '\x7f' // what the backspace key sends

	// insertKeys ends any menu of names (Ctrl-G) and calls insert (Shift-Tab).
	insertKeys = "\a\x1b[Z"
	// atOnce is more than a person types between two reads.
	atOnce = 64
	// editKeys are those with Ctrl that do something here. Without Ctrl-Z: what has
	// no shell to wake it would sleep for good; without searches: Tab in one panics.
	editKeys = "\x01\x02\x03\x04\x05\x06\a\b\t\n\v\f\r\x0e\x10\x15\x17\x19"
)

// otherKeys are those that readline knows by another name: words with Ctrl and
// an arrow, and Alt with the backspace key.
var otherKeys = map[string]string{
	"\x1b[1;5C": "\x1b[1;3C", "\x1b[1;5D": "\x1b[1;3D", "\x1b\x7f": "\x17", "\x1b\b": "\x17",
}

func (k *keys) Write(b []byte) (int, error) {
	if string(b) == askCursor {
		k.asked = true
		return len(b), nil
	}
	return k.out.Write(b)
}

func (k *keys) Read(b []byte) (int, error) {
	if k.asked {
		k.asked = false
		return copy(b, cursorAtStart), nil
	}
	for {
		if key, err := k.next(); key != "" || err != nil {
			return copy(b, key), err
		}
	}
}

// next reads a key; "" is one that is for nothing here.
func (k *keys) next() (string, error) {
	r, _, err := k.in.ReadRune()
	after := k.returned
	k.returned = r == '\r'
	switch {
	case err != nil || r == '\n' && after:
		return "", err
	case r == escape:
		return k.sequence()
	case k.pasting && r != '\r' && r != '\n', isText(r) && k.in.Buffered() >= atOnce:
		_ = k.in.UnreadRune()
		k.pasted = k.text()
		return insertKeys, nil
	}
	return string(r), nil
}

// text reads what comes at once, or is pasted, up to the end of its line.
func (k *keys) text() (text []rune) {
	for k.pasting || k.in.Buffered() > 0 {
		r, _, err := k.in.ReadRune()
		switch {
		case err != nil:
			return text // and the next read gives it again
		case r == '\r' || r == '\n' || r == escape, !k.pasting && (r < ' ' || r == erase):
			_ = k.in.UnreadRune()
			return text
		}
		if isText(r) {
			text = append(text, r)
		}
	}
	return text
}

// sequence reads what a key sends after Escape (ECMA-48, 5.4): a character, or
// parameters and a last one. Escape alone, or what breaks off, is for nothing.
func (k *keys) sequence() (string, error) {
	text := string(escape)
	for last := false; !last; {
		c, err := k.in.ReadByte()
		if err != nil {
			return "", err
		}
		if c < ' ' && c != '\b' {
			return "", k.in.UnreadByte()
		}
		text += string(rune(c))
		last = len(text) > 2 && c >= '@' || len(text) == 2 && c != '[' && c != 'O'
	}
	switch {
	case text == pasteStart || text == pasteEnd:
		k.pasting = text == pasteStart
		return "", nil
	case k.pasting || strings.Trim(text[2:max(2, len(text)-1)], "0123456789;") != "":
		return "", nil // readline would take the rest of it for text
	case otherKeys[text] != "":
		return otherKeys[text], nil
	}
	return text, nil
}

// insert is readline's Listener: it puts into the line what came at once.
func (k *keys) insert(line []rune, pos int, key rune) ([]rune, int, bool) {
	if key != readline.MetaShiftTab || k.pasted == nil {
		return nil, 0, false
	}
	text := k.pasted
	k.pasted = nil
	return slices.Insert(line, pos, text...), pos + len(text), true
}

// isKey is readline's FuncFilterInputRune: it drops keys that do nothing here,
// which would reach the screen as they are.
func isKey(r rune) (rune, bool) {
	numbered := r < 0 // by readline, as the arrows
	return r, numbered || r == erase || isText(r) || strings.ContainsRune(editKeys, r)
}

// isText tells whether r may be in a line.
func isText(r rune) bool { return r == '\t' || !unicode.IsControl(r) && r != utf8.RuneError }
