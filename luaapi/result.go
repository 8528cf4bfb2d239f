package luaapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

// A verdict is what a check came to, before it is shown.
type verdict struct {
	status             engine.Status
	value              lua.LValue
	unit, detail, link lua.LValue
	failure            error         // set for nil, err: there is no value then
	again              time.Duration // how soon the next run is asked for; 0 = not
}

var statusWords = []string{"ok", "warning", "critical", "unknown"}

// verdictOf reads what check returned: the values on L's stack from first on.
func (w *watcher) verdictOf(L *lua.LState, first int) (verdict, error) {
	v := verdict{value: lua.LNil, unit: lua.LNil, detail: lua.LNil, link: lua.LNil}
	switch got := L.Get(first).(type) {
	case lua.LString:
		return v, errors.Join(v.setStatus(string(got)), v.rest(L, first+1, &v.value, &v.detail))
	case lua.LNumber:
		return v, errors.Join(v.rest(L, first+1, &v.detail), w.judge(L, &v, got))
	case lua.LBool:
		v.status = engine.Critical
		if got {
			v.status = engine.OK
		}
		return v, v.rest(L, first+1, &v.detail)
	case *lua.LTable:
		if err := w.readVerdict(L, &v, got); err != nil {
			return v, err
		}
		return v, v.rest(L, first+1, v.lacks()...)
	case *lua.LFunction:
		return v, errors.New("check returned a function, as of a method that was not called (self:ok(), with a colon and brackets): " + wantVerdict)
	default:
		if !isNil(got) {
			return v, fmt.Errorf("check returned a %s: %s", typeName(got), wantVerdict)
		}
	}
	if err := L.Get(first + 1); !isNil(err) {
		v.failure = failureOf(err)
		var text lua.LValue // may say more, where a primitive's own says all
		return v, v.rest(L, first+2, &text)
	}
	if recorded, ok := w.self.RawGetString("verdict").(*lua.LTable); ok {
		return v, w.readVerdict(L, &v, recorded)
	}
	if steps := runOf(L).journey.steps; len(steps) > 0 && L.GetTop() < first {
		return v, w.arrived(L, &v, steps)
	}
	if L.GetTop() < first {
		return v, errNoVerdict
	}
	return v, errNilVerdict
}

const wantVerdict = "want a status, a number, a boolean, a table, or nil and an error"

var (
	errNoVerdict  = errors.New("check returned nothing: " + wantVerdict)
	errNilVerdict = errors.New("check returned nil, as of a field that is not there, or a text that is no number: " + wantVerdict)
)

// failureOf gives the Go error that the second of nil, err stands for. Text
// that a script made is an error without a kind: the script says that the
// watched thing failed.
func failureOf(v lua.LValue) error {
	if err, ok := vm.ErrorOf(v); ok {
		return err
	}
	if text, ok := textOf(v); ok {
		return &probe.Error{Message: text}
	}
	return &probe.Error{Message: "an error that is a " + typeName(v)}
}

func (v *verdict) setStatus(word string) error {
	status, ok := engine.ParseStatus(word)
	if _, err := strconv.ParseFloat(strings.TrimSpace(word), 64); err == nil {
		return fmt.Errorf("check gave the status %q, which is a number as text: return tonumber(text)", word)
	}
	if !ok {
		return fmt.Errorf("check gave the status %q %s", word, unknownName(word, statusWords))
	}
	v.status = status
	return nil
}

// readVerdict reads {status=, value=, unit=, detail=, link=, again=}. Without a
// status the thresholds judge the value, which then is a number.
func (w *watcher) readVerdict(L *lua.LState, v *verdict, t *lua.LTable) error {
	var status lua.LValue = lua.LNil
	for key, value := range vm.Pairs(t) {
		switch key.String() {
		case "status":
			status = value
		case "value":
			v.value = value
		case "unit":
			v.unit = value
		case "detail":
			v.detail = value
		case "link":
			v.link = value
		case "again":
			if err := v.setAgain(value); err != nil {
				return err
			}
		default:
			return notVerdict(t, key.String())
		}
	}
	if word, ok := status.(lua.LString); ok {
		return v.setStatus(string(word))
	}
	if !isNil(status) {
		return fmt.Errorf("check gave a status that is a %s %s", typeName(status), unknownName("", statusWords))
	}
	number, isNumber := v.value.(lua.LNumber)
	if !isNumber {
		return errors.New("check returned a table with neither a status nor a number as its value")
	}
	return w.judge(L, v, number)
}

