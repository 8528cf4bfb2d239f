package pattern

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	maxCaptures = 32
	// maxItems bounds what a pattern may ask for, and with it how deep matching
	// nests: once for each quantifier.
	maxItems   = 1000
	maxChoices = 200
)

type op uint8

const (
	opAccept   op = iota // all matched
	opLiteral            // text
	opOne                // a byte of set
	opStar               // as many as there are
	opPlus               // the same, at least one
	opLazy               // as few as will do
	opOptional           // one or none
	opOpen               // start of capture n
	opClose              // end of capture n
	opPosition           // capture n is the position
	opBack               // what capture n was
	opBalance            // from open to the shut that balances it
	opFrontier           // between a byte not in set and one in it
	opEnd                // the end of the subject
)

type item struct {
	op         op
	possessive bool // a quantifier that never has to give back
	only       bool // set is {c}
	except     bool // set is all but c
	any        bool // set is all
	c          byte
	n          int
	text       string
	set        *set
	open, shut byte
	choice     int   // number among the quantifiers
	next       first // what the rest of the pattern can start with
}

// first is what a match of some items can start with.
type first struct {
	set *set // nil = anything, or nothing at all
	end bool // it can match at the end of the subject
}

// Pattern is a compiled pattern. It is immutable.
type Pattern struct {
	items    []item
	anchored bool
	captures int
	choices  int
	back     bool   // has back references
	prefix   string // what every match starts with
	literal  bool   // prefix is the whole pattern
	start    first
}

// Captures is the number of captures.
func (p *Pattern) Captures() int { return p.captures }

// Anchored tells whether the pattern starts with ^.
func (p *Pattern) Anchored() bool { return p.anchored }

// Compile compiles a pattern.
func Compile(text string) (*Pattern, error) {
	if strings.HasPrefix(text, "^") {
		p, err := CompileUnanchored(text[1:])
		if p != nil {
			p.anchored = true
		}
		return p, err
	}
	return CompileUnanchored(text)
}

// CompileUnanchored compiles a pattern in which a ^ at the start stands for
// itself, as in gmatch.
func CompileUnanchored(text string) (*Pattern, error) {
	c := compiler{text: text, Pattern: &Pattern{}}
	if err := c.compile(); err != nil {
		return nil, err
	}
	c.link()
	return c.Pattern, nil
}

type compiler struct {
	*Pattern
	text string
	i    int
	open []int // captures not yet closed

	plain []byte // the literal before the next item
}

// add appends an item, and before it the literal that it ends.
func (c *compiler) add(it item) {
	if len(c.plain) > 0 {
		c.items = append(c.items, item{op: opLiteral, text: string(c.plain), c: c.plain[0]})
		c.plain = c.plain[:0]
	}
	c.items = append(c.items, it)
}

func (c *compiler) compile() error {
	for c.i < len(c.text) {
		if err := c.item(); err != nil {
			return err
		}
		if len(c.items) > maxItems || c.choices > maxChoices {
			return errors.New("pattern too complex")
		}
	}
	if len(c.open) > 0 {
		return errors.New("unfinished capture")
	}
	c.add(item{op: opAccept})
	return nil
}

// item compiles what starts at c.i.
func (c *compiler) item() error {
	rest := c.text[c.i:]
	switch {
	case rest == "$":
		c.i++
		c.add(item{op: opEnd})
		return nil
	case rest[0] == '(':
		return c.startCapture()
	case rest[0] == ')':
		return c.endCapture()
	case rest == "%":
		return errors.New("malformed pattern (ends with '%')")
	case strings.HasPrefix(rest, "%b"):
		return c.balance()
	case strings.HasPrefix(rest, "%f"):
		return c.frontier()
	case rest[0] == '%' && isDigit(rest[1]):
		return c.back(rest[1])
	}
	return c.single()
}

func (c *compiler) startCapture() error {
	if c.captures == maxCaptures {
		return errors.New("too many captures")
	}
	n := c.captures
	c.captures++
	c.i++
	if strings.HasPrefix(c.text[c.i:], ")") {
		c.i++
		c.add(item{op: opPosition, n: n})
		return nil
	}
	c.open = append(c.open, n)
	c.add(item{op: opOpen, n: n})
	return nil
}

func (c *compiler) endCapture() error {
	if len(c.open) == 0 {
		return errors.New("invalid pattern capture")
	}
	c.i++
	c.add(item{op: opClose, n: c.open[len(c.open)-1]})
	c.open = c.open[:len(c.open)-1]
	return nil
}

