package vm

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// FormatNumber is a number as Lua prints it: 14 significant digits, but whole
// numbers up to 2^53 in full, and minus zero as zero: -4 % 2 is minus zero in
// gopher-lua.
func FormatNumber(f float64) string {
	var buf [32]byte
	return string(appendNumber(buf[:0], f))
}

func appendNumber(dst []byte, f float64) []byte {
	switch {
	case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		return strconv.AppendInt(dst, int64(f), 10)
	case f != f:
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 14, 64) // as C's %.14g
}

// appendG is C's %.<precision>g, or with zeros %#.<precision>g but for its point.
func appendG(dst []byte, f float64, precision int, zeros bool) []byte {
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', max(precision-1, 0), 64)
	e := from + strings.IndexByte(string(dst[from:]), 'e')
	exponent, _ := strconv.Atoi(string(dst[e+1:]))
	if exponent >= -4 && exponent < max(precision, 1) {
		dst = strconv.AppendFloat(dst[:from], f, 'f', max(precision, 1)-1-exponent, 64)
		e = len(dst)
	}
	if zeros {
		return dst
	}
	return trimZeros(dst, from, e)
}

// trimZeros takes the zeros at the end of a fraction out, and a bare point.
func trimZeros(dst []byte, from, end int) []byte {
	if !strings.Contains(string(dst[from:end]), ".") {
		return dst
	}
	keep := end
	for dst[keep-1] == '0' {
		keep--
	}
	if dst[keep-1] == '.' {
		keep--
	}
	return append(dst[:keep], dst[end:]...)
}

// maxNumeral is the longest text that is taken for a number.
const maxNumeral = 1000

// parseNumber reads a decimal or hexadecimal number with blanks around it, as
// tonumber does.
func parseNumber(s string) (float64, bool) {
	if len(s) > maxNumeral {
		return 0, false
	}
	if s != "" && (s[0] <= ' ' || s[len(s)-1] <= ' ') {
		s = strings.Trim(s, " \t\n\v\f\r")
	}
	digits := s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		if strings.Trim(digits[2:], "0123456789abcdefABCDEF") != "" {
			return 0, false
		}
		s += "p0" // which Go wants to see
	} else if !decimal(digits) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// decimal tells whether s has nothing that Go takes for a number besides, such as
// inf, nan, 1_000, or 0x1p4.
func decimal(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '.' && c|0x20 != 'e' && c != '+' && c != '-' {
			return false
		}
	}
	return true
}

// numeral gives a numeral of a program in a form that gopher-lua takes for the
// same number: to it, 0010 is 8, 1e400 is nan, and so is 0x10000000000000000.
func numeral(s string) string {
	if f, ok := parseNumber(s); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return s
}

// baseToNumber is tonumber(v [, base]).
func baseToNumber(L *lua.LState) int {
	base := optInt(L, 2, 10)
	if base != 10 {
		return toNumberBase(L, base)
	}
	switch v := checkAny(L, 1).(type) {
	case lua.LNumber:
		L.Push(v)
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			L.Push(lua.LNumber(f))
		} else {
			L.Push(lua.LNil)
		}
	default:
		L.Push(lua.LNil)
	}
	return 1
}

func toNumberBase(L *lua.LState, base int) int {
	s := checkString(L, 1)
	if base < 2 || base > 36 {
		argError(L, 2, "base out of range")
	}
	if len(s) > maxNumeral {
		L.Push(lua.LNil)
		return 1
	}
	sign, digits := "+", strings.ToLower(strings.Trim(s, " \t\n\v\f\r"))
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	if base == 16 {
		digits = strings.TrimPrefix(digits, "0x")
	}
	if n, ok := new(big.Int).SetString(sign+digits, base); ok {
		f, _ := n.Float64()
		L.Push(lua.LNumber(f))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}
