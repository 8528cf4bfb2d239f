package main

import (
	"os"
	"slices"

	"pharos/luaapi"
)

// inputWatch tells when the inputs of a configuration have changed: stat is
// asked at every poll, contents are read only when stat says that something
// may be new.
type inputWatch struct {
	inputs   []luaapi.Input
	acted    []fingerprint // at which contents were last compared
	seen     []fingerprint // of the last poll
	restless int           // polls in a row that saw something else than the one before
	waited   int           // polls that an empty or missing main file was given
}

const (
	// emptyPolls is how many polls more a main file that is empty or gone gets to
	// come back: editors truncate or unlink before they write.
	emptyPolls = 1
	// restlessPolls is for how many polls those inputs that are at rest wait for the
	// others, as of a set of files that are written one after the other. One that
	// never rests, such as a log that a script reads, holds them up no longer.
	restlessPolls = 4
)

// watch takes the inputs of a new load. What changed while it was loading
// shows at the next polls, since contents are compared with what was loaded.
func (w *inputWatch) watch(inputs []luaapi.Input) { *w = inputWatch{inputs: inputs} }

// poll looks once and tells whether to reload: stat of an input was the same in
// two polls in a row, and its content is not the one that was loaded.
func (w *inputWatch) poll() bool {
	now, before := stamp(w.inputs), w.seen
	w.seen = now
	if before == nil {
		w.acted = make([]fingerprint, len(now))
		return false
	}
	if len(now) > 0 && now[0] != before[0] {
		w.waited = 0
	}
	switch {
	case slices.Equal(now, w.acted):
		w.restless = 0
		return slices.ContainsFunc(w.inputs, becameReadable)
	case slices.Equal(now, before):
		w.restless = 0
	default:
		if w.restless++; w.restless < restlessPolls {
			return false
		}
	}
	changed := false
	for i, in := range w.inputs {
		switch {
		case now[i] != before[i] || now[i] == w.acted[i]:
			continue
		case i == 0 && w.mainEmpty() && w.waited < emptyPolls:
			w.waited++
			return false
		}
		w.acted[i] = now[i]
		changed = changed || in.Changed()
	}
	return changed
}

// becameReadable looks again at what was there and could not be read. That it can
// be now, stat need not show: other descriptors were closed, or rights were given.
func becameReadable(in luaapi.Input) bool { return in.Unread() && in.Changed() }

func (w *inputWatch) mainEmpty() bool {
	if len(w.inputs) == 0 || w.inputs[0].Glob {
		return false
	}
	info, err := os.Stat(w.inputs[0].Path)
	return err != nil || info.Size() == 0
}

// fingerprint is size, modification time and inode of a path's target, each -1 if
// there is none: it changes whenever stat does. A folder's time changes with its
// names. The zero one is of no look at all.
type fingerprint [3]int64

func stamp(inputs []luaapi.Input) []fingerprint {
	stamps := make([]fingerprint, len(inputs))
	for i, in := range inputs {
		stamps[i] = fingerprint{-1, -1, -1}
		if info, err := os.Stat(in.Path); err == nil {
			stamps[i] = fingerprint{info.Size(), info.ModTime().UnixNano(), inode(info)}
		}
	}
	return stamps
}
