package meta

import (
	"strings"
	"testing"
)

func TestEntries(t *testing.T) {
	entries := Entries()
	byName := make(map[string]Entry)
	for _, e := range entries {
		if _, twice := byName[e.Name]; twice {
			t.Errorf("Entries() has %q twice", e.Name)
		}
		byName[e.Name] = e
		if e.Summary() == "" {
			t.Errorf("Entries() says nothing of %q", e.Name)
		}
	}
	for name, want := range map[string]struct{ text, parts, example string }{
		"page_tag":                     {text: "The line beside the product's name"},
		"pharos.Timing":                {text: "curl's", parts: "time_starttransfer", example: "time_connect"},
		"pharos.Duration":              {text: "A length of time", parts: `text with units: "250ms"`},
		"pharos.Thresholds":            {text: "At or beyond crit", parts: "{ [1]: number|string, [2]: number|string, [3]: number|string }|{ min: number|string|nil"},
		"pharos.MetricWatcher":         {text: "One tile", parts: "interval", example: "\n    check = function"},
		"pharos.MetricWatcher:check()": {text: "What a run does", parts: "->", example: "/proc/loadavg"},
		"pharos.Class:extend(fields)":  {text: "A class with everything", parts: "fields?        table\n->             T|table the new class"},
		"pharos.Cache":                 {},
		"pharos.suggest(name, valid)":  {parts: "name           string", example: "tresholds"},
		"lua":                          {text: "goto"},
	} {
		e, ok := byName[name]
		if !ok {
			t.Errorf("Entries() has no %q", name)
			continue
		}
		if !strings.Contains(e.Text, want.text) {
			t.Errorf("text of %q = %q, want it to contain %q", name, e.Text, want.text)
		}
		if !strings.Contains(e.Parts, want.parts) {
			t.Errorf("parts of %q = %q, want them to contain %q", name, e.Parts, want.parts)
		}
		if !strings.Contains(e.Example, want.example) {
			t.Errorf("example of %q = %q, want it to contain %q", name, e.Example, want.example)
		}
		if strings.Contains(e.Parts, "self  ") {
			t.Errorf("parts of %q = %q, want none that nobody gives", name, e.Parts)
		}
		if strings.Contains(e.Text, "@") || strings.Contains(e.Text, "```") {
			t.Errorf("text of %q = %q, want no markup", name, e.Text)
		}
	}
	if text := byName["lua"].Text; !strings.HasPrefix(text, "This is Lua 5.1") {
		t.Errorf("text of %q = %q, want it to begin with what it is", "lua", text)
	}
	// Each declaration of the file is an entry.
	for line := range strings.Lines(Reference) {
		if m := functionLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil && byName[m[1]].Name == "" {
			t.Errorf("Entries() has no %q", m[1])
		}
	}
}

func TestSummary(t *testing.T) {
	for text, want := range map[string]string{
		"One tile. Give it a function check,\nor extend it.": "One tile",
		"As ok.":     "As ok",
		"":           "",
		"A\nB.\n\nC": "A B",
	} {
		if got := (Entry{Text: text}).Summary(); got != want {
			t.Errorf("Summary of %q = %q, want %q", text, got, want)
		}
	}
}
