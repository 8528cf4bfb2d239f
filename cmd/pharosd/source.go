package main

import (
	"pharos/engine"
	"pharos/web"
)

// sourceAround is how many lines before and after a place are shown with it.
const sourceAround = 6

// sourceLines gives the lines around a place in the scripts that run, as they
// were when they were loaded.
func (r *reloader) sourceLines(place engine.Place) ([]web.SourceLine, bool) {
	cfg := r.current.Load()
	if cfg == nil || place.Line < 1 {
		return nil, false
	}
	var lines []web.SourceLine
	for n := max(1, place.Line-sourceAround); n <= place.Line+sourceAround; n++ {
		lines = append(lines, web.SourceLine{Line: n, Text: cfg.SourceLine(place.File, n)})
	}
	for len(lines) > 0 && lines[len(lines)-1].Text == "" {
		lines = lines[:len(lines)-1] // past the end of the file
	}
	return lines, len(lines) > 0
}
