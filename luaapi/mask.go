package luaapi

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"pharos/engine"
	"pharos/engine/probe"
)

const maskText = "••••••"

// mask replaces secrets in everything that leaves scripts: those of all of them,
// as what one file has for a secret may come to another from a log or a page. It
// is safe for concurrent use.
type mask struct {
	mu    sync.Mutex
	forms map[string]int            // how many scripts have a secret of that form
	known atomic.Pointer[maskForms] // nil until a text needs it after a change
}

// maskForms are all secrets in all their forms. It never changes.
type maskForms struct {
	replacer     *strings.Replacer   // nil if there are none
	begins, ends map[string][]string // by their first and their last cutMinBytes
	longest      int                 // bytes
}

// add masks value from now on, also as it looks in a URL, between quotes and
// encoded; of a key of many lines, each line as well.
func (m *mask) add(value string) { m.count(value, 1) }

// drop takes back an add.
func (m *mask) drop(value string) { m.count(value, -1) }

func (m *mask) count(value string, by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forms == nil {
		m.forms = make(map[string]int)
	}
	for _, form := range formsOf(value) {
		if m.forms[form] += by; m.forms[form] == 0 {
			delete(m.forms, form)
		}
	}
	m.known.Store(nil)
}

// current gives the forms of all secrets. They are not gathered as each secret
// comes: a folder of files has hundreds of them, one after the other.
func (m *mask) current() *maskForms {
	if known := m.known.Load(); known != nil {
		return known
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.known.Load(); known != nil {
		return known // another run needed them as well
	}
	known := newMaskForms(slices.Collect(maps.Keys(m.forms)))
	m.known.Store(known)
	return known
}

func newMaskForms(forms []string) *maskForms {
	k := &maskForms{begins: make(map[string][]string), ends: make(map[string][]string)}
	if len(forms) == 0 {
		return k
	}
	// Longest first, so that a secret which begins with another one is masked whole.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, maskText)
		begin, end := form[:cutMinBytes], form[len(form)-cutMinBytes:]
		k.begins[begin] = append(k.begins[begin], form)
		k.ends[end] = append(k.ends[end], form)
	}
	k.replacer, k.longest = strings.NewReplacer(pairs...), len(forms[0])
	return k
}

// formsOf gives the forms in which a secret may be seen.
func formsOf(value string) []string {
	texts := []string{value}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= secretMinBytes {
				texts = append(texts, line)
			}
		}
	}
	var forms []string
	for _, text := range texts {
		forms = append(forms,
			text, strings.ToLower(text), strings.ToUpper(text), // as in the name of a host or a variable
			url.QueryEscape(text), url.PathEscape(text), (&url.URL{Path: "/" + text}).EscapedPath()[1:],
			url.UserPassword("", text).String()[1:],
			unquoted(strconv.Quote(text)), unquoted(strconv.QuoteToASCII(text)),
			unquoted(string(appendJSONString(nil, text))), jsonForHTML(text),
			strings.ReplaceAll(text, "/", `\/`), strings.ReplaceAll(text, "'", `'\''`), // PHP's JSON, a shell's trace
			html.EscapeString(text),
			hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		)
		forms = append(forms, base64Forms(text)...)
	}
	for _, form := range forms {
		forms = append(forms, percent.ReplaceAllStringFunc(form, strings.ToLower))
	}
	// A few letters are shorter in lower case.
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < secretMinBytes })
}

// percent is a byte as URLs have it; many write it in lower case.
var percent = regexp.MustCompile(`%[0-9A-F]{2}`)

func unquoted(text string) string { return text[1 : len(text)-1] }

// jsonForHTML is value in JSON as encoders write it that spare < and >.
func jsonForHTML(value string) string {
	text, err := json.Marshal(value)
	if err != nil {
		return value // texts have no errors
	}
	return unquoted(string(text))
}

// base64Forms gives what is sure to be in base64 of a text with value in it, such
// as a header that a server gives back: it depends on how many bytes are before
// value, in threes, and at both ends on what they are.
func base64Forms(value string) []string {
	var forms []string
	for before := range 3 {
		data := append(make([]byte, before), value...)
		first, end := (before*8+5)/6, len(data)*8/6
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			forms = append(forms, encoding.EncodeToString(data)[first:end])
		}
	}
	return forms
}

// text gives text with every secret masked, also what is left of one beside
// dots that stand for what was left out.
func (m *mask) text(text string) string {
	known := m.current()
	if known.replacer == nil || text == "" {
		return text
	}
	return known.atCuts(known.replacer.Replace(text))
}

// clean is text without what [probe.Clean] takes out: that may have hidden a
// secret, and a secret may hold some of it.
func (m *mask) clean(text string) string {
	masked := m.text(text)
	cleaned := probe.CleanText(masked)
	if cleaned == masked {
		return masked
	}
	return m.text(cleaned)
}

// start is clean for text that may have been cut off in a secret: the beginning
// of one at its end is masked too.
func (m *mask) start(text string) string {
	return m.current().cutOff(m.clean(text))
}

// err is an error for people, with secrets masked.
func (m *mask) err(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if shown := m.clean(text); shown != text {
		return errors.New(shown)
	}
	return err
}

// messages takes secrets out of what is wrong with files.
func (m *mask) messages(lists ...[]engine.LoadError) {
	for _, list := range lists {
		for i := range list {
			list[i].File, list[i].Message = m.clean(list[i].File), m.clean(list[i].Message)
		}
	}
}

// cutMinBytes is how much of a secret is known for a part of one.
const cutMinBytes = 4

const (
	cutDots  = "..."
	cutMarks = `"'[]` + "\n" // what may stand between the dots and what was cut

	// maxCuts bounds the search for secrets beside dots: whoever sends more of
	// them has the secret.
	maxCuts = 64
)

// atCuts masks the parts of secrets beside dots.
func (k *maskForms) atCuts(text string) string {
	if !strings.Contains(text, cutDots) {
		return text
	}
	var b strings.Builder
	rest := text
	for range maxCuts {
		before, after, found := strings.Cut(rest, cutDots)
		if !found {
			break
		}
		end := strings.TrimRight(before, cutMarks)
		b.WriteString(k.cutOff(end))
		b.WriteString(before[len(end):])
		b.WriteString(cutDots)
		begin := strings.TrimLeft(after, cutMarks)
		b.WriteString(after[:len(after)-len(begin)])
		rest = k.cutOn(begin)
	}
	b.WriteString(rest)
	return b.String()
}

// cutOff is text with the beginning of a secret at its end masked.
func (k *maskForms) cutOff(text string) string {
	for at := max(0, len(text)-k.longest+1); at <= len(text)-cutMinBytes; at++ {
		end := text[at:]
		for _, form := range k.begins[end[:cutMinBytes]] {
			if strings.HasPrefix(form, end) {
				return text[:at] + maskText
			}
		}
	}
	return text
}

// cutOn is text with the end of a secret at its beginning masked.
func (k *maskForms) cutOn(text string) string {
	for n := min(len(text), k.longest-1); n >= cutMinBytes; n-- {
		start := text[:n]
		for _, form := range k.ends[start[n-cutMinBytes:]] {
			if strings.HasSuffix(form, start) {
				return maskText + text[n:]
			}
		}
	}
	return text
}

// inName gives an error if text has a secret in it: names are shown as they are,
// and in parts, as in ids.
func (m *mask) inName(text string) error {
	if masked := m.clean(text); masked != probe.CleanText(text) {
		return fmt.Errorf("%q has a secret in it, and names are shown", masked)
	}
	return nil
}
