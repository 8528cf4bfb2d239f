package vm

import (
	"fmt"
	"time"
)

// composed are conversions that stand for others, in the C locale.
var composed = map[byte]string{
	'c': "%a %b %e %H:%M:%S %Y", 'D': "%m/%d/%y", 'F': "%Y-%m-%d", 'r': "%I:%M:%S %p",
	'R': "%H:%M", 'T': "%H:%M:%S", 'x': "%m/%d/%y", 'X': "%H:%M:%S", 'h': "%b",
	'n': "\n", 't': "\t", '%': "%",
}

// layouts are conversions that time.Format knows.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'H': "15", 'I': "03",
	'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'y': "06", 'z': "-0700", 'Z': "MST", 'j': "002", 'e': "_2",
}

// strftime appends t as C's strftime does in the C locale. bad is a conversion
// that it does not know.
func strftime(dst []byte, format string, t time.Time) (text []byte, bad string) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			dst = append(dst, format[i])
			continue
		}
		if i++; i == len(format) {
			return dst, "%"
		}
		c := format[i]
		switch {
		case c == '%' || c == 'n' || c == 't':
			dst = append(dst, composed[c]...)
		case composed[c] != "":
			dst, _ = strftime(dst, composed[c], t)
		case layouts[c] != "":
			dst = t.AppendFormat(dst, layouts[c])
		default:
			if dst, bad = appendComputed(dst, c, t); bad != "" {
				return dst, bad
			}
		}
	}
	return dst, ""
}

// appendComputed appends the conversions that Go has no layout for.
func appendComputed(dst []byte, c byte, t time.Time) ([]byte, string) {
	isoYear, isoWeek := t.ISOWeek()
	weekday := int(t.Weekday())
	switch c {
	case 'C':
		return fmt.Appendf(dst, "%02d", t.Year()/100), ""
	case 'g':
		return fmt.Appendf(dst, "%02d", isoYear%100), ""
	case 'G':
		return fmt.Append(dst, isoYear), ""
	case 's':
		return fmt.Append(dst, t.Unix()), ""
	case 'u':
		return fmt.Append(dst, (weekday+6)%7+1), ""
	case 'U': // weeks start on Sunday
		return fmt.Appendf(dst, "%02d", (t.YearDay()+6-weekday)/7), ""
	case 'V':
		return fmt.Appendf(dst, "%02d", isoWeek), ""
	case 'w':
		return fmt.Append(dst, weekday), ""
	case 'W': // weeks start on Monday
		return fmt.Appendf(dst, "%02d", (t.YearDay()+6-(weekday+6)%7)/7), ""
	case 'Y':
		return fmt.Append(dst, t.Year()), ""
	}
	return dst, "%" + string(rune(c))
}
