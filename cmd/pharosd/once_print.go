package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"pharos/engine"
	"pharos/luaapi"
)

// tablePrinter prints one line for each run, under a head. What is wider than its
// column pushes the rest of its line: what is still to come is not known.
func tablePrinter(out io.Writer, watchers []engine.Watcher) func(*onceRun) {
	width := len("ID")
	for _, w := range watchers {
		width = max(width, utf8.RuneCountInString(string(w.ID)))
	}
	const value = 12
	fmt.Fprintf(out, "%-8s  %-*s  %-*s  %-7s  %s\n", "STATUS", width, "ID", value, "VALUE", "TOOK", "DETAIL")
	return func(r *onceRun) {
		took := fmt.Sprintf("%.3fs", r.result.Elapsed.Seconds())
		row := fmt.Sprintf("%-8s  %-*s  %-*s  %-7s  %s", r.result.Status, width, r.watcher.ID,
			value, shorten(r.value(), tableValueMax), took, oneLine(r.detail()))
		fmt.Fprintln(out, strings.TrimRight(row, " "))
	}
}

// tableValueMax is how many characters of a value the table shows.
const tableValueMax = 32

// shorten gives at most limit characters of text, an ellipsis in place of the rest.
func shorten(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "\u2026"
	}
	return text
}

func (r *onceRun) value() string { return oneLine(r.result.Value + " " + r.result.Unit) }

func (r *onceRun) detail() string {
	if r.shadow != "" {
		return strings.TrimRight(fmt.Sprintf("in the shadow of %s: %s", r.shadow, r.said()), ": ")
	}
	return r.said()
}

func (r *onceRun) said() string {
	if r.result.Detail == "" && r.result.Failure != nil {
		return r.result.Failure.Message
	}
	return r.result.Detail
}

// oneLine keeps a table a table.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// runPrinter prints each run with all it did; source gives the lines of scripts
// that errors point at.
func runPrinter(out io.Writer, source func(file string, line int) string) func(*onceRun) {
	p, first := painterFor(out), true
	return func(r *onceRun) {
		if !first {
			fmt.Fprintln(out)
		}
		first = false
		printRun(out, p, r, source)
	}
}

func printRun(out io.Writer, p painter, r *onceRun, source func(file string, line int) string) {
	fmt.Fprintf(out, "%s  %s  %s  %s\n", p.status(r.result.Status), p.bold(string(r.watcher.ID)),
		r.value(), p.dim(fmt.Sprintf("took %s, %s:%d", short(r.result.Elapsed), r.watcher.Place.File, r.watcher.Place.Line)))
	printIndented(out, "    ", r.detail())
	for _, c := range r.result.Cells {
		fmt.Fprintf(out, "  from  %s  %s -> %s  %s\n", p.status(c.Status), c.Name, oneLine(c.Value+" "+c.Unit+" "+c.Detail), p.dim(short(c.Elapsed)))
	}
	for _, e := range r.events {
		printEvent(out, p, e)
	}
	if slices.ContainsFunc(r.events, func(e luaapi.Event) bool { return e.Kind == "step" }) {
		printWaterfall(out, p, r.result.Timing)
	}
	if f := r.result.Failure; f != nil {
		if line := strings.TrimSpace(source(f.File, f.Line)); line != "" {
			fmt.Fprintf(out, "    %s %s\n", p.dim(fmt.Sprintf("%d |", f.Line)), line)
		}
		printIndented(out, "    ", p.dim(f.Trace))
	}
	printIndented(out, "    | ", r.result.Output)
}

func printEvent(out io.Writer, p painter, e luaapi.Event) {
	came := e.Outcome
	if e.Err != nil {
		came = e.Err.Error()
	}
	if e.Host != "" {
		came = strings.TrimSpace(came + " from " + e.Host)
	}
	if e.Kind == "log" {
		fmt.Fprintf(out, "  log   %s\n", oneLine(e.Text))
		return
	}
	fmt.Fprintf(out, "  %-5s %s -> %s  %s\n", e.Kind, oneLine(e.Text), oneLine(came), p.dim(short(e.Elapsed)))
	if e.Timing == nil {
		return
	}
	var phases []engine.Phase
	for _, phase := range e.Timing.Phases() {
		phases = append(phases, engine.Phase(phase))
	}
	printWaterfall(out, p, phases)
}

