package pattern

// set is a set of bytes.
type set [256]bool

func (s *set) add(t *set) {
	for c, in := range t {
		s[c] = s[c] || in
	}
}

func (s *set) invert() {
	for c := range s {
		s[c] = !s[c]
	}
}

func (s *set) overlaps(t *set) bool {
	for c, in := range s {
		if in && t[c] {
			return true
		}
	}
	return false
}

// size counts the members and gives one of them.
func (s *set) size() (n int, member byte) {
	for c, in := range s {
		if in {
			n++
			member = byte(c)
		}
	}
	return n, member
}

// single is {c}, which is not to be changed.
func single(c byte) *set { return &singles[c] }

// class is what %c stands for, which is not to be changed: a class of the C locale,
// or c itself.
func class(c byte) *set {
	if s := classes[c]; s != nil {
		return s
	}
	return single(c)
}

var singles = func() (sets [256]set) {
	for c := range sets {
		sets[c][c] = true
	}
	return sets
}()

var classes = func() (sets [256]*set) {
	for c, belongs := range members {
		in, out := &set{}, &set{}
		for b := range in {
			in[b], out[b] = belongs(byte(b)), !belongs(byte(b))
		}
		sets[c], sets[c-0x20] = in, out
	}
	return sets
}()

// members tells what is in a class; its capital stands for the rest.
var members = map[byte]func(c byte) bool{
	'a': isAlpha,
	'c': func(c byte) bool { return c < ' ' || c == 0x7f },
	'd': isDigit,
	'g': func(c byte) bool { return c > ' ' && c < 0x7f },
	'l': isLower,
	'p': func(c byte) bool { return c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	's': func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	'u': isUpper,
	'w': func(c byte) bool { return isAlpha(c) || isDigit(c) },
	'x': func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' },
	'z': func(c byte) bool { return c == 0 },
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isAlpha(c byte) bool { return isLower(c) || isUpper(c) }