// notVerdict says what to return instead of a table with a field that a verdict
// does not have: most often it is what a primitive gave, as it came.
func notVerdict(t *lua.LTable, field string) error {
	has := func(name string) bool { return t.RawGetString(name) != lua.LNil }
	switch {
	case has("headers") && has("timing"):
		return errors.New("check returned an answer of pharos.http: return what you want of it, answer.timing.total for the thresholds to judge, or answer.status == 200")
	case has("stdout") && has("status"):
		return errors.New("check returned a result of pharos.nagios: return result.status, nil, result.text, or the like")
	case has("stdout"):
		return errors.New("check returned a result of pharos.exec: return what you want of it, tonumber(result.stdout) for the thresholds to judge, or result.code == 0")
	case t.Len() > 0 && !has("status"):
		return errors.New(`check returned a list: leave the braces out, return "ok", value, detail`)
	}
	return fmt.Errorf("check returned a table with %q %s", field, unknownName(field, verdictFields))
}

// judge lets the thresholds give the status. They are those of the moment: a
// check may set its own, and what it sets in vain would be a tile that is
// green for ever.
func (w *watcher) judge(L *lua.LState, v *verdict, n lua.LNumber) error {
	given := L.GetField(w.self, "thresholds")
	if !w.limits.hold(given) {
		var err error
		if w.limits, err = readLimits(given, w.unit); err != nil {
			return fmt.Errorf("cannot use self.thresholds: %w", err)
		}
	}
	v.status, v.value = w.limits.Judge(float64(n)), n
	if n != n && isNil(v.detail) {
		v.detail = lua.LString("nan is no number that could be judged: 0 / 0, or what was made of it")
	}
	return nil
}

// verdictTable is what the methods value and detail get.
var verdictTable = []vm.Field[verdict]{
	{Name: "status", Of: func(_ *lua.LState, v *verdict) lua.LValue { return lua.LString(v.status.String()) }},
	{Name: "value", Of: func(_ *lua.LState, v *verdict) lua.LValue { return v.value }},
	{Name: "unit", Of: func(_ *lua.LState, v *verdict) lua.LValue { return v.unit }},
	{Name: "detail", Of: func(_ *lua.LState, v *verdict) lua.LValue { return v.detail }},
	{Name: "link", Of: func(_ *lua.LState, v *verdict) lua.LValue { return v.link }},
}

var verdictFields = []string{"status", "value", "unit", "detail", "link", "again"}

