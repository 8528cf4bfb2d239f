package luaapi

import (
	"fmt"
	"slices"
	"strings"

	"pharos/luaapi/vm"
)

// unknownName says that name is not one of valid, with the nearest of them and
// the whole list: `(did you mean "thresholds"? valid: ...)`.
func unknownName(name string, valid []string) string {
	sorted := slices.Sorted(slices.Values(valid))
	list := "valid: " + strings.Join(sorted, ", ")
	if near := Nearest(name, sorted); near != "" {
		return fmt.Sprintf("(did you mean %q? %s)", near, list)
	}
	return "(" + list + ")"
}

// Nearest gives the word that name misspells or abbreviates, or "".
func Nearest(name string, words []string) string {
	const longest = 64 // names beyond it are no typing mistake, and the search is quadratic
	if len(name) > longest {
		return ""
	}
	if near := vm.Nearest(name, words); near != "" {
		return near
	}
	for _, word := range words {
		if len(name) >= 3 && strings.HasPrefix(word, strings.ToLower(name)) {
			return word
		}
	}
	return ""
}
