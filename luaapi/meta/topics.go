package meta

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed topics.txt
var topics string

// Topic is where to look for what one has in mind, rather than for a name.
type Topic struct {
	Words []string // "webhook", "time zone"
	Text  string
}

// Topics gives all of them. In the file a topic is a line of words and indented
// lines of text.
func Topics() []Topic {
	var all []Topic
	for block := range strings.SplitSeq(topics, "\n\n") {
		words, text, _ := strings.Cut(strings.TrimSpace(block), "\n")
		var lines []string
		for line := range strings.Lines(text) {
			lines = append(lines, strings.TrimSpace(line))
		}
		all = append(all, Topic{strings.Split(words, ", "), strings.Join(lines, "\n")})
	}
	return all
}

// About tells whether the word is one of the topic's, in the singular or the
// plural, as one word or as two.
func (t Topic) About(word string) bool {
	return slices.ContainsFunc(t.Words, func(w string) bool { return plainWord(w) == plainWord(word) })
}

var wordBreaks = strings.NewReplacer(" ", "", "-", "", "_", "")

func plainWord(word string) string {
	return strings.TrimSuffix(wordBreaks.Replace(strings.ToLower(word)), "s")
}
