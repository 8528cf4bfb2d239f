package engine

// standing is what others see of a watcher.
type standing struct {
	status Status
	shadow ID
}

// lit tells of a problem that is the watcher's own, dark of one in the shadow
// of another's.
func (s standing) lit() bool  { return s.status.Problem() && s.shadow == "" }
func (s standing) dark() bool { return s.status.Problem() && s.shadow != "" }

func (en *entry) standing() standing { return standing{en.state.Status, en.state.Shadow} }

// kin are the entries that an entry leans on, and those that lean on it.
type kin struct {
	parents  []*entry
	children []*entry
	groups   []*group // those that it is a member of
	basis    *group   // what it is derived from
}

// dated tells that en's verdict is on what was before, and that it runs anew for
// that reason.
func (en *entry) dated() bool {
	return en.edited || en.basis != nil && en.basis.outdated(en)
}

// shadow tells in whose shadow en stands, "" for nobody's. A parent that is
// critical or unknown casts one; a parent that stands in another's shadow passes
// that on, so that the one named is where the trouble began. A derived watcher in
// trouble stands in the shadow if every member in trouble does.
//
// So does trouble before the first result of a parent: or a restart during an
// outage would be a storm of problems that are explained a moment later.
func (en *entry) shadow() ID {
	for _, p := range en.parents {
		switch {
		case p.state.Shadow != "":
			return p.state.Shadow
		case p.state.Status == Critical || p.state.Status == Unknown:
			return p.ID
		case p.opening && p.state.Status == Pending && en.state.Status.Problem():
			return p.ID
		}
	}
	if en.basis != nil && en.state.Status.Problem() {
		return en.basis.shade
	}
	return ""
}

// reshade finds out anew in whose shadow en stands.
func (b *Board) reshade(en *entry) {
	was := en.standing()
	if en.state.Shadow = en.shadow(); en.state.Shadow != was.shadow {
		if was.status.Problem() && !b.began.IsZero() {
			b.reshaded = append(b.reshaded, reshading{en, was})
		}
		b.touch(en)
		b.spread(en, was)
	}
}

// opened ends the wait for en's first result: it ran, and has none yet.
func (b *Board) opened(en *entry) {
	if !en.opening {
		return
	}
	en.opening = false
	for _, child := range en.children {
		b.reshade(child)
	}
}

// A reshading is a problem that went to another's shadow, or out of all.
type reshading struct {
	entry *entry
	was   standing
}

// surfaced takes what came out of the shadow since it was asked last, trouble that
// is its own after all. While those that lean on one follow it one by one, some go
// there and back: the first and the last count. What is about to run anew is left
// until it has.
func (b *Board) surfaced() (lines [][]any) {
	seen := make(map[*entry]bool, len(b.reshaded))
	for _, r := range b.reshaded {
		en := r.entry
		if !seen[en] && r.was.dark() && en.standing().lit() {
			if en.dated() {
				en.veiled = r.was
			} else {
				s := &en.state
				lines = append(lines, []any{"id", en.ID, "of", r.was.shadow, "status", s.Status.String(),
					"value", withUnit(s.Result.Value, s.Result.Unit), "detail", oneLine(s.Result.Detail)})
			}
		}
		seen[en] = true
	}
	b.reshaded = nil
	return lines
}

// renewed notes that en ran: what it is now is told if it came out of the shadow
// before.
func (b *Board) renewed(en *entry) {
	en.edited = false
	if en.veiled.dark() && !en.dated() {
		b.reshaded = append(b.reshaded, reshading{en, en.veiled})
		en.veiled = standing{}
	}
}

// announceSurfaced logs what came out of the shadow, which is no transition;
// no lock is held.
func (b *Board) announceSurfaced() {
	b.mu.Lock()
	lines := b.surfaced()
	b.mu.Unlock()
	for _, line := range lines {
		b.logger.Warn("out of the shadow", line...)
	}
}

// spread tells all that lean on en that it stands otherwise than before. It
// costs by how many they are; there are no cycles.
func (b *Board) spread(en *entry, was standing) {
	for _, child := range en.children {
		b.reshade(child)
	}
	now := en.standing()
	for _, g := range en.groups {
		g.count(was, -1)
		g.count(now, +1)
		g.statuses++
		g.news = g.news || was.status != Pending
		b.look(g)
		if shade := g.shadow(); shade != g.shade {
			g.shade = shade
			for _, tile := range g.tiles {
				b.reshade(tile)
			}
		}
	}
}

// Kin gives whom the watcher with that id needs, and what it is derived from.
func (b *Board) Kin(id ID) (needs, of []ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	en := b.entries[id]
	if en == nil {
		return nil, nil
	}
	for _, p := range en.parents {
		needs = append(needs, p.ID)
	}
	if en.basis != nil {
		for _, member := range en.basis.members {
			of = append(of, member.ID)
		}
	}
	return needs, of
}

// relate ties the entries to each other as a configuration says, whose
// watchers' entries are given by place.
func (b *Board) relate(r *relations, entries []*entry) {
	for _, en := range entries {
		en.kin = kin{}
	}
	for i, parents := range r.parents {
		for _, p := range parents {
			entries[i].parents = append(entries[i].parents, entries[p])
			entries[p].children = append(entries[p].children, entries[i])
		}
	}
	b.group(r, entries)
	for _, en := range entries {
		b.reshade(en)
	}
}
