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

// synonyms are what other monitors, or anybody, might call an option or a status:
// words divided by spaces, of which the first that is valid is meant.
var synonyms = map[string]string{
	"cmd": "command", "script": "command", "shell": "command", "plugin": "command", "every": "interval", "period": "interval",
	"frequency": "interval", "refresh": "interval", "title": "name", "label": "name", "warn": "warning thresholds",
	"warning": "warn thresholds", "critical": "crit thresholds", "crit": "critical thresholds", "max_age": "thresholds",
	"hostname": "host", "ssh": "ssh_host", "uri": "url", "host": "address", "address": "host", "url": "address", "port": "address",
	"href": "url", "file": "path", "filename": "path", "depends": "needs", "depends_on": "needs", "parent": "needs",
	"requires": "needs", "retries": "confirm", "retry": "confirm", "run": "check", "func": "check function",
	"int": "number", "integer": "number", "float": "number", "bool": "boolean", "str": "string", "list": "table", "array": "table",
	"dict": "table", "map": "table", "object": "table", "callback": "function",

	"expect": "handle_output", "contains": "handle_output expect", "match": "handle_output expect",
	"status_code": "status", "status": "handle_output", "statuses": "handle_output", "codes": "handle_output", "keyword": "handle_output", "code": "status kind", "text": "body message string", "reason": "message", "msg": "message", "content": "body", "data": "json", "params": "form", "auth": "basic",
	"verify": "insecure", "follow": "redirects", "token": "bearer", "output": "stdout", "exit_code": "code", "error": "stderr critical message",
	"exitcode": "code", "exit_status": "code", "returncode": "code", "return_code": "code", "rc": "code", "out": "stdout", "err": "stderr",
	"duration": "elapsed", "rtt": "avg", "packet_loss": "loss", "expires": "not_after", "modified": "mtime",
	"green": "ok", "up": "ok", "good": "ok", "pass": "ok", "success": "ok", "yellow": "warning", "degraded": "warning",
	"red": "critical", "down": "critical", "bad": "critical", "fail": "critical", "failed": "critical",
}

// Nearest gives the word that name misspells or abbreviates, or "".
func Nearest(name string, words []string) string {
	const longest = 64 // names beyond it are no typing mistake, and the search is quadratic
	if len(name) > longest {
		return ""
	}
	for meant := range strings.FieldsSeq(synonyms[strings.ToLower(name)]) {
		if slices.Contains(words, meant) {
			return meant
		}
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
