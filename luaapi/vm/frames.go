package vm

import (
	"fmt"
	"reflect"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// frame is one level of a thread's call stack. gopher-lua's Debug gives neither
// the instruction a frame is at nor a way past tail calls (it counts through
// each one ever made), so its fields are read by reflection.
type frame struct{ v reflect.Value }

func topFrame(L *lua.LState) frame {
	debug, ok := L.GetStack(0)
	if !ok {
		return frame{}
	}
	return frame{reflect.ValueOf(debug).Elem().FieldByName("frame")}
}

func (f frame) ok() bool { return f.v.IsValid() && !f.v.IsNil() }

func (f frame) field(name string) reflect.Value { return f.v.Elem().FieldByName(name) }

func (f frame) parent() frame { return frame{f.field("Parent")} }

// index is the number of frames below.
func (f frame) index() int { return int(f.field("Idx").Int()) }

func (f frame) tailCalls() int { return int(f.field("TailCall").Int()) }

// isGo tells whether the frame is a Go function's.
func (f frame) isGo() bool { return f.field("Fn").Elem().FieldByName("IsG").Bool() }

func (f frame) proto() reflect.Value {
	return f.field("Fn").Elem().FieldByName("Proto").Elem()
}

// pc is the index of the instruction being executed.
func (f frame) pc() int { return int(f.field("Pc").Int()) - 1 }

func (f frame) file() string { return f.proto().FieldByName("SourceName").String() }

func (f frame) line() int {
	lines := f.proto().FieldByName("DbgSourcePositions")
	if pc := f.pc(); pc >= 0 && pc < lines.Len() {
		return int(lines.Index(pc).Int())
	}
	return int(f.proto().FieldByName("LineDefined").Int())
}

// opcode is that of the instruction being executed.
func (f frame) opcode() int {
	code := f.proto().FieldByName("Code")
	if pc := f.pc(); pc >= 0 && pc < code.Len() {
		return int(code.Index(pc).Uint() >> 26)
	}
	return -1
}

// callee is what the function's caller calls it: "shop.price", or "".
func (f frame) callee() string {
	caller := f.parent()
	if !caller.ok() || caller.isGo() || f.tailCalls() > 0 {
		return ""
	}
	calls, pc := caller.proto().FieldByName("DbgCalls"), caller.pc()
	for i := range calls.Len() {
		if call := calls.Index(i); int(call.FieldByName("Pc").Int()) == pc {
			if name := call.FieldByName("Name").String(); name != "?" {
				return name
			}
		}
	}
	return ""
}

// describe is the frame as a line of a traceback.
func (f frame) describe() string {
	where := fmt.Sprintf("%s:%d: in ", f.file(), f.line())
	defined := f.proto().FieldByName("LineDefined").Int()
	switch name := f.callee(); {
	case defined == 0:
		return where + "main chunk"
	case name != "":
		return where + "function '" + name + "'"
	default:
		return fmt.Sprintf("%sfunction <%s:%d>", where, f.file(), defined)
	}
}

// maxTrace is the number of lines that a traceback keeps, the innermost and the
// outermost.
const maxTrace = 20

// traceback lists the frames of script code of all the run's threads,
// innermost first.
func (r *run) traceback() string {
	var head, tail []string
	dropped := false
	for i := len(r.threads) - 1; i >= 0; i-- {
		for f := topFrame(r.threads[i]); f.ok(); f = f.parent() {
			if f.isGo() {
				continue
			}
			if len(head) < maxTrace/2 {
				head = append(head, f.describe())
				continue
			}
			if len(tail) == maxTrace/2-1 {
				tail, dropped = tail[1:], true
			}
			tail = append(tail, f.describe())
		}
	}
	if dropped {
		head = append(head, "...")
	}
	return strings.Join(append(head, tail...), "\n")
}

// position is "file:line: " of the script code at the given level: 1 is the
// function that called the Go function being executed, 2 that one's caller.
func position(L *lua.LState, level int) string {
	f := topFrame(L)
	for ; f.ok() && level > 0; level-- {
		if !f.isGo() && f.tailCalls() > 0 {
			level-- // the callers that tail calls replaced count as one
		}
		f = f.parent()
	}
	for f.ok() && f.isGo() {
		f = f.parent()
	}
	if !f.ok() {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", f.file(), f.line())
}
