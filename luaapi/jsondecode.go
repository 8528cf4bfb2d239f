package luaapi

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

const (
	jsonMaxBytes = 8 << 20 // of a text to decode or an encoding to make
	jsonMaxDepth = 64
	// jsonMaxCost bounds what the values take: records as they usually are, in the
	// longest text, take 200 MB, and a text of nothing but brackets a gigabyte.
	jsonMaxCost = 256 << 20
)

// What values take in bytes, about: those made here, and Lua's of them.
const (
	jsonValueCost  = 40  // where it is held
	jsonTableCost  = 120 // a list or an object
	jsonFieldsCost = 480 // that an object has any
	jsonFieldCost  = 120
)

// A decoded value is nil, a bool, a float64, a string, a jsonArray or a
// *jsonObject: plain Go data, so that decoding needs no baton.
type jsonArray []any

// jsonObject keeps its keys in the order of the text, so that pairs() shows
// them so.
type jsonObject struct {
	keys   []string
	values []any
}

// decodeJSON reads one JSON text (RFC 8259) and nothing after it. Invalid
// UTF-8 becomes U+FFFD, lone surrogates too; of equal keys the last wins.
func decodeJSON(text string) (any, error) {
	if len(text) > jsonMaxBytes {
		return nil, fmt.Errorf("the text has %d bytes, more than %d", len(text), jsonMaxBytes)
	}
	d := jsonDecoder{text: text}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.at < len(text) {
		return nil, d.errorf("something follows the value")
	}
	return v, nil
}

type jsonDecoder struct {
	text string
	at   int
	cost int
}

func (d *jsonDecoder) errorf(format string, args ...any) error {
	at := min(d.at, len(d.text))
	line := strings.Count(d.text[:at], "\n") + 1
	column := at - strings.LastIndexByte(d.text[:at], '\n')
	return fmt.Errorf("line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

// quoted quotes the start of a text for an error: what a page sends may have
// megabytes.
func quoted(text string) string {
	const most = 100 // bytes
	if len(text) <= most {
		return strconv.Quote(text)
	}
	return strconv.Quote(strings.ToValidUTF8(text[:most], "")) + "..."
}

func (d *jsonDecoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return
		}
	}
}

// peek gives the next byte after white space, 0 at the end.
func (d *jsonDecoder) peek() byte {
	d.space()
	if d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if d.cost += jsonValueCost; d.cost > jsonMaxCost {
		return nil, d.errorf("its values take more than %d MB of memory", jsonMaxCost>>20)
	}
	switch c := d.peek(); {
	case depth > jsonMaxDepth && (c == '{' || c == '['):
		return nil, d.errorf("nested deeper than %d", jsonMaxDepth)
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		return d.string()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == 0 && d.at >= len(d.text):
		return nil, d.errorf("the text ends too early")
	}
	for _, word := range jsonWords {
		if strings.HasPrefix(d.text[d.at:], word.text) {
			d.at += len(word.text)
			return word.value, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(d.text[d.at:])
	return nil, d.errorf("want a value, got %q", r)
}

var jsonWords = [...]struct {
	text  string
	value any
}{{"true", true}, {"false", false}, {"null", nil}}

func (d *jsonDecoder) object(depth int) (any, error) {
	d.at++ // {
	d.cost += jsonTableCost
	object := &jsonObject{}
	if d.peek() == '}' {
		d.at++
		return object, nil
	}
	d.cost += jsonFieldsCost
	for {
		d.cost += jsonFieldCost
		if c := d.peek(); c != '"' {
			return nil, d.errorf("want a key in quotes")
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		if d.peek() != ':' {
			return nil, d.errorf("want \":\" after the key %s", quoted(key))
		}
		d.at++
		value, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		object.keys, object.values = append(object.keys, key), append(object.values, value)
		switch d.peek() {
		case ',':
			d.at++
		case '}':
			d.at++
			return object, nil
		default:
			return nil, d.errorf("want \",\" or \"}\"")
		}
	}
}

func (d *jsonDecoder) array(depth int) (any, error) {
	d.at++ // [
	d.cost += jsonTableCost
	array := jsonArray{}
	if d.peek() == ']' {
		d.at++
		return array, nil
	}
	for {
		value, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if array = append(array, value); len(array) >= lua.MaxArrayIndex { // # would not tell its length
			return nil, d.errorf("a list of more than %d elements", lua.MaxArrayIndex-1)
		}
		switch d.peek() {
		case ',':
			d.at++
		case ']':
			d.at++
			return array, nil
		default:
			return nil, d.errorf("want \",\" or \"]\"")
		}
	}
}

func (d *jsonDecoder) number() (any, error) {
	start := d.at
	if d.text[d.at] == '-' {
		d.at++
	}
	whole := d.digits()
	ok := whole == 1 || whole > 1 && d.text[d.at-whole] != '0'
	if d.at < len(d.text) && d.text[d.at] == '.' {
		d.at++
		ok = d.digits() > 0 && ok
	}
	if d.at < len(d.text) && (d.text[d.at] == 'e' || d.text[d.at] == 'E') {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '+' || d.text[d.at] == '-') {
			d.at++
		}
		ok = d.digits() > 0 && ok
	}
	text := d.text[start:d.at]
	n, err := strconv.ParseFloat(text, 64)
	if !ok {
		d.at = start
		return nil, d.errorf("want a number as JSON has it, got %s", quoted(text))
	}
	if err != nil {
		d.at = start
		return nil, d.errorf("the number %s is too large", quoted(text))
	}
	return n, nil
}

func (d *jsonDecoder) digits() int {
	start := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - start
}

func (d *jsonDecoder) string() (string, error) {
	d.at++ // "
	start := d.at
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			text := d.text[start:d.at]
			d.at++
			return strings.ToValidUTF8(text, "\uFFFD"), nil
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			return "", d.errorf("a control character in a string")
		}
		d.at++
	}
	return "", d.errorf("a string without end")
}

// escaped reads on at the first backslash of a string that began at start.
func (d *jsonDecoder) escaped(start int) (string, error) {
	text := []byte(d.text[start:d.at])
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return strings.ToValidUTF8(string(text), "\uFFFD"), nil
		case c < 0x20:
			return "", d.errorf("a control character in a string")
		case c != '\\':
			text = append(text, c)
			d.at++
		default:
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		}
	}
	return "", d.errorf("a string without end")
}

const jsonEscapes = `"\/bfnrt`

func (d *jsonDecoder) escape() (rune, error) {
	d.at++ // backslash
	if d.at >= len(d.text) {
		return 0, d.errorf("a string without end")
	}
	c := d.text[d.at]
	if i := strings.IndexByte(jsonEscapes, c); i >= 0 {
		d.at++
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, d.errorf("no such escape as \\%c", c)
	}
	d.at++
	first, ok := d.hex()
	if !ok {
		return 0, d.errorf("want four hexadecimal digits after \\u")
	}
	if utf16.IsSurrogate(first) && strings.HasPrefix(d.text[d.at:], `\u`) {
		back := d.at
		d.at += 2
		if second, ok := d.hex(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, nil
			}
		}
		d.at = back
	}
	return first, nil // a lone surrogate: AppendRune writes U+FFFD
}

func (d *jsonDecoder) hex() (rune, bool) {
	if d.at+4 > len(d.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[d.at:d.at+4], 16, 32)
	if err != nil {
		return 0, false
	}
	d.at += 4
	return rune(n), true
}
