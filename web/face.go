package web

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pharos/engine"
)

// Face is what a tile shows, worked out for the first paint. The page's
// face.js works the same out for every paint after it; a browser test holds
// the two together.
type Face struct {
	Classes        string // of the tile: its status, staleness and afterglow
	ProblemClasses string // of its item in the problems rail
	Size           string // class of the value: the longer it is the smaller it is set
	Value          string // on one line; a dash for none
	Unit           string
	Word           string // the status's word, or "stale"
	Lasted         string // "5 minutes"
	Note           string // "2 blips", "late, 3 missed", "critical 1/2"
	Why            string // what is wrong, or which phase took longest, on one line
	Trail          TrailPaths
	Blame          BlamePaths
	Cells          []FaceCell
}

// longNames and longReasons are in characters: each step longer needs a wider tile.
var (
	longNames   = []int{10, 14, 16, 18, 21, 24, 32}
	longReasons = []int{22, 30, 40}
)

// FaceCell is one vantage of several: a shape and a name, and the rest for who
// points at it.
type FaceCell struct{ Classes, Name, Title string }

// TrailPaths draws a trail as one SVG path for each status, in a box of
// 60 x 10 with the newest run at the right edge; worse is taller.
type TrailPaths struct{ O, W, C, U string }

// BlamePaths draws the phases of a timed run as one bar of 100 x 4, the slow
// one in a path of its own.
type BlamePaths struct{ Even, Odd, Slow string }

const (
	afterglow  = time.Minute
	glowSteps  = 6
	blipWindow = 5 * time.Minute
	faceText   = 200 // characters of a line on a tile
	faceValue  = 80
	faceUnit   = 16

	maxNamedCells = 5 // cells of a tile that have room for their names
)

func newFace(t *Tile, now time.Time) Face {
	since := fromUnix(t.Since)
	f := Face{
		Word: t.Status.String(), Lasted: durationWords(now.Sub(since)),
		Note:  note(t, now),
		Trail: trailPaths(t.Trail), Blame: blamePaths(t.Timing),
		Why: why(t),
	}
	f.Value, f.Unit = amount(t)
	f.Size = fmt.Sprintf("amount -size%d", valueSize(f.Value, f.Unit))
	if f.Value == "" {
		f.Value = "–"
	}
	for _, c := range t.Cells {
		f.Cells = append(f.Cells, FaceCell{
			Classes: "cell -" + c.Status.String(), Name: c.Name,
			Title: strings.TrimSpace(fmt.Sprintf("%s %s: %s %s", c.Name, c.Status, c.Value, c.Unit)),
		})
	}
	if t.SinceApprox {
		f.Lasted = "~" + f.Lasted
	}
	state := " -" + t.standing()
	if t.Stale {
		last := since
		if t.Ended != nil {
			last = fromUnix(*t.Ended)
		}
		state += " -stale"
		f.Word, f.Lasted = "stale", durationWords(now.Sub(last))
	}
	f.ProblemClasses = "problem" + state
	f.Classes = "tile" + state + glow(t, now)
	f.Classes += lengths(t.Name, f.Why)
	if n := len(t.Cells); n > 0 {
		f.Classes += " -cells"
		if n > maxNamedCells {
			f.Classes += " -many"
		}
	}
	return f
}

// flicker tells what a viewer who looked away would have missed: when the
// watcher left ok in the last five minutes, and, of one that is ok again since
// less than a minute, the word of the worst it was in between, and when that was
// over unless the status tells. Runs count here that were not confirmed.
func flicker(v *engine.View, now time.Time) (blips []float64, was string, recovered float64) {
	worst, back, open := engine.Pending, time.Time{}, true // of the last trouble
	for f := range v.Flicker() {
		if f.From == engine.OK && f.To.Problem() && now.Sub(f.At) <= blipWindow {
			blips = append(blips, unixTime(f.At))
		}
		if open && f.To == engine.OK && back.IsZero() {
			back = f.At
		}
		if open = open && f.From != engine.OK; open && f.From.Worse(worst) {
			worst = f.From
		}
	}
	slices.Reverse(blips)
	ok := v.Status == engine.OK && v.Confirming.Needed == 0
	if !ok || now.Sub(back) >= afterglow || !worst.Problem() {
		return blips, "", 0
	}
	if !back.Equal(v.Since) {
		recovered = unixTime(back)
	}
	return blips, worst.String(), recovered
}

