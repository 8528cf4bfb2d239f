package luaapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

const (
	fileMaxDefault = 1 << 20 // bytes that file.read gives at most
	fileMaxBytes   = 8 << 20 // the most that its option max may ask for
)

// fileModule is pharos.file: read, stat, newest and tail. A path is relative to the
// folder of the script. read works while the file loads too; what is read then
// is an input of reload.
func (s *script) fileModule(L *lua.LState) lua.LValue {
	return s.newModule(L, "pharos.file", member{"read", s.fileRead}, member{"stat", s.fileStat},
		member{"newest", s.fileNewest}, member{"tail", s.fileTail})
}

// pathArgument is the first argument of a function, resolved. An empty text would be
// the folder of the script: a path that was forgotten would be there, and new.
func (s *script) pathArgument(L *lua.LState, of string) string {
	path := L.CheckString(1)
	if path == "" {
		L.RaiseError("cannot call %s: want a path, got an empty text", of)
	}
	return s.inputs.resolve(path)
}

// fileRead is pharos.file.read(path, {max =}): the content, or nil and an error
// of kind missing, toobig, auth, timeout or proto.
func (s *script) fileRead(L *lua.LState) int {
	path, limit := s.pathArgument(L, "pharos.file.read"), fileMaxDefault
	readOptions(L, 2, "pharos.file.read", []string{"max"}, func(_ string, v lua.LValue) error {
		return setCount(&limit, v, 1, fileMaxBytes)
	})
	var data []byte
	var err error
	if vm.Loading(L) {
		data, err = s.inputs.read(path)
	} else {
		e := &Event{Kind: "file.read", Text: path}
		data, err = reach(s, L, e, 0, func(ctx context.Context) ([]byte, error) {
			return s.primitives.ReadFile(ctx, path, limit)
		})
		s.done(L, e)
	}
	if err == nil && len(data) > limit {
		err = &probe.Error{Kind: probe.TooBig, Message: fmt.Sprintf("reading %q: more than %d bytes", path, limit)}
	}
	if err != nil {
		err = fileError("reading", path, err)
		runOf(L).failure = err
		return s.pushError(L, err)
	}
	vm.Charge(L, len(data)/64)
	L.Push(lua.LString(data))
	return 1
}

// fileStat is pharos.file.stat(path): {path, size, mtime, age, mode, dir}, or nil
// and an error.
func (s *script) fileStat(L *lua.LState) int {
	return s.lookAtFile(L, "file.stat", s.primitives.StatFile)
}

// fileNewest is pharos.file.newest(pattern): the same of the newest file that
// matches.
func (s *script) fileNewest(L *lua.LState) int {
	return s.lookAtFile(L, "file.newest", s.primitives.NewestFile)
}

func (s *script) lookAtFile(L *lua.LState, kind string, look func(ctx context.Context, path string) (*probe.FileInfo, error)) int {
	path := s.pathArgument(L, "pharos."+kind)
	e := &Event{Kind: kind, Text: path}
	info, err := reach(s, L, e, 0, func(ctx context.Context) (*probe.FileInfo, error) { return look(ctx, path) })
	s.done(L, e)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(vm.LazyTable(L, fileFields, &fileAnswer{info, s.clock.Now().Sub(info.ModTime)}))
	return 1
}

// fileAnswer is what the table of a file shows.
type fileAnswer struct {
	*probe.FileInfo
	age time.Duration // by the clock of scripts
}

var fileFields = []vm.Field[fileAnswer]{
	textField("path", func(f *fileAnswer) string { return f.Path }),
	number("size", func(f *fileAnswer) float64 { return float64(f.Size) }),
	number("mtime", func(f *fileAnswer) float64 { return float64(f.ModTime.UnixMilli()) / 1000 }),
	seconds("age", func(f *fileAnswer) time.Duration { return f.age }),
	textField("mode", func(f *fileAnswer) string { return fmt.Sprintf("%04o", f.Mode.Perm()) }),
	boolean("dir", func(f *fileAnswer) bool { return f.Dir }),
}

// fileError names what could not be done with a file while loading.
func fileError(doing, path string, err error) error {
	if _, ok := errors.AsType[*probe.Error](err); ok {
		return err
	}
	kind := probe.Proto
	if errors.Is(err, fs.ErrNotExist) {
		kind = probe.Missing
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return &probe.Error{Kind: kind, Message: fmt.Sprintf("%s %q: %s", doing, path, err), Err: err}
}
