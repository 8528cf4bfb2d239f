package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"pharos/engine"
	"pharos/luaapi"
)

// checkJSON is what check --json prints, of a good configuration and of a bad
// one.
type checkJSON struct {
	OK       bool          `json:"ok"`
	Errors   []findingJSON `json:"errors"`
	Warnings []findingJSON `json:"warnings"`
	Watchers int           `json:"watchers"`
	Sets     int           `json:"sets"`
}

// findingJSON is one error or warning; file and line are left out where it has
// none.
type findingJSON struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func findings(list []engine.LoadError) []findingJSON {
	found := make([]findingJSON, 0, len(list))
	for _, e := range list {
		found = append(found, findingJSON{e.File, e.Line, e.Message})
	}
	return found
}

// printCheckJSON prints the verdict; failed is why the configuration did not
// load, and then there is no other result.
func printCheckJSON(out io.Writer, result checkJSON, failed error) error {
	result.OK = failed == nil
	result.Errors = findings(nil)
	if failed != nil {
		result.Errors = findings([]engine.LoadError{{Message: failed.Error()}})
		result.Warnings = findings(nil)
		if le, ok := errors.AsType[*luaapi.LoadError](failed); ok {
			result.Errors = findings(append([]engine.LoadError{le.LoadError}, le.More...))
		}
	}
	if err := encodeJSON(out, result); err != nil {
		return err
	}
	if failed != nil {
		return exitError{code: exitFailure}
	}
	return nil
}

// printCheck prints the verdict on a configuration that is good: warnings on
// stderr, a line of text on out.
func printCheck(out io.Writer, cfg *loaded, warnings []engine.LoadError) {
	printWarnings(warnings)
	watchers, sets := count(cfg.Generation)
	fmt.Fprintf(out, "%s: good: %s in %s%s\n", describe(cfg.path), plural(watchers, "watcher"), plural(sets, "set"), finding(cfg.Generation))
}

func printWarnings(warnings []engine.LoadError) {
	for _, w := range warnings {
		fmt.Fprintf(os.Stderr, "%s:%d: warning: %s\n", w.File, w.Line, w.Message)
	}
}

// finding says how many sets find their members while Pharos runs, which check
// does not do.
func finding(gen *engine.Generation) string {
	n := discoveries(gen)
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 of which finds its members when Pharos runs"
	}
	return fmt.Sprintf(", %d of which find their members when Pharos runs", n)
}

// discoveries counts the sets that find their members.
func discoveries(gen *engine.Generation) (n int) {
	for _, set := range gen.Sets {
		if set.Discover != nil {
			n++
		}
	}
	return n
}
