package main

import (
	"cmp"
	"unicode/utf8"
)

// key is a character, or one of those below.
type key rune

const (
	keyNone key = -1 - iota
	keyUp
	keyDown
	keyLeft
	keyRight
	keyWordLeft
	keyWordRight
	keyHome
	keyEnd
	keyDelete
	keyDeleteWord
	keyPaste  // what follows is pasted,
	keyPasted // up to here

	keyEscape = '\x1b'
	keyDEL    = '\x7f' // what the backspace key sends
)

// ctrl is the key of a letter with Ctrl.
func ctrl(letter key) key { return letter - '@' }

// sequences are the keys that a terminal sends as ESC [ ..., or some as ESC O ...
// (xterm's ctlseqs, PC-style function keys; "1~", "4~", "7~" and "8~" are those of
// other terminals).
var sequences = map[string]key{
	"A": keyUp, "B": keyDown, "C": keyRight, "D": keyLeft, "H": keyHome, "F": keyEnd,
	"1~": keyHome, "7~": keyHome, "4~": keyEnd, "8~": keyEnd, "3~": keyDelete,
	"1;3C": keyWordRight, "1;5C": keyWordRight, "1;3D": keyWordLeft, "1;5D": keyWordLeft,
	"200~": keyPaste, "201~": keyPasted,
}

// metaKeys are those that are sent as ESC and a character.
var metaKeys = map[rune]key{'b': keyWordLeft, 'f': keyWordRight, keyDEL: keyDeleteWord, '\b': keyDeleteWord}

// key reads the next key; keyNone is one that is for nothing here.
func (e *editor) key() (key, error) {
	r, err := e.rune()
	if err != nil || r != keyEscape || e.pasting && !e.pasteEnds() {
		return key(r), err
	}
	switch r, err = e.rune(); {
	case err != nil:
		return keyNone, err
	case r == '[' || r == 'O':
		return e.sequence()
	case metaKeys[r] != 0:
		return metaKeys[r], nil
	case r < ' ':
		return key(r), nil // Escape alone, and then this one
	}
	return keyNone, nil
}

// pasteEnds tells whether an ESC in what is pasted is that of its end.
func (e *editor) pasteEnds() bool {
	const end = "[201~"
	next, err := e.in.Peek(len(end))
	return err == nil && string(next) == end
}

// sequence reads the rest of a control sequence (ECMA-48, 5.4): parameters, and
// a last character.
func (e *editor) sequence() (key, error) {
	const most = 16 // characters: what is longer is none of ours
	var text []rune
	for {
		r, err := e.rune()
		switch {
		case err != nil:
			return keyNone, err
		case r < ' ' || r > '~':
			return key(r), nil // it is broken off
		}
		if len(text) < most {
			text = append(text, r)
		}
		if r >= '@' {
			return cmp.Or(sequences[string(text)], keyNone), nil
		}
	}
}

// rune reads a character; bytes that are none are dropped.
func (e *editor) rune() (rune, error) {
	for {
		r, size, err := e.in.ReadRune()
		if err != nil || r != utf8.RuneError || size > 1 {
			return r, err
		}
	}
}
