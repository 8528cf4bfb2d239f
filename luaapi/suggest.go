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

// brief is a name that a script gave, for a message: a key may have 16 MB.
func brief(name string) string {
	const longest = 200
	if len(name) <= longest {
		return name
	}
	return name[:longest] + "..."
}

// synonyms are what other monitors, or anybody, might call an option.
var synonyms = map[string]string{
	"cmd": "command", "script": "command", "shell": "command", "every": "interval", "period": "interval", "frequency": "interval",
	"refresh": "interval", "title": "name", "label": "name", "warning": "warn", "critical": "crit", "hostname": "host", "ssh": "ssh_host",
	"uri": "url", "host": "address", "url": "address", "href": "url", "file": "path", "filename": "path", "depends": "needs", "depends_on": "needs", "parent": "needs",
	"requires": "needs", "retries": "confirm", "retry": "confirm", "run": "check", "func": "check",
	"status_code": "status", "code": "status", "text": "body", "content": "body", "data": "json", "params": "form", "auth": "basic",
	"verify": "insecure", "follow": "redirects", "token": "bearer", "output": "stdout", "exit_code": "code", "error": "stderr",
	"exitcode": "code", "exit_status": "code", "returncode": "code", "return_code": "code", "rc": "code", "out": "stdout", "err": "stderr",
	"duration": "elapsed", "rtt": "avg", "packet_loss": "loss", "expires": "not_after", "modified": "mtime",
}

// Nearest gives the word that name misspells or abbreviates, or "".
func Nearest(name string, words []string) string {
	const longest = 64 // names beyond it are no typing mistake, and the search is quadratic
	if len(name) > longest {
		return ""
	}
	if meant := synonyms[name]; slices.Contains(words, meant) {
		return meant
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
