package main

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// pollInterval is how often the inputs of the configuration are looked at.
// Polling sees what notification goes blind to: bind mounts, symlinks that are
// swapped in another folder, network file systems.
//
// A change is acted on when it was seen twice in a row, so that a half-written
// file is not read; at 250 ms that leaves half of the second within which a
// save must show.
const pollMillis = 250

// fingerprint tells cheaply whether anything about a list of inputs may have
// changed: names matched, size, modification time and inode of each link's
// target.
type fingerprint [sha256.Size]byte

// stamp takes the fingerprint of paths and of what globs match now.
func stamp(paths, globs []string) fingerprint {
	h := sha256.New()
	number := func(n int64) { binary.Write(h, binary.LittleEndian, n) }
	file := func(path string) {
		io.WriteString(h, path+"\x00")
		info, err := os.Stat(path)
		if err != nil {
			number(-1)
			return
		}
		number(info.Size())
		number(info.ModTime().UnixNano())
		number(inode(info))
	}
	for _, path := range paths {
		file(path)
	}
	for _, glob := range globs {
		for _, path := range matches(glob) {
			file(path)
		}
	}
	return fingerprint(h.Sum(nil))
}

func matches(glob string) []string {
	found, _ := filepath.Glob(glob) // the only error is a bad pattern, which matches nothing
	slices.Sort(found)
	return found
}
