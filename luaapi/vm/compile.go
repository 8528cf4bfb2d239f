package vm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// maxSource is the longest source that is compiled, in bytes.
const maxSource = 1 << 20

// chunk is compiled source; immutable, so that universes may share it.
type chunk struct {
	name  string
	proto *lua.FunctionProto
}

// Compile compiles a file. name is its chunk name, which errors speak of. The
// error is an [*Error].
func Compile(name string, src []byte) (*lua.FunctionProto, error) {
	c, err := compileChunk(name, src)
	if err != nil {
		return nil, err
	}
	return c.proto, nil
}

func compileChunk(name string, src []byte) (c *chunk, err error) {
	if len(src) > maxSource {
		return nil, &Error{File: name, Message: fmt.Sprintf("cannot load %d bytes of source (at most %d)", len(src), maxSource)}
	}
	defer func() {
		if p := recover(); p != nil {
			err = &Error{File: name, Message: fmt.Sprintf("cannot compile: %v", p)}
		}
	}()
	ast, err := parse.Parse(bytes.NewReader(src), name)
	if err != nil {
		return nil, syntaxError(name, src, err)
	}
	proto, err := lua.Compile(ast, name)
	if err != nil {
		return nil, syntaxError(name, src, err)
	}
	return &chunk{name: name, proto: proto}, nil
}

func syntaxError(name string, src []byte, err error) error {
	var pe *parse.Error
	if errors.As(err, &pe) {
		message := strings.TrimSpace(pe.Message)
		if pe.Pos.Line == parse.EOF {
			return &Error{File: name, Line: bytes.Count(src, []byte("\n")) + 1, Message: message + " near end of file"}
		}
		return &Error{File: name, Line: pe.Pos.Line, Message: fmt.Sprintf("%s near '%s'", message, pe.Token)}
	}
	var ce *lua.CompileError
	if errors.As(err, &ce) {
		return &Error{File: name, Line: ce.Line, Message: ce.Message}
	}
	return &Error{File: name, Message: err.Error()}
}

// Cache keeps compiled chunks by name and content, so that universes and
// generations share them. The zero value is ready to use.
type Cache struct {
	mu     sync.Mutex
	chunks map[cacheKey]*chunk
}

// Compile compiles a chunk as the function [Compile] does, or finds it.
func (c *Cache) Compile(name string, src []byte) (*lua.FunctionProto, error) {
	made, err := c.compile(name, src)
	if err != nil {
		return nil, err
	}
	return made.proto, nil
}

type cacheKey struct {
	name string
	sum  [sha256.Size]byte
}

// compile compiles a file of this universe, or finds it in the cache.
func (u *Universe) compile(name string, src []byte) (*chunk, error) {
	return u.opts.Cache.compile(name, src)
}

func (c *Cache) compile(name string, src []byte) (*chunk, error) {
	if c == nil {
		return compileChunk(name, src)
	}
	key := cacheKey{name, sha256.Sum256(src)}
	c.mu.Lock()
	found := c.chunks[key]
	c.mu.Unlock()
	if found != nil {
		return found, nil
	}
	made, err := compileChunk(name, src)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chunks == nil {
		c.chunks = map[cacheKey]*chunk{}
	}
	c.chunks[key] = made
	return made, nil
}
