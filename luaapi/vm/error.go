package vm

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// What ended a run from outside; the Cause of an [Error].
var (
	ErrDeadline  = errors.New("the run took longer than its timeout")
	ErrCPU       = errors.New(`the script computed for too long without a pause (in a long loop, call pharos.time.sleep("1ms") now and then)`)
	ErrMemory    = errors.New("the script used too much memory")
	ErrCancelled = errors.New("the run was cancelled")
	// ErrTurn is an ErrDeadline of a run that never began: others of its
	// universe ran all that time.
	ErrTurn = fmt.Errorf("%s: %w", waitingForOthers, ErrDeadline)
)

const waitingForOthers = "waiting for the file's other watchers"

// Error is what went wrong in a script: while it was compiled, loaded or run.
type Error struct {
	Message string // without the position
	File    string // the chunk's name; "" if the error has no place in a script
	Line    int    // 1 for the first; 0 if unknown
	Trace   string // the script's lines that led there, innermost first, at most 20
	Cause   error  // ErrDeadline, ErrTurn, ErrCPU, ErrMemory, ErrCancelled, or nil: the script's own
	Waiting bool   // with ErrDeadline or ErrCancelled: the end came while the run waited in a primitive
	Value   any    // the error given to NewErrorValue, if such a value was raised
}

// Error gives "file:line: message", or the message alone.
func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Message
	case e.Line == 0:
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// Unwrap gives the Cause and, where a Go error was raised, that error.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	if err, ok := e.Value.(error); ok {
		errs = append(errs, err)
	}
	return errs
}

var positioned = regexp.MustCompile(`^([^\n:]+):([0-9]+): ?`)

// split takes the position off the front of a message, which is clipped.
func (e *Error) split() {
	m := positioned.FindStringSubmatch(e.Message)
	if m == nil {
		return
	}
	line, err := strconv.Atoi(m[2])
	if err != nil {
		return
	}
	e.File, e.Line, e.Message = m[1], line, e.Message[len(m[0]):]
}

// maxMessage bounds the text of an error; a script may raise a string of any
// length.
const maxMessage = 2000

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return s[:maxMessage] + "..."
}

// Brief is a name that a script gave, for a message. A key may have 16 MB, and of
// one that is cut a part could be that of a secret, which would not be masked: so
// of a long one only the length is told.
func Brief(name string) string {
	const longest = 200
	if len(name) <= longest {
		return name
	}
	return fmt.Sprintf("a text of %d bytes", len(name))
}

// errorValue is the Go side of what [NewErrorValue] makes.
type errorValue struct{ err error }

// NewErrorValue makes a Lua value of a Go error. tostring gives err's text,
// fields are what a script reads from it (err.kind): one that is nil is not there
// this time, any that is not in them raises. It is a value as any other until a
// script raises it: then the run's [Error] carries err as Value.
func NewErrorValue(L *lua.LState, err error, fields map[string]lua.LValue) lua.LValue {
	meta := L.CreateTable(0, 5)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		name, ok := L.Get(2).(lua.LString)
		if v, known := fields[string(name)]; known {
			L.Push(v)
			return 1
		}
		if ok && fields != nil {
			raiseNoErrorField(L, string(name), sortedKeys(fields))
		}
		return 0
	}))
	meta.RawSetString("__tostring", L.NewFunction(errorText))
	meta.RawSetString("__concat", L.NewFunction(errorConcat))
	meta.RawSetString("__metatable", lua.LString("error"))
	meta.RawSetString("__name", lua.LString("pharos.Error"))
	return &lua.LUserData{Value: errorValue{err}, Env: L.Env, Metatable: meta}
}

// raiseNoErrorField is for those who take an error for its text, too.
func raiseNoErrorField(L *lua.LState, name string, valid []string) {
	hint := ""
	if library, ok := L.G.Global.RawGetString("string").(*lua.LTable); ok && library.RawGetString(name) != lua.LNil {
		hint = ": tostring(err) is the text"
	}
	name = Brief(name)
	L.RaiseError("there is no field %q %s%s", name, runOf(L).u.opts.Unknown(name, valid), hint)
}

func errorText(L *lua.LState) int {
	L.Push(lua.LString(plainText(L.Get(1))))
	return 1
}

func errorConcat(L *lua.LState) int {
	L.Push(lua.LString(plainText(L.Get(1)) + plainText(L.Get(2))))
	return 1
}

// plainText is a value as text without calling any metamethod. It accepts the
// Go nil that a closure of a dropped thread may hold.
func plainText(v lua.LValue) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return FormatNumber(float64(v))
	case *lua.LUserData:
		if e, ok := v.Value.(errorValue); ok {
			return e.err.Error()
		}
	}
	return v.String()
}

// ErrorOf gives the Go error that [NewErrorValue] made v of.
func ErrorOf(v lua.LValue) (error, bool) {
	if ud, ok := v.(*lua.LUserData); ok {
		if e, ok := ud.Value.(errorValue); ok {
			return e.err, true
		}
	}
	return nil, false
}
