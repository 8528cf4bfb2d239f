package engine

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What one watcher's last result may keep, in bytes. The fixed parts come
// first; the log and then the output take what is left of [EvidenceMaxBytes].
const (
	maxValue   = 256
	maxUnit    = 32
	maxLink    = 1024
	maxDetail  = 2048
	maxMessage = 1024
	maxWord    = 128 // a failure's kind, phase and file; a phase's name
	maxTrace   = 1536
	maxLog     = 1024
	maxPhases  = 64
	maxLine    = 512 // a transition's detail
)

// bounded gives r with every text in it valid UTF-8 and cut to its share of
// [EvidenceMaxBytes]. What r points to is not written to.
func bounded(r Result) Result {
	r.Value = cut(r.Value, maxValue)
	r.Unit = cut(r.Unit, maxUnit)
	r.Detail = cut(r.Detail, maxDetail)
	if len(r.Link) > maxLink {
		r.Link = "" // half an address leads elsewhere
	}
	left := EvidenceMaxBytes - len(r.Value) - len(r.Unit) - len(r.Detail) - len(r.Link)
	if f := r.Failure; f != nil {
		f = &Failure{
			Message: cut(f.Message, maxMessage), Kind: cut(f.Kind, maxWord), Phase: cut(f.Phase, maxWord),
			File: cut(f.File, maxWord), Line: f.Line, Trace: cut(f.Trace, maxTrace),
		}
		left -= len(f.Message) + len(f.Kind) + len(f.Phase) + len(f.File) + len(f.Trace)
		r.Failure = f
	}
	if len(r.Timing) > 0 {
		r.Timing = slices.Clone(r.Timing[:min(len(r.Timing), maxPhases)])
		for i := range r.Timing {
			r.Timing[i].Name = cut(r.Timing[i].Name, min(maxWord, max(left, 0)))
			left -= len(r.Timing[i].Name)
		}
	}
	cells, n := boundedCells(r.Cells, left)
	r.Cells = cells
	left -= n
	r.Log = lastLines(r.Log, min(maxLog, max(left, 0)))
	for _, line := range r.Log {
		left -= len(line)
	}
	r.Output = cut(r.Output, max(left, 0))
	return r
}

// lastLines keeps what fits into size bytes of the last lines, counting a byte
// more for the end of each.
func lastLines(lines []string, size int) []string {
	var kept []string
	for i := len(lines) - 1; i >= 0 && size > 0; i-- {
		line := cut(lines[i], size)
		size -= len(line) + 1
		kept = append(kept, line)
	}
	slices.Reverse(kept)
	return kept
}

// cut gives s as valid UTF-8 of at most size bytes, cut between characters. A
// cut text does not keep the whole one in memory.
func cut(s string, size int) string {
	if len(s) <= size {
		if utf8.ValidString(s) { // at eight bytes at once
			return s
		}
		return strings.ToValidUTF8(s, "�")
	}
	s = strings.ToValidUTF8(s[:min(len(s), size+utf8.UTFMax)], "�")
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return strings.Clone(s[:size])
}
