package meta

import (
	"regexp"
	"strings"
)

// Entry is what the reference says of one name.
type Entry struct {
	Section string // "Classes", "Primitives", ...; "" before the first
	Name    string // "pharos.http.get"
	Text    string // what it is, as a person reads it
	Parts   string // its parameters, fields and results, one a line
	Example string // Lua; "" if there is none
}

// Summary is the first sentence of the text.
func (e Entry) Summary() string {
	text, _, _ := strings.Cut(e.Text, "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	if end := regexp.MustCompile(`[.:;] `).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return strings.TrimSuffix(text, ".")
}

var (
	sectionLine  = regexp.MustCompile(`^-- (\S.*?) -{10,}$`)
	functionLine = regexp.MustCompile(`^function ([A-Za-z_.:]+\(.*\)) end$`)
	valueLine    = regexp.MustCompile(`^(?:local )?([A-Za-z_.]+) = `)
	namedTag     = regexp.MustCompile(`^@(?:class|alias) ([A-Za-z_.]+)`)
	fieldTag     = regexp.MustCompile(`^@(?:field|param) (\S+) (.*)$`)
	aliasTag     = regexp.MustCompile(`^@alias \S+ (.*)$`)
	returnTag    = regexp.MustCompile(`^@return (.*)$`)
)

// Entries takes the reference apart, in its order. The last one is "Lua here":
// how this Lua differs.
func Entries() []Entry {
	var entries []Entry
	section := ""
	var block []string // lines of documentation, without their dashes
	flush := func(declaration string) {
		if e, ok := newEntry(section, block, declaration); ok {
			entries = append(entries, e)
		}
		block = nil
	}
	before, differences, _ := strings.Cut(Reference, "-- Lua here -")
	_, differences, _ = strings.Cut(differences, "\n") // the rest of the line
	for line := range strings.Lines(before) {
		line = strings.TrimRight(line, "\n")
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		if doc, ok := strings.CutPrefix(line, "---"); ok {
			block = append(block, doc)
			continue
		}
		flush(line)
	}
	flush("")
	return append(entries, luaHere(differences))
}

// luaHere makes an entry of the plain comment at the end.
func luaHere(comment string) Entry {
	var text []string
	for line := range strings.Lines(comment) {
		if line, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "--"); ok {
			text = append(text, strings.TrimPrefix(line, " "))
		}
	}
	return Entry{Section: "Lua here", Name: "lua", Text: strings.TrimSpace(strings.Join(text, "\n"))}
}

// newEntry makes an entry of a block and the line that it stands above. A block
// that names nothing is no entry.
func newEntry(section string, block []string, declaration string) (Entry, bool) {
	e := Entry{Section: section}
	if m := functionLine.FindStringSubmatch(declaration); m != nil {
		e.Name = m[1]
	} else if m := valueLine.FindStringSubmatch(declaration); m != nil {
		e.Name = m[1]
	}
	var text, parts, example []string
	inExample := false
	for _, line := range block {
		switch {
		case strings.HasPrefix(line, "```"):
			inExample = !inExample
		case inExample:
			example = append(example, line)
		case strings.HasPrefix(line, "@"):
			if m := namedTag.FindStringSubmatch(line); m != nil && (e.Name == "" || strings.HasPrefix(declaration, "local ")) {
				e.Name = m[1]
			}
			if part := describe(line); part != "" {
				parts = append(parts, part)
			}
		default:
			text = append(text, strings.TrimPrefix(line, " "))
		}
	}
	e.Text = strings.TrimSpace(strings.Join(text, "\n"))
	e.Parts = strings.Join(parts, "\n")
	e.Example = strings.Join(example, "\n")
	return e, e.Name != ""
}

// describe puts an annotation in a person's words; "" is for one that tells a
// person nothing.
func describe(tag string) string {
	if m := fieldTag.FindStringSubmatch(tag); m != nil && m[1] != "self" {
		return padded(m[1], 14) + " " + m[2]
	}
	if m := aliasTag.FindStringSubmatch(tag); m != nil {
		return m[1]
	}
	if m := returnTag.FindStringSubmatch(tag); m != nil {
		return padded("->", 14) + " " + m[1]
	}
	return ""
}

func padded(word string, width int) string {
	return word + strings.Repeat(" ", max(0, width-len(word)))
}
