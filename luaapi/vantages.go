package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
)

// here is pharos.here, the machine that Pharos runs on, wherever a host to look
// from is wanted. No host has such a name.
const here = lua.LString("(here)")

// vantages is a watcher that looks from many places at once. From each it is a
// watcher of its own, with a self that has all of the watcher's fields and
// keeps its own.
type vantages struct {
	names []string
	parts []*watcher
	// How the statuses become one: sorted from ok over warning and unknown to
	// critical, the one at this place counts, from 1; 0 = the last.
	merge int
}

var mergeRules = []string{"worst", "best", "pharos.quorum(n)"}

// vantages reads ssh_host = { "fra", "nyc", pharos.here }; one host alone is for
// the primitives to look at.
func (d *declaration) vantages(to *vantages, v lua.LValue) error {
	t, ok := v.(*lua.LTable)
	if !ok {
		return d.script.own.inName(v.String())
	}
	for i := 1; i <= t.Len(); i++ {
		var host string
		if err := setHost(&host, t.RawGetInt(i)); err != nil {
			return fmt.Errorf("host %d: %w", i, err)
		}
		if err := d.script.own.inName(host); err != nil {
			return err
		}
		name := cmp.Or(host, "here")
		if slices.Contains(to.names, name) {
			return fmt.Errorf("%q is in it twice", name)
		}
		to.names = append(to.names, name)
	}
	if n := len(to.names); n == 0 || n > engine.MaxCells {
		return fmt.Errorf("want a list of 1 to %d hosts, got %d", engine.MaxCells, n)
	}
	return nil
}

// setMerge reads a rule's name; it comes after vantages.
func setMerge(to *vantages, v lua.LValue) error {
	word, ok := v.(lua.LString)
	if !ok {
		return wantType(strings.Join(mergeRules, ", "), v)
	}
	if to.names == nil {
		return errors.New("there is nothing to merge: it needs a list of hosts, ssh_host = { ... }")
	}
	switch n, isQuorum := quorumOf(string(word)); {
	case word == "worst":
		to.merge = 0
	case word == "best":
		to.merge = 1
	case isQuorum && n <= len(to.names):
		to.merge = n
	case isQuorum:
		return fmt.Errorf("a quorum of %d is more than the %d hosts there are", n, len(to.names))
	default:
		return fmt.Errorf("%q is none %s", string(word), unknownName(string(word), mergeRules))
	}
	return nil
}

const quorumPrefix = "quorum "

// quorum is pharos.quorum(n).
func (s *script) quorum(L *lua.LState) int {
	var n int
	if err := setCount(&n, L.Get(1), 1, engine.MaxCells); err != nil {
		L.RaiseError("cannot call pharos.quorum: %s", err)
	}
	L.Push(lua.LString(quorumPrefix + strconv.Itoa(n)))
	return 1
}

func quorumOf(word string) (int, bool) {
	digits, ok := strings.CutPrefix(word, quorumPrefix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0
}

// split makes the watchers that w is from each of its vantages. Their ids have
// a space, which no other id has.
func (v *vantages) split(L *lua.LState, w *watcher) {
	hosts := L.GetField(w.self, "ssh_host").(*lua.LTable)
	fallback := L.CreateTable(0, 1)
	fallback.RawSetString("__index", w.self)
	for i, name := range v.names {
		self := L.CreateTable(0, 4)
		self.RawSetString("ssh_host", hosts.RawGetInt(i+1))
		self.Metatable = fallback
		part := *w
		part.self, part.id = self, w.id+engine.ID(" "+name)
		part.vantages = vantages{}
		v.parts = append(v.parts, &part)
	}
}

// check runs the watcher from every vantage at once. Whatever happens to one of
// them is its own result.
func (v *vantages) check(ctx context.Context) (engine.Result, error) {
	script := v.parts[0].script
	if !script.enter() {
		return *replaced(), nil
	}
	defer script.end()
	if tell := traceOf(ctx); tell != nil {
		var mu sync.Mutex
		ctx = WithTrace(ctx, func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			tell(e)
		})
	}
	results := make([]engine.Result, len(v.parts))
	var wg sync.WaitGroup
	for i, part := range v.parts {
		wg.Go(func() { results[i] = part.look(ctx) })
	}
	wg.Wait()
	return v.merged(results), nil
}

// look is entered for a goroutine of its own: nobody else would catch a panic.
func (w *watcher) look(ctx context.Context) (result engine.Result) {
	started := time.Now()
	defer func() {
		if p := recover(); p != nil {
			failure := &engine.Failure{Message: fmt.Sprintf("check panicked: %v", p), Kind: engine.KindPanic}
			result = engine.Result{Status: engine.Unknown, Detail: failure.Message, Failure: failure}
		}
		result.Elapsed = time.Since(started)
	}()
	return *w.entered(ctx)
}

// merged gives the result of the vantage that decides: of those whose status
// is the merged one, the one that took longest.
func (v *vantages) merged(results []engine.Result) engine.Result {
	status := v.status(results)
	deciding := -1
	cells := make([]engine.Cell, len(results))
	again := time.Duration(0)
	for i, r := range results {
		cells[i] = engine.Cell{Name: v.names[i], Status: r.Status, Value: r.Value, Unit: r.Unit, Detail: r.Detail, Elapsed: r.Elapsed}
		if r.Status == status && (deciding < 0 || cost(r) > cost(results[deciding])) {
			deciding = i
		}
		if r.Again > 0 && (again == 0 || r.Again < again) {
			again = r.Again
		}
	}
	result := results[deciding]
	from := "from " + v.names[deciding]
	if f := result.Failure; f != nil {
		failure := *f
		failure.Message = from + ": " + failure.Message
		result.Failure = &failure
	}
	if result.Detail != "" {
		from += ": "
	}
	result.Detail, result.Cells, result.Again = from+result.Detail, cells, again
	return result
}

// status gives the merged one.
func (v *vantages) status(results []engine.Result) engine.Status {
	statuses := make([]engine.Status, len(results))
	for i, r := range results {
		statuses[i] = r.Status
	}
	slices.SortFunc(statuses, func(a, b engine.Status) int {
		switch {
		case a.Worse(b):
			return 1
		case b.Worse(a):
			return -1
		}
		return 0
	})
	return statuses[cmp.Or(v.merge, len(statuses))-1]
}

// cost is how long the watched thing took, or the run where nothing was timed.
func cost(r engine.Result) time.Duration {
	var total time.Duration
	for _, phase := range r.Timing {
		total += phase.Duration
	}
	return cmp.Or(total, r.Elapsed)
}
