package luaapi

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// Lint looks for what is taken but will probably not work: a command that is
// not there, a host whose name does not resolve, a timeout above its interval, a
// ttl below it. It asks the system's resolver, and ends with ctx at the latest;
// what was not answered by then is not complained about. Findings are in the
// order of the files.
func (c *Config) Lint(ctx context.Context) []engine.LoadError {
	declared := make(map[engine.ID]engine.Watcher)
	for _, set := range c.Generation.Sets {
		for _, w := range set.Watchers {
			declared[w.ID] = w
		}
	}
	l := linter{hosts: make(map[string][]engine.Place)}
	for _, s := range c.scripts {
		// A universe that is closed has nothing to look at.
		_ = s.universe.Do(ctx, func(L *lua.LState) error {
			for _, w := range s.watchers {
				l.times(declared[w.id])
				found := len(l.findings)
				l.watcher(L, w)
				if len(l.findings) == found {
					l.refused(L, w) // for which what was found may be the reason
				}
			}
			return nil
		})
	}
	l.resolve(ctx)
	for _, s := range c.scripts {
		s.mask.messages(l.findings)
	}
	slices.SortFunc(l.findings, func(a, b engine.LoadError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	return l.findings
}

type linter struct {
	mu       sync.Mutex
	findings []engine.LoadError
	hosts    map[string][]engine.Place // names to resolve, and who uses them
}

func (l *linter) find(at engine.Place, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findings = append(l.findings, mistake(at, format, args...))
}

func (l *linter) times(w engine.Watcher) {
	if w.Interval > 0 && w.Timeout > w.Interval {
		l.find(w.Place, "the timeout of %q is %s, above its interval of %s: a slow run misses ticks", w.Name, w.Timeout, w.Interval)
	}
	if w.TTL > 0 && w.TTL < w.Interval {
		l.find(w.Place, "the ttl of %q is %s, below its interval of %s: it is stale before its next run", w.Name, w.TTL, w.Interval)
	}
}

// watcher looks at the fields that the built-in classes have; a method is not
// called for what it would give.
func (l *linter) watcher(L *lua.LState, w *watcher) {
	if w.stream == nil && L.GetField(w.self, "check") == w.script.baseCheck {
		l.find(w.source, "%q has no check: give it check = function(self) ... end, or events", w.name)
	}
	l.dotted(L, w)
	l.unboarded(L, w)
	l.parents(w)
	l.unjudged(L, w)
	l.unreachable(L, w)
	if w.stream != nil {
		l.program(w.source, w.stream.program)
		l.host(w.source, w.stream.server)
	}
	if !isNil(L.GetField(w.self, "ssh_host")) {
		return // the program and the names are the other host's
	}
	switch command := L.GetField(w.self, "command").(type) {
	case lua.LString:
		l.program(w.source, simpleCommand(string(command)))
	case *lua.LTable:
		program, _ := scalarText(command.RawGetInt(1))
		if command.Len() == 1 && strings.Contains(program, " ") {
			l.programOfList(w.source, program)
		} else {
			l.program(w.source, program)
		}
	}
	if host, ok := L.GetField(w.self, "host").(lua.LString); ok {
		if page, err := url.Parse(string(host)); err == nil && page.Host != "" {
			l.find(w.source, "the host %q is a URL: write %q", string(host), page.Hostname())
		}
	}
	if path, ok := L.GetField(w.self, "path").(lua.LString); ok && strings.HasPrefix(string(path), "~") {
		l.find(w.source, "the path %q is taken as it is: ~ is a shell's word for pharos.env(\"HOME\")", string(path))
	}
	if address, ok := L.GetField(w.self, "url").(lua.LString); ok {
		switch host, err := probe.URLHost(string(address)); {
		case err != nil:
			l.find(w.source, "%s", err)
		case isNil(L.GetField(w.self, "resolve")):
			l.host(w.source, host)
		}
	}
	if address, ok := L.GetField(w.self, "address").(lua.LString); ok {
		l.address(L, w, string(address))
	}
}

// address looks at the option of a class that connects; a class of the script's
// own may have another use for the name.
func (l *linter) address(L *lua.LState, w *watcher, address string) {
	host, port, err := net.SplitHostPort(address)
	page, wrong := url.Parse(address)
	switch class := L.GetField(w.self, "class_name").String(); {
	case wrong == nil && page.Host != "":
		l.find(w.source, "the address %q is a URL: write %q, or whichever port it is", address, net.JoinHostPort(page.Hostname(), cmp.Or(page.Port(), "443")))
	case err == nil && port != "":
		l.host(w.source, host)
	case strings.HasPrefix(address, "/"): // a socket's path
	case (class == "TCPMetricWatcher" || class == "TLSMetricWatcher") && L.GetField(w.self, "check") == classMethod(L, class, "check"):
		l.find(w.source, "the address %q has no port: write %q or whichever it is", address, net.JoinHostPort(strings.Trim(cmp.Or(host, address), "[]"), "443"))
	}
}

// classMethod is a method of a built-in class, or another of its fields.
func classMethod(L *lua.LState, class, name string) lua.LValue {
	return L.GetField(L.GetField(L.G.Global.RawGetString("pharos"), class), name)
}

// dotted finds methods that were defined with a dot, or without their self: what
// they take for the output is the watcher, and nothing says so.
func (l *linter) dotted(L *lua.LState, w *watcher) {
	for _, method := range []string{"handle_output", "handle_returncode", "value", "detail"} {
		f, ok := L.GetField(w.self, method).(*lua.LFunction)
		if !ok {
			continue
		}
		switch first := firstParameter(f); first {
		case "output", "body", "code", "result":
			l.find(w.source, "%s of %q takes %s first, where the watcher comes: write function Class:%s(%s), with a colon, or %s = function(self, %s)",
				method, w.name, first, method, first, method, first)
		}
	}
}

// unboarded finds the check of a derive that takes what comes second first.
func (l *linter) unboarded(L *lua.LState, w *watcher) {
	if f, ok := L.GetField(w.self, "check").(*lua.LFunction); ok && w.board != nil && firstParameter(f) == "self" {
		l.find(w.source, "check of %q takes self first, where the board comes: write check = function(board, self)", w.name)
	}
}

// parents finds calls of a class's method where the watcher's is meant, an init that
// keeps another from being called, and options that are set too late, each once for
// all watchers of the class.
func (l *linter) parents(w *watcher) {
	for _, call := range slices.Concat(w.parentCalls(), w.initCalls(), w.lateOptions()) {
		if !slices.Contains(l.findings, call) {
			l.findings = append(l.findings, call)
		}
	}
}

// unjudged finds thresholds that have nothing to judge: of a command whose output
// nobody reads, or of a plugin, which says itself what it thinks.
func (l *linter) unjudged(L *lua.LState, w *watcher) {
	if w.limits.table == nil {
		return
	}
	for _, class := range []string{"NagiosMetricWatcher", "CommandMetricWatcher"} {
		own := false
		for _, method := range []string{"check", "handle_output", "handle_returncode"} {
			own = own || L.GetField(w.self, method) != classMethod(L, class, method)
		}
		if !own {
			l.find(w.source, "the thresholds of %q judge nothing: the exit code decides; give it handle_output = function(self, output) return tonumber(output) end, or the like", w.name)
		}
	}
}

// unreachable finds thresholds of a time that is over before: milliseconds, most
// often.
func (l *linter) unreachable(L *lua.LState, w *watcher) {
	for _, class := range []string{"PageGETMetricWatcher", "TCPMetricWatcher", "DNSMetricWatcher", "PingMetricWatcher"} {
		own := L.GetField(w.self, "handle_output") != classMethod(L, class, "handle_output")
		if own || L.GetField(w.self, "check") != classMethod(L, class, "check") {
			continue
		}
		for i, limit := range []*float64{w.limits.Min, w.limits.Warn, w.limits.Crit} {
			if limit != nil && *limit > w.timeout.Seconds() {
				n, hint := vm.FormatNumber(*limit), ": no answer is ever that slow, raise the timeout"
				if *limit >= 100 {
					hint = fmt.Sprintf(": milliseconds are written \"%sms\"", n)
				}
				l.find(w.source, "the thresholds of %q: %s is %s seconds, and a run ends after its timeout of %s%s", w.name, thresholdNames[i], n, w.timeout, hint)
				return
			}
		}
	}
}

// simpleCommand gives the program of a shell command that begins with a plain
// name; "" if it does not.
func simpleCommand(command string) string {
	fields := strings.Fields(command)
	if len(fields) == 0 || strings.ContainsAny(fields[0], "=$'\"`\\(){}[]<>|&;*?~#!") {
		return ""
	}
	return fields[0]
}

// shellWords are commands of the shell's own.
var shellWords = []string{
	".", ":", "alias", "cd", "case", "command", "eval", "exec", "exit", "export", "for", "if", "read", "return",
	"set", "shift", "test", "times", "trap", "type", "ulimit", "umask", "unset", "until", "wait", "while",
}

func (l *linter) program(at engine.Place, program string) {
	if program == "" || slices.Contains(shellWords, program) {
		return
	}
	if _, err := exec.LookPath(program); err != nil {
		l.find(at, "the command %q is not here", program)
	}
}

// programOfList is of a list that has a whole command line for its program.
func (l *linter) programOfList(at engine.Place, program string) {
	if _, err := exec.LookPath(program); err != nil {
		l.find(at, "the command %q is not here (a list is run as it is; without the braces it is for the shell)", program)
	}
}

func (l *linter) host(at engine.Place, host string) {
	if host != "" && net.ParseIP(host) == nil {
		l.hosts[host] = append(l.hosts[host], at)
	}
}

const lintResolving = 16 // names asked for at once

func (l *linter) resolve(ctx context.Context) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, lintResolving)
	for host, places := range l.hosts {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil && ctx.Err() == nil {
				for _, at := range places {
					l.find(at, "the name %q does not resolve", host)
				}
			}
		})
	}
	wait.Wait()
}
