package pattern

import "strings"

// Charger is asked to account for work. It may stop the match by panicking.
type Charger interface{ Charge(steps int) }

const (
	chunk    = 512       // steps from one call of the Charger to the next
	bytesRun = 16        // bytes that a fast search covers in one step
	stride   = 1<<16 - 1 // bytes that a search covers before it accounts for them
	maxNotes = 64 << 20  // bits of notes that a match may take
)

// Matcher matches one pattern against one subject, as often as needed.
type Matcher struct {
	p       *Pattern
	s       string
	charger Charger
	left    int      // steps to the next call of the Charger
	patient int      // steps until notes are worth their memory
	notes   []uint64 // bit choice*(len(s)+1)+position: known to fail
	start   int
	end     int
	from    [maxCaptures]int32
	to      [maxCaptures]int32 // -1 for a position capture
}

// Matcher prepares to match p against s, which must be shorter than 2 GB.
func (p *Pattern) Matcher(s string, charger Charger) Matcher {
	return Matcher{p: p, s: s, charger: charger, left: chunk, patient: 4*len(s) + 4096}
}

// Find looks for the first match that starts at or after from (0 for the first
// byte), or exactly there for an anchored pattern.
func (m *Matcher) Find(from int) bool {
	p, s := m.p, m.s
	if from > len(s) {
		return false
	}
	if p.anchored {
		return m.At(from)
	}
	if p.literal {
		return m.findLiteral(from)
	}
	for ; from <= len(s); from++ {
		if from = m.candidate(from); from < 0 {
			return false
		}
		if m.At(from) {
			return true
		}
	}
	return false
}

func (m *Matcher) findLiteral(from int) bool {
	at := m.index(from, m.p.prefix)
	m.start, m.end = at, at+len(m.p.prefix)
	return at >= 0
}

// index is strings.Index, charged as it goes along.
func (m *Matcher) index(from int, text string) int {
	for {
		upto := min(from+stride+len(text), len(m.s))
		m.spend((upto-from)/bytesRun + 1)
		if i := strings.Index(m.s[from:upto], text); i >= 0 {
			return from + i
		}
		if upto == len(m.s) {
			return -1
		}
		from = upto - len(text) + 1
	}
}

// candidate is the first position from which a match could start, or -1.
func (m *Matcher) candidate(from int) int {
	p, s := m.p, m.s
	if p.prefix != "" {
		return m.index(from, p.prefix)
	}
	set := p.start.set
	if set == nil {
		return from
	}
	i := from
	for i < len(s) && !set[s[i]] {
		if i++; i&stride == 0 {
			m.spend(stride / 4)
		}
	}
	m.spend((i - from) & stride / 4)
	if i == len(s) && !p.start.end {
		return -1
	}
	return i
}

// At tells whether a match starts at the given position.
func (m *Matcher) At(from int) bool {
	m.start = from
	m.end = m.match(0, from)
	return m.end >= 0
}

// Span is where the last match starts and ends.
func (m *Matcher) Span() (start, end int) { return m.start, m.end }

// Capture is where capture n (0 for the first) starts and ends. For a position
// capture, position is true and start the position (0 for the first byte). A
// pattern without captures has one: all that matched.
func (m *Matcher) Capture(n int) (start, end int, position bool) {
	if m.p.captures == 0 && n == 0 {
		return m.start, m.end, false
	}
	return int(m.from[n]), int(m.to[n]), m.to[n] < 0
}

// Pattern is the pattern that is matched.
func (m *Matcher) Pattern() *Pattern { return m.p }

// Groups is the number of values that a match has: its captures, or 1.
func (m *Matcher) Groups() int { return max(m.p.captures, 1) }

func (m *Matcher) spend(steps int) {
	m.left -= steps
	if m.left < 0 {
		m.settle()
	}
}

func (m *Matcher) settle() {
	spent := chunk - m.left
	m.left = chunk
	m.patient -= spent
	if m.patient < 0 && m.notes == nil && !m.p.back && m.p.choices > 0 {
		if bits := m.p.choices * (len(m.s) + 1); bits <= maxNotes {
			m.notes = make([]uint64, bits/64+1)
		}
	}
	m.charger.Charge(spent)
}

