package main

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pharos/luaapi"
	"pharos/luaapi/meta"
	"pharos/scripts"
)

func newDocs() *cobra.Command {
	return &cobra.Command{
		Use:   "docs [NAME|WORD]",
		Short: "Print the reference of the script API",
		Long: `docs prints what the reference says of a name, or lists every name.

NAME may leave out the beginning: "get" finds pharos.http.get. It may be that of
an option or a field, such as ssh_host. WORD is what you have in mind: "slack",
"json", "disk space", "not equal". It is told where to look for that; the text of
all is searched too, and what the scripts that come with pharosd say of themselves.
docs NAME.lua prints such a script. "lua" tells how the Lua here differs from
others.`,
		Example: `  pharosd docs
  pharosd docs http.get
  pharosd docs PageGETMetricWatcher
  pharosd docs slack
  pharosd docs maintenance.lua
  pharosd docs lua`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(entryNames(), scriptNames()...), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				listEntries(out)
				return nil
			}
			return printDocs(out, strings.Join(args, " "))
		},
	}
}

// printDocs prints what there is of a name, or of a word that is none.
func printDocs(out io.Writer, name string) error {
	if source, err := fs.ReadFile(scripts.FS, name); err == nil {
		_, err = out.Write(source)
		return err
	}
	found, parts, topics := findEntries(name), findParts(name), findTopics(name)
	if len(found) == 0 && len(parts) == 0 {
		return printWord(out, name, topics)
	}
	for i, e := range found {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printEntry(out, e)
	}
	for i, part := range parts {
		if i == 0 && len(found) > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, part)
	}
	for _, topic := range topics {
		fmt.Fprintf(out, "\nOf %q:\n", name)
		printIndented(out, "  ", topic.Text)
	}
	return nil
}

// printWord prints where to look for a word, and where it is said.
func printWord(out io.Writer, word string, topics []meta.Topic) error {
	lines := append(findText(word), findCards(word)...)
	if len(lines)+len(topics) == 0 {
		return fmt.Errorf("cannot find %q in the reference%s; pharosd docs lists every name", word, didYouMean(word))
	}
	for i, topic := range topics {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, topic.Text)
	}
	switch {
	case len(lines) == 0:
		return nil
	case len(topics) > 0:
		fmt.Fprintln(out, "\nThe word is in")
	default:
		fmt.Fprintf(out, "no entry is called %q; the word is in\n", word)
	}
	listFound(out, lines)
	return nil
}

func findTopics(word string) []meta.Topic {
	return slices.DeleteFunc(meta.Topics(), func(t meta.Topic) bool { return !t.About(word) })
}

// entryNames are the names as docs takes them.
func entryNames() []string {
	var names []string
	for _, e := range meta.Entries() {
		names = append(names, plainName(e))
	}
	return names
}

// plainName is the entry's name without parameters, dots between all parts.
func plainName(e meta.Entry) string {
	name, _, _ := strings.Cut(e.Name, "(")
	return strings.ReplaceAll(name, ":", ".")
}

// findEntries gives the entry of that very name, else each that ends in it,
// letters of either case.
func findEntries(name string) []meta.Entry {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(name, "()"), ":", "."))
	var exact, ending []meta.Entry
	for _, e := range meta.Entries() {
		switch plain := strings.ToLower(plainName(e)); {
		case plain == name, plain == "pharos."+name:
			exact = append(exact, e)
		case strings.HasSuffix(plain, "."+name):
			ending = append(ending, e)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return ending
}

// findParts gives the lines about the options and fields of that name, each with
// whose it is.
func findParts(name string) []string {
	var found []string
	for _, e := range meta.Entries() {
		for part := range strings.Lines(e.Parts) {
			word, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			if strings.EqualFold(strings.TrimSuffix(word, "?"), name) {
				found = append(found, fmt.Sprintf("%s of %s: %s", word, e.Name, strings.TrimSpace(rest)))
			}
		}
	}
	return found
}

// didYouMean names the entry, script or topic that name misspells, "" if there is none. The
// "pharos." before it may be left out.
func didYouMean(name string) string {
	names := append(entryNames(), scriptNames()...)
	for _, plain := range entryNames() {
		names = append(names, strings.TrimPrefix(plain, "pharos."))
	}
	for _, topic := range meta.Topics() {
		names = append(names, topic.Words...)
	}
	if near := luaapi.Nearest(strings.ReplaceAll(strings.TrimSuffix(name, "()"), ":", "."), names); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// A hit is a line of what docs lists: a name, and what it is.
type hit struct{ name, about string }

// findText gives the entries that have the word in what they say.
func findText(word string) []hit {
	var found []hit
	for _, e := range meta.Entries() {
		if mentions(strings.Join([]string{e.Text, e.Parts, e.Example}, "\n"), word) {
			found = append(found, hit{e.Name, e.Summary()})
		}
	}
	return found
}

// findCards gives the scripts that have the word in their card or their name.
func findCards(word string) []hit {
	var found []hit
	for _, name := range scriptNames() {
		source, _ := fs.ReadFile(scripts.FS, name) // which is embedded
		card, _, _ := strings.Cut(string(source), "\n\n")
		if mentions(name+card, word) {
			first, _, _ := strings.Cut(strings.TrimPrefix(card, "-- "), "\n")
			found = append(found, hit{name, strings.TrimSpace(strings.TrimPrefix(first, "What:"))})
		}
	}
	return found
}

func mentions(text, word string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(word))
}

// scriptNames are the scripts that come with pharosd, but for their tests.
func scriptNames() []string {
	names, _ := fs.Glob(scripts.FS, "*.lua") // the pattern is good
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasSuffix(name, luaapi.TestSuffix) })
}

// membersOf gives the methods of a class, or the functions of a module.
func membersOf(of meta.Entry) []hit {
	owner := strings.TrimPrefix(plainName(of), "pharos.") + "."
	var members []hit
	for _, e := range meta.Entries() {
		if name, ok := strings.CutPrefix(strings.TrimPrefix(plainName(e), "pharos."), owner); ok && !strings.Contains(name, ".") {
			members = append(members, hit{e.Name, e.Summary()})
		}
	}
	return members
}

const maxFound = 20 // places of a word: more of them tell nothing

func listFound(out io.Writer, found []hit) {
	listNames(out, "  ", found[:min(len(found), maxFound)])
	if more := len(found) - maxFound; more > 0 {
		fmt.Fprintf(out, "and %d more\n", more)
	}
}

func listNames(out io.Writer, indent string, lines []hit) {
	tab := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(tab, "%s%s\t%s\n", indent, l.name, l.about)
	}
	tab.Flush()
}

func listEntries(out io.Writer) {
	tab := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	section := ""
	for _, e := range meta.Entries() {
		if e.Section != section {
			section = e.Section
			fmt.Fprintf(tab, "\n%s\n", section)
		}
		fmt.Fprintf(tab, "  %s\t%s\n", e.Name, e.Summary())
	}
	tab.Flush()
}

func printEntry(out io.Writer, e meta.Entry) {
	p := painterFor(out)
	fmt.Fprintln(out, p.bold(e.Name))
	printIndented(out, "  ", e.Text)
	if e.Parts != "" {
		fmt.Fprintln(out)
		printIndented(out, "    ", e.Parts)
	}
	if members := membersOf(e); len(members) > 0 {
		fmt.Fprintln(out)
		listNames(out, "    ", members)
	}
	if e.Example != "" {
		fmt.Fprintln(out, "\n  "+p.dim("Example"))
		printIndented(out, "    ", e.Example)
	}
}
