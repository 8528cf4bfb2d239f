package main

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"slices"

	"pharos/luaapi"
)

// inputWatch tells when the inputs of a configuration have changed: stat is
// asked at every poll, contents are read only when stat says that something
// may be new.
type inputWatch struct {
	inputs []luaapi.Input
	acted  fingerprint // at which contents were last compared
	seen   fingerprint // of the last poll
	waited int         // polls that an empty or missing main file was given
}

// emptyPolls is how many polls more a main file that is empty or gone gets to
// come back: editors truncate or unlink before they write.
const emptyPolls = 1

// watch takes the inputs of a new load. What changed while it was loading
// shows at the next polls, since contents are compared with what was loaded.
func (w *inputWatch) watch(inputs []luaapi.Input) { *w = inputWatch{inputs: inputs} }

// poll looks once and tells whether to reload: stat was the same in two polls
// in a row, and contents are not those that were loaded.
func (w *inputWatch) poll() bool {
	now := stamp(w.inputs)
	switch {
	case now == w.acted:
		return slices.ContainsFunc(w.inputs, becameReadable)
	case now != w.seen:
		w.seen, w.waited = now, 0
		return false
	case w.mainEmpty() && w.waited < emptyPolls:
		w.waited++
		return false
	}
	w.acted = now
	return slices.ContainsFunc(w.inputs, luaapi.Input.Changed)
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

// fingerprint changes whenever stat of an input does: size, modification time
// and inode of each path's target. A folder's time changes with its names.
type fingerprint [sha256.Size]byte

func stamp(inputs []luaapi.Input) fingerprint {
	h := sha256.New()
	for _, in := range inputs {
		stat := [3]int64{-1, -1, -1}
		if info, err := os.Stat(in.Path); err == nil {
			stat = [3]int64{info.Size(), info.ModTime().UnixNano(), inode(info)}
		}
		io.WriteString(h, in.Path+"\x00")
		binary.Write(h, binary.LittleEndian, stat)
	}
	return fingerprint(h.Sum(nil))
}
