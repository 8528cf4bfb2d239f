package vm

import (
	"crypto/sha256"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Cache keeps compiled chunks, so that universes and generations share them: of
// each file the last content that was compiled. The zero value is ready to use.
type Cache struct {
	mu     sync.Mutex
	chunks map[string]cached // by chunk name
}

type cached struct {
	sum [sha256.Size]byte
	*chunk
}

// Compile compiles a chunk as the function [Compile] does, or finds it.
func (c *Cache) Compile(name string, src []byte) (*lua.FunctionProto, error) {
	made, err := c.compile(name, src, defaultLoadTimeout)
	if err != nil {
		return nil, err
	}
	return made.proto, nil
}

func (c *Cache) compile(name string, src []byte, within time.Duration) (*chunk, error) {
	sum := sha256.Sum256(src)
	c.mu.Lock()
	found := c.chunks[name]
	c.mu.Unlock()
	if found.chunk != nil && found.sum == sum {
		return found.chunk, nil
	}
	made, err := compileChunk(name, src, within)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chunks == nil {
		c.chunks = map[string]cached{}
	}
	c.chunks[name] = cached{sum, made}
	return made, nil
}