// waterfallWidth is how many columns stand for the whole of a request.
const waterfallWidth = 48

// printWaterfall draws where the time of a request or a journey went, each
// phase where it happened.
func printWaterfall(out io.Writer, p painter, phases []engine.Phase) {
	var total time.Duration
	width := 8 // of the names
	for _, phase := range phases {
		total += phase.Duration
		width = max(width, utf8.RuneCountInString(phase.Name))
	}
	if total <= 0 {
		return
	}
	column := func(d time.Duration) int {
		return int(math.Round(float64(d) / float64(total) * waterfallWidth))
	}
	var at time.Duration
	for _, phase := range phases {
		from := column(at)
		at += phase.Duration
		if phase.Duration == 0 {
			continue
		}
		bar := strings.Repeat(" ", from) + strings.Repeat("\u2588", max(1, column(at)-from))
		fmt.Fprintf(out, "        %-*s %9s  %s\n", width, phase.Name, short(phase.Duration), p.bar(bar))
	}
}

// short writes a duration with three digits that matter.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d us", d.Microseconds())
}

func printIndented(out io.Writer, indent, text string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(out, strings.TrimRight(indent+line, " "))
	}
}

// onceJSON is a run as --json prints it.
type onceJSON struct {
	ID      engine.ID          `json:"id"`
	Name    string             `json:"name"`
	Status  engine.Status      `json:"status"`
	Shadow  engine.ID          `json:"shadow,omitempty"` // in whose shadow it is, and so no problem
	Value   string             `json:"value"`
	Unit    string             `json:"unit"`
	Detail  string             `json:"detail"`
	Elapsed float64            `json:"elapsed"` // seconds
	Timing  map[string]float64 `json:"timing,omitempty"`
	Cells   []cellJSON         `json:"cells,omitempty"` // what is seen from each of many vantages
	Error   *engine.Failure    `json:"error,omitempty"`
	Output  string             `json:"output"`
	Log     []string           `json:"log"`
	Source  engine.Place       `json:"source"`
}

// cellJSON is what one vantage of many sees.
type cellJSON struct {
	Name    string        `json:"name"`
	Status  engine.Status `json:"status"`
	Value   string        `json:"value"`
	Unit    string        `json:"unit"`
	Detail  string        `json:"detail"`
	Elapsed float64       `json:"elapsed"` // seconds
}

func printJSON(out io.Writer, runs []onceRun) error {
	list := make([]onceJSON, 0, len(runs))
	for _, r := range runs {
		j := onceJSON{
			ID: r.watcher.ID, Name: r.watcher.Name, Status: r.result.Status, Shadow: r.shadow,
			Value: r.result.Value, Unit: r.result.Unit, Detail: r.result.Detail,
			Elapsed: r.result.Elapsed.Seconds(), Error: r.result.Failure,
			Output: r.result.Output, Log: append([]string{}, r.result.Log...), Source: r.watcher.Place,
		}
		for _, c := range r.result.Cells {
			j.Cells = append(j.Cells, cellJSON{c.Name, c.Status, c.Value, c.Unit, c.Detail, c.Elapsed.Seconds()})
		}
		for _, phase := range r.result.Timing {
			if j.Timing == nil {
				j.Timing = make(map[string]float64)
			}
			j.Timing[phase.Name] += phase.Duration.Seconds() // steps may share a name
		}
		list = append(list, j)
	}
	return encodeJSON(out, list)
}

func encodeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// painter writes colours where they can be seen.
type painter struct{ on bool }

// painterFor paints on a terminal, unless NO_COLOR is set (no-color.org).
func painterFor(out io.Writer) painter {
	f, ok := out.(interface{ Fd() uintptr })
	return painter{on: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

func (p painter) paint(sgr, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func (p painter) bold(text string) string { return p.paint("1", text) }
func (p painter) dim(text string) string  { return p.paint("2", text) }
func (p painter) bar(text string) string  { return p.paint("36", text) }

func (p painter) status(s engine.Status) string {
	sgr := map[engine.Status]string{engine.OK: "32", engine.Warning: "30;43", engine.Critical: "97;41", engine.Unknown: "35"}[s]
	return p.paint(sgr, fmt.Sprintf("%-8s", s))
}
