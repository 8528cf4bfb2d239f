package luaapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// secretMinBytes is the shortest secret taken: masking a shorter one would
// black out ordinary words.
const secretMinBytes = 8

const maskText = "••••••"

// mask replaces secrets in everything that leaves a script. It is safe for
// concurrent use.
type mask struct {
	mu       sync.Mutex
	values   []string
	replacer atomic.Pointer[strings.Replacer] // nil while there is no secret
}

// add masks value from now on, also as it looks in a URL, between quotes and
// encoded; of a key of many lines, each line as well.
func (m *mask) add(value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addForms(value)
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= secretMinBytes {
				m.addForms(line)
			}
		}
	}
	// Longest first, so that a secret which begins with another one is masked whole.
	slices.SortFunc(m.values, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(m.values))
	for _, form := range m.values {
		pairs = append(pairs, form, maskText)
	}
	m.replacer.Store(strings.NewReplacer(pairs...))
}

func (m *mask) addForms(value string) {
	forms := append([]string{
		value, strings.ToLower(value), // as in a host name
		url.QueryEscape(value), url.PathEscape(value), (&url.URL{Path: "/" + value}).EscapedPath()[1:],
		url.UserPassword("", value).String()[1:],
		unquoted(strconv.Quote(value)), unquoted(string(appendJSONString(nil, value))), jsonForHTML(value),
		html.EscapeString(value),
	}, base64Forms(value)...)
	for _, form := range forms {
		if !slices.Contains(m.values, form) {
			m.values = append(m.values, form)
		}
	}
}

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

// text gives text with every secret masked.
func (m *mask) text(text string) string {
	if r := m.replacer.Load(); r != nil && text != "" {
		return r.Replace(text)
	}
	return text
}

// startMinBytes is how much of a secret's beginning is known for one.
const startMinBytes = 4

// start is text for one that may have been cut off in a secret: the beginning of
// one at its end is masked too.
func (m *mask) start(text string) string {
	text = m.text(text)
	m.mu.Lock()
	defer m.mu.Unlock()
	longest := 0
	for _, form := range m.values {
		for n := min(len(form)-1, len(text)); n >= startMinBytes && n > longest; n-- {
			if strings.HasSuffix(text, form[:n]) {
				longest = n
			}
		}
	}
	if longest == 0 {
		return text
	}
	return text[:len(text)-longest] + maskText
}

// inName gives an error if text has a secret in it: names are shown as they are,
// and in parts, as in ids.
func (m *mask) inName(text string) error {
	if masked := m.text(text); masked != text {
		return fmt.Errorf("%q has a secret in it, and names are shown", masked)
	}
	return nil
}

// secretFunction is pharos.secret(name): the value of a credential, masked from
// now on wherever it would show. It is read from the file of that name in
// $CREDENTIALS_DIRECTORY (systemd's LoadCredential), else from the environment
// variable of that name. pharos.secret{file = path} reads a file. A missing or
// short one raises. A run gets only those that were asked for while the file
// loaded: a generation does not read the disk, and a mask must come first.
func (s *script) secretFunction(L *lua.LState) lua.LValue {
	return L.NewFunction(func(L *lua.LState) int {
		name, fromFile := secretName(L)
		value, ok := s.loadedSecrets[name]
		if !ok {
			if !vm.Loading(L) && !vm.Typed(L) {
				L.RaiseError("cannot use secret: ask for %q while the file loads, and keep it in a local", name)
			}
			var err error
			if fromFile {
				value, err = s.readSecret(s.inputs.resolve(name))
			} else {
				value, err = s.namedSecret(name)
			}
			if err != nil {
				L.RaiseError("cannot use secret: %s", err)
			}
			s.loadedSecrets[name] = value
			s.mask.add(value)
		}
		L.Push(lua.LString(value))
		return 1
	})
}

// secretName reads pharos.secret's argument: a name, or { file = path }.
func secretName(L *lua.LState) (name string, fromFile bool) {
	switch arg := L.Get(1).(type) {
	case lua.LString:
		return string(arg), false
	case *lua.LTable:
		eachOption(L, arg, "pharos.secret", []string{"file"}, func(option string, v lua.LValue) error {
			if option != "file" {
				return errNoOption
			}
			return setText(&name, v)
		})
	}
	if name == "" {
		L.RaiseError("cannot use secret: want a name or { file = path }, got %s", typeName(L.Get(1)))
	}
	return name, true
}

func (s *script) namedSecret(name string) (string, error) {
	if name == "" || strings.ContainsAny(name, "/\\\x00") || name == ".." {
		return "", fmt.Errorf("%q is no name of a credential", name)
	}
	if dir, ok := s.lookupEnv("CREDENTIALS_DIRECTORY"); ok {
		value, err := s.readSecret(filepath.Join(dir, name))
		if !errors.Is(err, os.ErrNotExist) {
			return value, err
		}
	}
	if value, ok := s.lookupEnv(name); ok {
		return checkSecret(name, value)
	}
	return "", fmt.Errorf("%q is neither a file in $CREDENTIALS_DIRECTORY nor an environment variable", name)
}

func (s *script) readSecret(path string) (string, error) {
	data, err := s.inputs.read(path)
	if err != nil {
		return "", err
	}
	return checkSecret(path, strings.TrimRight(string(data), "\r\n"))
}

func checkSecret(name, value string) (string, error) {
	if len(value) < secretMinBytes {
		return "", fmt.Errorf("%q has %d bytes, fewer than %d: it could not be masked", name, len(value), secretMinBytes)
	}
	return value, nil
}
