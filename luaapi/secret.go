package luaapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// secretMinBytes is the shortest secret taken: masking a shorter one would
// black out ordinary words.
const secretMinBytes = 8

// secret is pharos.secret(name): the value of a credential, masked from
// now on wherever it would show. It is read from the file of that name in
// $CREDENTIALS_DIRECTORY (systemd's LoadCredential), else from the environment
// variable of that name. pharos.secret{file = path} reads a file. A missing or
// short one raises. A run gets only those that were asked for while the file
// loaded: a generation does not read the disk, and a mask must come first.
func (s *script) secret(L *lua.LState) int {
	asked := readSecretName(L)
	value, ok := s.loadedSecrets[asked]
	if !ok {
		if !vm.Loading(L) && !vm.Typed(L) {
			L.RaiseError("cannot use secret: ask for %q while the file loads, and keep it in a local", asked.name)
		}
		var err error
		if asked.file {
			value, err = s.readSecret(s.inputs.resolve(asked.name))
		} else {
			value, err = s.namedSecret(asked.name)
		}
		if err != nil {
			L.RaiseError("cannot use secret: %s", err)
		}
		s.loadedSecrets[asked] = value
		s.mask.add(value)
		s.own.add(value)
	}
	L.Push(lua.LString(value))
	return 1
}

// secretName is what a script asks for a secret by.
type secretName struct {
	name string
	file bool // it is a path
}

// readSecretName reads pharos.secret's argument: a name, or { file = path }.
func readSecretName(L *lua.LState) secretName {
	asked := secretName{file: true}
	switch arg := L.Get(1).(type) {
	case lua.LString:
		return secretName{name: string(arg)}
	case *lua.LTable:
		eachOption(L, arg, "pharos.secret", []string{"file"}, func(_ string, v lua.LValue) error {
			return setText(&asked.name, v)
		})
	}
	if asked.name == "" {
		L.RaiseError("cannot use secret: want a name or { file = path }, got %s", typeName(L.Get(1)))
	}
	return asked
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
	err := fmt.Errorf("%q is neither a file in $CREDENTIALS_DIRECTORY nor an environment variable", name)
	if _, tested := s.primitives.(*caseWorld); tested {
		err = fmt.Errorf("%w; in a test t:load(path, { env = { [%q] = \"...\" } }) gives it", err, name)
	}
	return "", err
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