// show makes the result of a verdict: the tile shows what the watcher's own
// methods value and detail make of it. The time that the run's last timed
// primitive took is shown to a tenth of a millisecond, as in the original; it is in
// seconds, whether the script says so or not.
func (w *watcher) show(L *lua.LState, v verdict) (engine.Result, error) {
	if (w.board != nil || w.stream != nil) && v.again > 0 {
		return engine.Result{}, errors.New("only a watcher with an interval can ask for its next run sooner")
	}
	if v.failure != nil {
		result := failureResult(v.failure)
		result.Again = v.again
		return result, nil
	}
	if err := w.override(L, &v); err != nil {
		return engine.Result{}, err
	}
	result := engine.Result{Status: v.status, Unit: w.unit, Link: w.link, Again: v.again}
	if n, ok := v.value.(lua.LNumber); ok && runOf(L).took(float64(n)) {
		v.value = lua.LString(strconv.FormatFloat(float64(n), 'f', 4, 64))
		result.Unit = cmp.Or(w.unit, "s")
	}
	for _, field := range [...]struct {
		name string
		from lua.LValue
		to   *string
	}{
		{"value", v.value, &result.Value},
		{"unit", v.unit, &result.Unit},
		{"detail", v.detail, &result.Detail},
		{"link", v.link, &result.Link},
	} {
		if isNil(field.from) {
			continue
		}
		text, ok := textOf(field.from)
		err, failed := vm.ErrorOf(field.from)
		if failed && field.name == "detail" {
			if v.status == engine.OK {
				return engine.Result{}, fmt.Errorf("check returned \"ok\" with an error as its detail: %w", err)
			}
			text, ok = err.Error(), true
		}
		switch {
		case failed && field.name == "value":
			return engine.Result{}, errors.New("the value is a pharos.Error, which may be the detail: return status, value, err")
		case !ok:
			return engine.Result{}, fmt.Errorf("the %s is a %s: want text or a number", field.name, typeName(field.from))
		}
		*field.to = text
	}
	if isNil(v.unit) && result.Unit != "" {
		if _, err := strconv.ParseFloat(result.Value, 64); err != nil {
			result.Unit = "" // the watcher's own unit is for numbers: not "refused ms"
		}
	}
	return result, checkLink(result.Link)
}

// override calls self:value(result) and self:detail(result), unless they are
// the base class's own, which give back what is in result.
func (w *watcher) override(L *lua.LState, v *verdict) error {
	value, detail := L.GetField(w.self, "value"), L.GetField(w.self, "detail")
	if value == w.script.baseValue && detail == w.script.baseDetail {
		return nil
	}
	shown := *v
	result := vm.LazyTable(L, verdictTable, &shown)
	for _, method := range [...]struct {
		name     string
		is, base lua.LValue
		to       *lua.LValue
	}{{"value", value, w.script.baseValue, &v.value}, {"detail", detail, w.script.baseDetail, &v.detail}} {
		if method.is == method.base {
			*method.to = L.GetField(result, method.name)
			continue
		}
		switch method.is.(type) {
		case *lua.LFunction:
			L.Push(method.is)
			L.Push(w.self)
			L.Push(result)
			L.Call(2, 1)
			*method.to = L.Get(-1)
			L.Pop(1)
		default:
			return fmt.Errorf("cannot show what self.%s says: it is a %s, where a method was: write return \"ok\", value, detail, or self:ok(value, detail)", method.name, typeName(method.is))
		}
	}
	return nil
}

// failureResult is the result of nil, err: critical, or unknown if the error
// says nothing of the watched thing. The tile shows its kind.
func failureResult(err error) engine.Result {
	failure := &engine.Failure{Message: err.Error()}
	if e, ok := errors.AsType[*probe.Error](err); ok {
		failure.Kind, failure.Phase = string(e.Kind), e.Phase
	}
	status := engine.Critical
	if engine.Blameless(failure.Kind) {
		status = engine.Unknown
	}
	return engine.Result{Status: status, Value: failure.Kind, Detail: failure.Message, Failure: failure}
}

// missed is the result of a run that never began.
func missed(err error) *engine.Result { return notBegun(engine.KindMissed, err.Error()) }

// replaced is that of one whose configuration was closed before.
func replaced() *engine.Result {
	return notBegun(engine.KindReplaced, "the configuration was replaced before the check began")
}

func notBegun(kind, why string) *engine.Result {
	return &engine.Result{
		Status: engine.Unknown, Value: kind, Detail: why, Failure: &engine.Failure{Message: why, Kind: kind},
	}
}

// scriptResult is the result of a run whose script broke.
func scriptResult(failure engine.Failure) engine.Result {
	failure.Kind = engine.KindScript
	detail := failure.Message
	if failure.File != "" {
		detail = fmt.Sprintf("%s:%d: %s", failure.File, failure.Line, failure.Message)
	}
	return engine.Result{Status: engine.Unknown, Value: "script error", Detail: detail, Failure: &failure}
}

func checkLink(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the link %q is no http or https URL", link)
	}
	return nil
}
