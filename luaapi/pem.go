package luaapi

import (
	"context"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine/probe"
)

const pemMaxBytes = 1 << 20

// pemFiles are the options of a call that name a file instead of holding
// certificates or keys themselves.
type pemFiles []pemFile

type pemFile struct{ option, path string }

// set takes text in PEM form, or the path of a file with it.
func (p *pemFiles) set(option string, to *[]byte, v lua.LValue) error {
	var text string
	if err := setText(&text, v); err != nil {
		return err
	}
	if strings.Contains(text, "-----BEGIN ") {
		*to = []byte(text)
		return nil
	}
	if text == "" || strings.Contains(text, "\n") {
		return fmt.Errorf("want text in PEM form, -----BEGIN ..., or the path of a file with it")
	}
	*p = append(*p, pemFile{option, text})
	return nil
}

// without drops what is of no use while the files are not read: a certificate
// without its key, or the key alone.
func (p pemFiles) without(cert, key *[]byte) {
	if len(p) > 0 {
		*cert, *key = nil, nil
	}
}

// read reads the files, for each call anew: certificates are renewed. One that
// cannot be read is a mistake of the script.
func (p pemFiles) read(ctx context.Context, s *script, ca, cert, key, proxyCA *[]byte) error {
	for _, file := range p {
		text, err := s.primitives.ReadFile(ctx, s.inputs.resolve(file.path), pemMaxBytes)
		if err != nil {
			return &probe.Error{Kind: probe.Misuse, Err: err, Message: fmt.Sprintf("cannot use option %q: %s", file.option, err)}
		}
		switch file.option {
		case "ca":
			*ca = text
		case "cert":
			*cert = text
		case "key":
			*key = text
		case "proxy_ca":
			*proxyCA = text
		}
	}
	return nil
}