// match matches the items from i on at pos. It gives the end of the match, or
// -1.
func (m *Matcher) match(i, pos int) int {
	s := m.s
	for ; ; i++ {
		it := &m.p.items[i]
		m.spend(1)
		switch it.op {
		case opAccept:
			return pos
		case opLiteral:
			if !strings.HasPrefix(s[pos:], it.text) {
				return -1
			}
			pos += len(it.text)
		case opOne:
			if pos >= len(s) || !it.set[s[pos]] {
				return -1
			}
			pos++
		case opStar, opPlus, opLazy, opOptional:
			if m.notes != nil {
				return m.noted(i, pos)
			}
			switch {
			case it.op == opOptional:
				if pos < len(s) && it.set[s[pos]] {
					if end := m.match(i+1, pos+1); end >= 0 {
						return end
					}
				}
			case it.possessive:
				end := m.extent(it, pos)
				if it.op == opPlus && end == pos {
					return -1
				}
				pos = end
			case it.op == opLazy:
				return m.lazy(i, pos)
			default:
				return m.greedy(i, pos)
			}
		default:
			if pos = m.zeroWidth(it, pos); pos < 0 {
				return -1
			}
		}
	}
}

// zeroWidth matches the items without a class of their own.
func (m *Matcher) zeroWidth(it *item, pos int) int {
	s := m.s
	switch it.op {
	case opOpen:
		m.from[it.n] = int32(pos)
	case opClose:
		m.to[it.n] = int32(pos)
	case opPosition:
		m.from[it.n], m.to[it.n] = int32(pos), -1
	case opEnd:
		if pos != len(s) {
			return -1
		}
	case opFrontier:
		var before, after byte
		if pos > 0 {
			before = s[pos-1]
		}
		if pos < len(s) {
			after = s[pos]
		}
		if it.set[before] || !it.set[after] {
			return -1
		}
	case opBack:
		if m.to[it.n] < 0 {
			return -1
		}
		text := s[m.from[it.n]:m.to[it.n]]
		m.spend(len(text) / bytesRun)
		if !strings.HasPrefix(s[pos:], text) {
			return -1
		}
		pos += len(text)
	case opBalance:
		return m.balance(it, pos)
	}
	return pos
}

func (m *Matcher) balance(it *item, pos int) int {
	s := m.s
	if pos >= len(s) || s[pos] != it.open {
		return -1
	}
	depth := 1
	for i := pos + 1; i < len(s); i++ {
		m.spend(1)
		switch s[i] {
		case it.shut:
			if depth--; depth == 0 {
				return i + 1
			}
		case it.open:
			depth++
		}
	}
	return -1
}

// extent is the end of the longest run of the item's set from pos on.
func (m *Matcher) extent(it *item, pos int) int {
	s := m.s
	end := pos
	switch {
	case it.any:
		return len(s)
	case it.except:
		if end = strings.IndexByte(s[pos:], it.c); end < 0 {
			end = len(s)
		} else {
			end += pos
		}
		m.spend((end - pos) / bytesRun)
	default:
		set := it.set
		for end < len(s) && set[s[end]] {
			if end++; end&stride == 0 {
				m.spend(stride / 4)
			}
		}
		m.spend((end - pos) & stride / 4)
	}
	return end
}

// greedy matches a * or + that may have to give back, and all that follows it.
func (m *Matcher) greedy(i, pos int) int {
	it := &m.p.items[i]
	low := pos
	if it.op == opPlus {
		low++
	}
	return m.giveBack(i, low, m.extent(it, pos))
}

// giveBack tries what follows item i at each position from high down to low.
func (m *Matcher) giveBack(i, low, high int) int {
	next := &m.p.items[i].next
	for end := high; end >= low; end-- {
		m.spend(1)
		if next.possible(m.s, end) {
			if last := m.match(i+1, end); last >= 0 {
				return last
			}
		}
	}
	return -1
}

// lazy matches a - that may have to take more, and all that follows it.
func (m *Matcher) lazy(i, pos int) int {
	it, s := &m.p.items[i], m.s
	for ; ; pos++ {
		m.spend(1)
		if it.next.possible(s, pos) {
			if last := m.match(i+1, pos); last >= 0 {
				return last
			}
		}
		if pos >= len(s) || !it.set[s[pos]] {
			return -1
		}
	}
}

// possible tells whether something that starts with f could match at pos.
func (f *first) possible(s string, pos int) bool {
	if f.set == nil {
		return true
	}
	if pos >= len(s) {
		return f.end
	}
	return f.set[s[pos]]
}

// Account changes who is charged: the subject may be matched by one run and
// then another.
func (m *Matcher) Account(charger Charger) { m.charger = charger }