// glow gives the classes of a tile that recovered within the last minute: how
// fresh that is, and the worst of what it recovered from.
func glow(t *Tile, now time.Time) string {
	age := now.Sub(fromUnix(cmp.Or(t.Recovered, t.Since)))
	if t.Was == "" || age >= afterglow {
		return ""
	}
	left := 1 - max(0, age.Seconds())/afterglow.Seconds()
	return fmt.Sprintf(" -glow%d -from-%s", max(1, int(math.Ceil(glowSteps*left))), t.Was)
}

func note(t *Tile, now time.Time) string {
	if t.Late {
		return fmt.Sprintf("late, %s missed", many(t.Missed))
	}
	if c := t.Confirming; c != nil {
		return fmt.Sprintf("%s %d/%d", c.Status, c.Seen, c.Needed)
	}
	if t.Events != nil && t.Events.Retry > 0 {
		return "restarting"
	}
	if e := t.Events; e != nil && e.Dropped > 0 && now.Sub(fromUnix(e.Lost)) <= blipWindow {
		return many(e.Dropped) + " dropped"
	}
	n := 0
	for _, at := range t.Blips {
		if now.Sub(fromUnix(at)) <= blipWindow {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 blip"
	}
	return fmt.Sprintf("%d blips", n)
}

// many writes a number of events shortly: "999", "12k", "3M".
func many(n uint64) string {
	switch {
	case n < 1e3:
		return strconv.FormatUint(n, 10)
	case n < 1e6:
		return fmt.Sprintf("%dk", n/1e3)
	}
	return fmt.Sprintf("%dM", n/1e6)
}

// withUnit is a value that has its unit written in it, "5.3 minutes".
var withUnit = regexp.MustCompile(`^([+-]?\d[\d.,]*) (\S{1,8})$`)

// amount parts the unit from such a value: the number is what is read from afar.
func amount(t *Tile) (value, unit string) {
	value, unit = oneLine(t.Value, faceValue), oneLine(t.Unit, faceUnit)
	if parts := withUnit.FindStringSubmatch(value); parts != nil && unit == "" {
		return parts[1], parts[2]
	}
	return value, unit
}

// doing is the start of a primitive's error, getting "http://shop.example/": the
// tile's name says that already, and there is no room beside it for the reason.
var doing = regexp.MustCompile(`^[a-z]+ing (?:[^"]*"(?:[^"\\]|\\.)*")+?: `)

// why is the line under a status that is not ok: what failed, or which phase
// was slow where the value is a time, or the detail.
func why(t *Tile) string {
	switch {
	case t.Stale && t.Events != nil:
		return "was " + t.Status.String() + "; no event"
	case t.Stale && t.Ended != nil:
		return "was " + t.Status.String() + "; no new result"
	case t.Stale:
		return "no result yet"
	case t.Shadow != "":
		return "in the shadow of " + string(t.Shadow)
	case t.Status == engine.Pending && t.Events != nil:
		return cmp.Or(oneLine(t.Detail, faceText), "opening its stream")
	case t.Status == engine.Pending:
		return "waiting for its first result"
	case !t.Status.Problem() && t.Confirming == nil:
		return blame(t)
	}
	if e := t.Error; e != nil && e.Message != "" {
		place := ""
		if e.File != "" && !strings.Contains(e.Message, e.File) {
			place = fmt.Sprintf("%s:%d: ", e.File, e.Line)
		}
		return oneLine(place+doing.ReplaceAllString(e.Message, ""), faceText)
	}
	slow, detail := blame(t), oneLine(t.Detail, faceText)
	if detail == "" || isTime(t) {
		return cmp.Or(slow, detail)
	}
	return detail
}

// isTime holds when the tile's value is the time that its phases add up to:
// then the slow phase is the reason, and else the detail tells more.
func isTime(t *Tile) bool {
	index, total := slowest(t.Timing)
	value, err := strconv.ParseFloat(t.Value, 64)
	return index >= 0 && err == nil && math.Abs(value-total) <= 0.05*total+0.0001
}

// slowest finds the phase that took longest and what all took together; -1
// for a run that was not timed.
func slowest(timing []Phase) (index int, total float64) {
	index, top := -1, -1.0
	for i, phase := range timing {
		seconds := phase.Seconds
		total += seconds
		if seconds > top {
			index, top = i, seconds
		}
	}
	if total <= 0 {
		return -1, 0
	}
	return index, total
}

// blame names the slow phase in words, "wait 962 ms of 1.20 s"; without the sum
// where that is the tile's value, or says the same.
func blame(t *Tile) string {
	i, total := slowest(t.Timing)
	if i < 0 {
		return ""
	}
	part, sum := shortDuration(t.Timing[i].Seconds), shortDuration(total)
	words := fmt.Sprintf("%v %s", t.Timing[i].Name, part)
	if part == sum || isTime(t) {
		return words
	}
	return words + " of " + sum
}

func blamePaths(timing []Phase) BlamePaths {
	slow, total := slowest(timing)
	if slow < 0 {
		return BlamePaths{}
	}
	var even, odd, top strings.Builder
	x := 0.0
	for i, phase := range timing {
		width := 100 * phase.Seconds / total
		path := &even
		switch {
		case i == slow:
			path = &top
		case i%2 == 1:
			path = &odd
		}
		if width >= 0.5 {
			fmt.Fprintf(path, "M%.1f 2h%.1f", x, max(0.5, width-0.6))
		}
		x += width
	}
	return BlamePaths{Even: even.String(), Odd: odd.String(), Slow: top.String()}
}

func trailPaths(trail string) TrailPaths {
	var paths TrailPaths
	left := engine.TrailLength - len(trail)
	for i := 0; i < len(trail); {
		end := i + 1
		for end < len(trail) && trail[end] == trail[i] {
			end++
		}
		path, level := &paths.U, "6.25"
		switch trail[i] {
		case 'o':
			path, level = &paths.O, "7.5"
		case 'w':
			path = &paths.W
		case 'c':
			path, level = &paths.C, "5"
		}
		*path += fmt.Sprintf("M%d %sh%d", left+i, level, end-i)
		i = end
	}
	return paths
}

// shortDuration writes a measured duration with about three digits, "4.0 ms",
// "962 ms", "1.20 s".
func shortDuration(s float64) string {
	switch {
	case s < 0.0005:
		return fmt.Sprintf("%.0f µs", math.Round(s*1e6))
	case s < 0.00995:
		return fmt.Sprintf("%.1f ms", s*1e3)
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", math.Round(s*1e3))
	case s < 9.995:
		return fmt.Sprintf("%.2f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", math.Round(s))
	}
	return durationWords(time.Duration(s * float64(time.Second)))
}

// valueSize tells how large a value can be set: 0 (short) to 3 (long).
func valueSize(value, unit string) int {
	switch n := 2*utf8.RuneCountInString(value) + utf8.RuneCountInString(unit); {
	case n <= 10:
		return 0
	case n <= 18:
		return 1
	case n <= 30:
		return 2
	}
	return 3
}

// lengths gives the classes of a name and a reason that need more room than the
// shortest: how much, and whether the name is one word, as a host's, that may
// break anywhere.
func lengths(name, reason string) (classes string) {
	if size := longer(name, longNames); size > 0 {
		classes = fmt.Sprintf(" -name%d", size-1)
		if !strings.Contains(name, " ") {
			classes += " -word"
		}
	}
	if size := longer(reason, longReasons); size > 0 {
		classes += fmt.Sprintf(" -why%d", size)
	}
	return classes
}

// longer counts the steps that a text is longer than.
func longer(text string, steps []int) (n int) {
	size := utf8.RuneCountInString(text)
	for _, most := range steps {
		if size > most {
			n++
		}
	}
	return n
}

// oneLine is the first line of a text that is not blank, cut to at most limit
// characters.
func oneLine(text string, limit int) string {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > limit {
			return string(runes[:limit-1]) + "…"
		}
		return line
	}
	return ""
}
