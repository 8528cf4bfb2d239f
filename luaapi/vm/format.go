package vm

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// spec is one conversion of a format: %[flags][width][.precision]verb.
type spec struct {
	minus, plus, space, sharp, zero bool
	width                           int
	precision                       int // -1 = not given
	verb                            byte
}

// stringFormat is string.format, with C's conversions. %s takes any value.
func stringFormat(L *lua.LState) int {
	format := checkString(L, 1)
	r := runOf(L)
	out := make([]byte, 0, len(format)+16)
	arg := 1
	for i := 0; i < len(format); {
		if format[i] != '%' {
			next := strings.IndexByte(format[i:], '%')
			if next < 0 {
				next = len(format) - i
			}
			out = append(out, format[i:i+next]...)
			i += next
			r.charge(next / bytesPerStep)
			continue
		}
		if i+1 < len(format) && format[i+1] == '%' {
			out = append(out, '%')
			i += 2
			continue
		}
		s, n := parseSpec(L, format[i+1:])
		i += 1 + n
		arg++
		before := len(out)
		out = s.append(L, out, arg)
		r.charge(1 + (len(out)-before)/bytesPerStep)
		checkSize(L, len(out))
	}
	L.Push(lua.LString(out))
	return 1
}

// parseSpec reads a conversion and gives its length.
func parseSpec(L *lua.LState, text string) (s spec, n int) {
	s.precision = -1
flags:
	for ; n < len(text); n++ {
		switch text[n] {
		case '-':
			s.minus = true
		case '+':
			s.plus = true
		case ' ':
			s.space = true
		case '#':
			s.sharp = true
		case '0':
			s.zero = true
		default:
			break flags
		}
		if n == 5 {
			L.RaiseError("invalid format (repeated flags)")
		}
	}
	s.width, n = twoDigits(text, n)
	if n < len(text) && text[n] == '.' {
		s.precision, n = twoDigits(text, n+1)
	}
	if n == len(text) || text[n] >= '0' && text[n] <= '9' {
		L.RaiseError("invalid format (width or precision too long, or no conversion after '%c')", '%')
	}
	s.verb = text[n]
	return s, n + 1
}

func twoDigits(text string, n int) (value, after int) {
	for end := n + 2; n < len(text) && n < end && text[n] >= '0' && text[n] <= '9'; n++ {
		value = value*10 + int(text[n]-'0')
	}
	return value, n
}

// append formats argument number arg.
func (s spec) append(L *lua.LState, out []byte, arg int) []byte {
	switch s.verb {
	case 'd', 'i':
		return s.appendInt(L, out, arg)
	case 'u', 'o', 'x', 'X':
		return s.appendUnsigned(L, out, arg)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return s.appendFloat(out, checkNumber(L, arg))
	case 'c':
		s.zero = false
		return s.pad(out, []byte{byte(checkInt(L, arg))}, 0)
	case 's':
		return s.appendString(L, out, arg)
	case 'q':
		return appendQuoted(L, out, checkString(L, arg))
	}
	L.RaiseError("invalid option '%%%c' to 'format'", s.verb)
	return out
}

func (s spec) appendString(L *lua.LState, out []byte, arg int) []byte {
	text := toString(L, checkAny(L, arg))
	if s.precision >= 0 {
		text = text[:min(len(text), s.precision)]
	}
	if s.width == 0 {
		return append(out, text...)
	}
	s.zero = false
	return s.pad(out, []byte(text), 0)
}

// checkInteger is a number that is below limit, and one of 64 bits.
func checkInteger(L *lua.LState, n int, limit float64) uint64 {
	f := checkNumber(L, n)
	switch {
	case !(f >= -1<<63 && f < limit):
		argError(L, n, "number has no integer representation")
	case f < 0:
		return uint64(int64(f))
	}
	return uint64(f)
}

func (s spec) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case s.plus:
		return "+"
	case s.space:
		return " "
	}
	return ""
}

func (s spec) appendInt(L *lua.LState, out []byte, arg int) []byte {
	n := int64(checkInteger(L, arg, 1<<63))
	if s == (spec{precision: -1, verb: s.verb}) {
		return strconv.AppendInt(out, n, 10)
	}
	sign := s.sign(n < 0)
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	return s.appendDigits(out, sign, strconv.FormatUint(magnitude, 10))
}

func (s spec) appendUnsigned(L *lua.LState, out []byte, arg int) []byte {
	n := checkInteger(L, arg, 1<<64)
	switch s.verb {
	case 'u':
		return s.appendDigits(out, "", strconv.FormatUint(n, 10))
	case 'o':
		digits := strconv.FormatUint(n, 8)
		if s.sharp && n != 0 {
			digits = "0" + digits
		}
		return s.appendDigits(out, "", digits)
	}
	prefix, digits := "", strconv.FormatUint(n, 16)
	if s.sharp && n != 0 {
		prefix = "0x"
	}
	if s.verb == 'X' {
		prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
	}
	return s.appendDigits(out, prefix, digits)
}

// appendDigits adds an integer: a precision is its least number of digits, and
// makes the flag 0 mean nothing.
func (s spec) appendDigits(out []byte, sign, digits string) []byte {
	if s.precision >= 0 {
		s.zero = false
		if missing := s.precision - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		if s.precision == 0 && digits == "0" && !(s.sharp && s.verb == 'o') {
			digits = ""
		}
	}
	return s.pad(out, []byte(sign+digits), len(sign))
}

func (s spec) appendFloat(out []byte, f float64) []byte {
	sign := s.sign(math.Signbit(f) && f == f)
	f = math.Abs(f)
	var buf [64]byte
	body := append(buf[:0], sign...)
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	switch {
	case math.IsInf(f, 0):
		body, s.zero, s.sharp = append(body, "inf"...), false, false
	case f != f:
		body, s.zero, s.sharp = append(body, "nan"...), false, false
	case s.verb|0x20 == 'f':
		body = strconv.AppendFloat(body, f, 'f', precision, 64)
	case s.verb|0x20 == 'e':
		body = strconv.AppendFloat(body, f, 'e', precision, 64)
	default:
		body = appendG(body, f, precision, s.sharp)
	}
	if s.sharp && !bytes.Contains(body, []byte(".")) {
		end := bytes.IndexByte(body, 'e')
		if end < 0 {
			end = len(body)
		}
		body = slices.Insert(body, end, '.')
	}
	if s.verb < 'a' {
		body = []byte(strings.ToUpper(string(body)))
	}
	return s.pad(out, body, len(sign))
}

// pad adds text at the width asked for; zeros go after the first signed bytes.
func (s spec) pad(out, text []byte, signed int) []byte {
	missing := s.width - len(text)
	if missing <= 0 {
		return append(out, text...)
	}
	switch {
	case s.minus:
		out = append(out, text...)
		return appendTimes(out, ' ', missing)
	case s.zero:
		out = append(out, text[:signed]...)
		out = appendTimes(out, '0', missing)
		return append(out, text[signed:]...)
	}
	return append(appendTimes(out, ' ', missing), text...)
}

func appendTimes(out []byte, c byte, n int) []byte {
	for range n {
		out = append(out, c)
	}
	return out
}

const quotesPerStep = 8 // bytes: each is looked at

// appendQuoted adds text as a Lua string literal.
func appendQuoted(L *lua.LState, out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		if i%stride == stride-1 {
			runOf(L).charge(stride / quotesPerStep)
			checkSize(L, len(out))
		}
		switch c := text[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, '\\', 'r')
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
