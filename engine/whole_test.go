package engine

import "fmt"

// Inconsistent says what is kept on the board, so that it need not be found out
// anew each time, and is not what would be found out.
func (e *Engine) Inconsistent() (wrong []string) {
	b := e.board
	b.mu.Lock()
	defer b.mu.Unlock()
	compare := func(of any, what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%v of %v: %v, want %v", what, of, got, want))
		}
	}
	late := 0
	for id, en := range b.entries {
		if en.state.Late {
			late++
			compare(id, "late source", en.Source != nil, false)
		}
		compare(id, "shadow", en.state.Shadow, en.shadow())
		if en.state.Confirming.Needed > 0 {
			compare(id, "confirming", en.state.Confirming.Status, en.state.Result.Status)
		}
	}
	compare("board", "late", b.late, late)
	for key, g := range b.groups {
		var now group
		for _, member := range g.members {
			now.count(member.standing(), +1)
		}
		for _, tile := range g.tiles {
			if tile.sight.of == g && tile.sight.reads {
				now.readers++
			}
		}
		compare(key, "counts", g.counts, now.counts)
		compare(key, "lit", g.lit, now.lit)
		compare(key, "dark", g.dark, now.dark)
		compare(key, "shade", g.shade, g.shadow())
		compare(key, "enough readers", g.readers >= now.readers, true) // a run that counts no more may still read
		if g.sum.known && g.sum.at == g.results {
			compare(key, "sum", g.sum.is, g.addUp())
		}
		if g.worst.known && g.worst.at == g.statuses {
			compare(key, "worst", g.worst.is, g.findWorst())
		}
	}
	return wrong
}
