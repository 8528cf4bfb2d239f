package pattern

// A match that has taken long notes which quantifier fails, with all that
// follows it, when it starts at which position. That depends on nothing else as
// long as there are no back references, so a note holds for as long as the
// subject is the same, whatever position a match is tried from.

// noted matches a quantifier and all that follows it, with notes.
func (m *Matcher) noted(i, pos int) int {
	it := &m.p.items[i]
	if m.failed(it, pos) {
		return -1
	}
	high, known := m.fresh(it, pos)
	last := -1
	switch {
	case it.op == opLazy:
		last = m.takeMore(i, pos, high)
	case it.op == opPlus && known:
		// A + that fails from high+1 on has not been tried to end there.
		last = m.giveBack(i, pos+1, high+1)
	case it.op == opPlus:
		last = m.giveBack(i, pos+1, high)
	default:
		last = m.giveBack(i, pos, high)
	}
	if last < 0 {
		m.note(it, pos, high)
	}
	return last
}

// takeMore tries what follows item i at each position from pos up to high.
func (m *Matcher) takeMore(i, pos, high int) int {
	next := &m.p.items[i].next
	for ; pos <= high; pos++ {
		m.spend(1)
		if next.possible(m.s, pos) {
			if last := m.match(i+1, pos); last >= 0 {
				return last
			}
		}
	}
	return -1
}

// fresh is the last position that a run of the item from pos can end at and
// that is not known to fail; known tells that it is known to fail from the next
// on.
func (m *Matcher) fresh(it *item, pos int) (high int, known bool) {
	s, most := m.s, len(m.s)
	if it.op == opOptional {
		most = min(pos+1, most)
	}
	for high = pos; high < most && it.set[s[high]]; high++ {
		m.spend(1)
		if it.op != opOptional && m.failed(it, high+1) {
			return high, true
		}
	}
	return high, false
}

// failed tells whether the quantifier is known to fail when it starts at pos.
func (m *Matcher) failed(it *item, pos int) bool {
	bit := it.choice*(len(m.s)+1) + pos
	return m.notes[bit>>6]&(1<<(bit&63)) != 0
}

// note keeps that the quantifier fails when it starts anywhere from low to high:
// a run that starts later tries a part of what the one from low tried. That is
// not so for ?, which does not run.
func (m *Matcher) note(it *item, low, high int) {
	if it.op == opOptional {
		high = low
	}
	base := it.choice * (len(m.s) + 1)
	for bit := base + low; bit <= base+high; bit++ {
		m.notes[bit>>6] |= 1 << (bit & 63)
	}
	m.spend((high - low) / 4)
}