func (c *compiler) balance() error {
	if c.i+4 > len(c.text) {
		return errors.New("unbalanced pattern (%b needs two characters)")
	}
	c.add(item{op: opBalance, open: c.text[c.i+2], shut: c.text[c.i+3]})
	c.i += 4
	return nil
}

func (c *compiler) frontier() error {
	c.i += 2
	if c.i == len(c.text) || c.text[c.i] != '[' {
		return errors.New("missing '[' after '%f' in pattern")
	}
	s, err := c.bracket()
	c.add(item{op: opFrontier, set: s})
	return err
}

func (c *compiler) back(digit byte) error {
	n := int(digit) - '1'
	if n < 0 || n >= c.captures || slices.Contains(c.open, n) {
		return fmt.Errorf("invalid capture index %%%c", digit)
	}
	c.i += 2
	c.Pattern.back = true
	c.add(item{op: opBack, n: n})
	return nil
}

// single compiles a class and its quantifier.
func (c *compiler) single() error {
	it := item{op: opOne}
	switch b := c.text[c.i]; b {
	case '[':
		s, err := c.bracket()
		if err != nil {
			return err
		}
		it.consists(s)
	case '%':
		it.consists(class(c.text[c.i+1]))
		c.i += 2
	case '.':
		s := &set{}
		s.invert()
		it.consists(s)
		c.i++
	default: // most bytes of most patterns, so not counted
		it.set, it.only, it.c = single(b), true, b
		c.i++
	}
	if c.i < len(c.text) {
		if q := quantifier(c.text[c.i]); q != opOne {
			c.i++
			it.op, it.choice = q, c.choices
			c.choices++
		}
	}
	if it.op == opOne && it.only {
		c.plain = append(c.plain, it.c)
	} else {
		c.add(it)
	}
	return nil
}

// consists gives the item its set.
func (it *item) consists(s *set) {
	n, member := s.size()
	it.set, it.only, it.c, it.any, it.except = s, n == 1, member, n == 256, n == 255
	if it.except {
		it.c = byte(slices.Index(s[:], false))
	}
}

func quantifier(c byte) op {
	switch c {
	case '*':
		return opStar
	case '+':
		return opPlus
	case '-':
		return opLazy
	case '?':
		return opOptional
	}
	return opOne
}

// bracket compiles a set in brackets. As in Lua, a ] that comes first stands for
// itself, and so does a - that no range can be made of.
func (c *compiler) bracket() (*set, error) {
	t := c.text
	i := c.i + 1
	inverted := i < len(t) && t[i] == '^'
	if inverted {
		i++
	}
	end := i
	for first := true; first || end >= len(t) || t[end] != ']'; first = false {
		if end >= len(t) {
			return nil, errors.New("malformed pattern (missing ']')")
		}
		if t[end] == '%' {
			end++
		}
		end++
	}
	s := &set{}
	for i < end {
		switch {
		case t[i] == '%':
			s.add(class(t[i+1]))
			i += 2
		case i+2 < end && t[i+1] == '-':
			for b := int(t[i]); b <= int(t[i+2]); b++ {
				s[b] = true
			}
			i += 3
		default:
			s[t[i]] = true
			i++
		}
	}
	if inverted {
		s.invert()
	}
	c.i = end + 1
	return s, nil
}

// link works out, from the last item to the first, what can follow each.
func (c *compiler) link() {
	f := first{end: true} // after the last item anything may come
	for i := len(c.items) - 1; i >= 0; i-- {
		it := &c.items[i]
		it.next = f
		switch it.op {
		case opStar, opPlus, opLazy, opOptional:
			it.possessive = it.op != opOptional && f.set != nil && !f.set.overlaps(it.set)
		}
		f = it.first(f)
	}
	c.start = f
	if len(c.items) > 1 && c.items[0].op == opLiteral {
		c.prefix = c.items[0].text
		c.literal = len(c.items) == 2
	}
}

// first is what the item and the rest, which starts with next, can start with.
func (it *item) first(next first) first {
	switch it.op {
	case opAccept, opBack:
		return first{end: true}
	case opLiteral:
		return first{set: single(it.c)}
	case opOne, opPlus:
		return first{set: it.set}
	case opStar, opLazy, opOptional:
		if next.set == nil {
			return next
		}
		both := *it.set
		both.add(next.set)
		return first{set: &both, end: next.end}
	case opBalance:
		return first{set: single(it.open)}
	case opEnd:
		return first{set: &set{}, end: true}
	}
	return next
}
