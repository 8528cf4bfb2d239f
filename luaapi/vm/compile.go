package vm

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// lineEnds makes the ends of lines that others write ours, as the parser does:
// the linter is to see the same lines.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\n\r", "\n", "\r", "\n")

// maxSource is the longest source that is compiled, in bytes.
const maxSource = 1 << 20

// chunk is compiled source; immutable, so that universes may share it.
type chunk struct {
	name         string
	proto        *lua.FunctionProto
	globals      []globalUse
	own          map[string]int // those of its own locals that are used above them, as globals, and their lines
	calls        []TextCall
	options      []OptionUse
	libraryCalls []libraryCall
	fields       []FieldUse
	warnings     []Error
}

// Compile compiles a file. name is its chunk name, which errors speak of. The
// error is an [*Error].
func Compile(name string, src []byte) (*lua.FunctionProto, error) {
	c, err := compileChunk(name, src, defaultLoadTimeout)
	if err != nil {
		return nil, err
	}
	return c.proto, nil
}

// compileChunk compiles within a time: what is known to take long is refused
// beforehand, and the time is for what is not known.
func compileChunk(name string, src []byte, within time.Duration) (*chunk, error) {
	if len(src) > maxSource {
		return nil, &Error{File: name, Message: fmt.Sprintf("cannot load %d bytes of source (at most %d)", len(src), maxSource)}
	}
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return nil, &Error{File: name, Line: 1, Message: "cannot read UTF-16: save the file as UTF-8"}
	}
	if bytes.HasPrefix(src, []byte("#")) {
		src = append([]byte("--"), src...) // #!/usr/bin/env ...
	}
	if bytes.IndexByte(src, '\r') >= 0 {
		src = []byte(lineEnds.Replace(string(src)))
	}
	warnings, err := lint(name, src)
	if err != nil {
		return nil, err
	}
	type result struct {
		*chunk
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := translate(name, src)
		done <- result{c, err}
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.chunk != nil {
			r.warnings = warnings
		}
		return r.chunk, r.err
	case <-timer.C:
		return nil, &Error{File: name, Message: fmt.Sprintf("compiling took longer than %v", within)}
	}
}

// translate parses, resolves and compiles.
func translate(name string, src []byte) (c *chunk, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{File: name, Message: fmt.Sprintf("cannot compile: %v", p)}
		}
	}()
	stmts, err := parse.Parse(bytes.NewReader(src), name)
	if err != nil {
		return nil, syntaxError(name, src, err)
	}
	r, err := resolve(name, stmts)
	if err != nil {
		return nil, err
	}
	proto, err := lua.Compile(stmts, name)
	if err != nil {
		return nil, syntaxError(name, src, err)
	}
	guardCalls(r.libraryCalls, r.fields.list)
	own := map[string]int{}
	for _, g := range r.globals {
		if line := r.own[g.name]; line > g.line {
			own[g.name] = line
		}
	}
	return &chunk{name: name, proto: proto, globals: r.globals, own: own, calls: r.calls, options: r.options, libraryCalls: r.libraryCalls, fields: r.fields.list}, nil
}

// gotoError finds the line in the texts about goto and labels, whose errors are
// said to be on the line after.
var gotoError = regexp.MustCompile(`(?:<goto.*> at|already defined on) line ([0-9]+)`)

// nearEnd is in the message about source that ends too early.
const nearEnd = " near end of file"

func syntaxError(name string, src []byte, err error) error {
	var pe *parse.Error
	if errors.As(err, &pe) {
		message, hint := strings.TrimSpace(pe.Message), syntaxHint(name, src, pe.Pos)
		if pe.Pos.Line == parse.EOF {
			return &Error{File: name, Line: bytes.Count(src, []byte("\n")) + 1, Message: message + nearEnd + hint}
		}
		return &Error{File: name, Line: pe.Pos.Line, Message: fmt.Sprintf("%s near '%s'%s", message, pe.Token, hint)}
	}
	var ce *lua.CompileError
	if errors.As(err, &ce) {
		if m := gotoError.FindStringSubmatch(ce.Message); m != nil {
			ce.Line, _ = strconv.Atoi(m[1])
			ce.Message = strings.Replace(ce.Message, "<goto> at line "+m[1], "goto", 1)
		}
		return &Error{File: name, Line: ce.Line, Message: ce.Message}
	}
	return &Error{File: name, Message: err.Error()}
}

// compile compiles a file of this universe, or finds it in the cache, and checks
// the globals that it uses: in the main chunk an undeclared one is an error, in
// a function, which may never be called, a warning. To set one that is given is
// an error anywhere: Pharos itself builds on them.
func (u *Universe) compile(name string, src []byte) (*chunk, error) {
	c, err := u.opts.Cache.compile(name, src, u.opts.LoadTimeout)
	if err != nil {
		return nil, err
	}
	warn := func(e Error) {
		if u.opts.Warn != nil {
			u.opts.Warn(e)
		}
	}
	for _, e := range c.warnings {
		warn(e)
	}
	u.libraryCalls = append(u.libraryCalls, c.libraryCalls...)
	if u.opts.Called != nil {
		for _, call := range c.calls {
			u.opts.Called(call)
		}
	}
	if u.opts.Passed != nil {
		for _, option := range c.options {
			u.opts.Passed(option)
		}
	}
	if u.opts.Read != nil {
		for _, field := range c.fields {
			u.opts.Read(field)
		}
	}
	said := map[Error]bool{} // of a line once
	for _, g := range c.globals {
		settable := slices.Contains(u.opts.Globals, g.name)
		if g.write && u.names[g.name] && !settable {
			return nil, &Error{File: name, Line: g.line, Message: fmt.Sprintf("cannot set global %q: it is given (is a \"local\" missing?)", g.name)}
		}
		if u.names[g.name] {
			if g.write && u.opts.Assigned != nil {
				u.opts.Assigned(g.name, name, g.line)
			}
			continue
		}
		u.locals[g.name] = g.scope.names()
		if line := c.own[g.name]; line > 0 {
			u.below[g.name] = line
		}
		e := Error{File: name, Line: g.line, Message: u.undeclared(g.name, g.write)}
		if !g.nested {
			return nil, &e
		}
		if !said[e] {
			said[e] = true
			warn(e)
		}
	}
	return c, nil
}
