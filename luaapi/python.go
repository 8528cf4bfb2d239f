package luaapi

import (
	"bytes"
	"regexp"

	"pharos/engine"
)

// pythonLine finds what the original's configuration had and Lua does not: its
// import line, a class called with named arguments, or a list in brackets.
var pythonLine = regexp.MustCompile(`(?m)^[ \t]*(import pharos|from pharos import|import [a-z]+[ \t]*$|pharos\.[A-Za-z]+\([ \t]*[a-z_]+[ \t]*=|metric_watcher(?:s|_sets)[ \t]*=[ \t]*\[(?:[^\[=]|$))`)

// pythonHint answers a file in Python with how to write the same in Lua; nil if
// it is none.
func pythonHint(name string, source []byte) error {
	at := pythonLine.FindIndex(source)
	if at == nil {
		return nil
	}
	return &LoadError{LoadError: engine.LoadError{
		File: name,
		Line: bytes.Count(source[:at[0]], []byte("\n")) + 1,
		Message: `cannot read Python: Pharos is configured in Lua now, line for line: ` +
			`leave "import pharos" out; [...] becomes {...}; ` +
			`pharos.Name(name="x", thresholds=(1, 2, 3)) becomes pharos.Name{name="x", thresholds={1, 2, 3}}; ` +
			`pharos.WatcherSet("x", [...]) becomes pharos.WatcherSet("x", {...}); ` +
			`interval=2000 (milliseconds) becomes interval="2000ms"; # comments become -- comments`,
	}}
}
