package vm

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// frame is one level of a thread's call stack. gopher-lua's Debug gives neither
// the instruction a frame is at nor a way past tail calls (it counts through
// each one ever made), so its fields are read by reflection.
type frame struct {
	v reflect.Value
	L *lua.LState
}

// The fields of gopher-lua's Debug and callFrame that are read.
var (
	debugFrame    = fieldOf(reflect.TypeFor[lua.Debug](), "frame")
	callFrame     = reflect.TypeFor[lua.Debug]().Field(debugFrame).Type.Elem()
	frameIndex    = fieldOf(callFrame, "Idx")
	frameFunction = fieldOf(callFrame, "Fn")
	frameParent   = fieldOf(callFrame, "Parent")
	framePC       = fieldOf(callFrame, "Pc")
	frameTail     = fieldOf(callFrame, "TailCall")
)

func fieldOf(t reflect.Type, name string) int {
	f, ok := t.FieldByName(name)
	if !ok {
		panic(fmt.Sprintf("vm: %v of gopher-lua has no field %q any more", t, name))
	}
	return f.Index[0]
}

func topFrame(L *lua.LState) frame {
	debug, ok := L.GetStack(0)
	if !ok {
		return frame{}
	}
	return frame{reflect.ValueOf(debug).Elem().Field(debugFrame), L}
}

func (f frame) ok() bool { return f.v.IsValid() && !f.v.IsNil() }

func (f frame) parent() frame { return frame{f.v.Elem().Field(frameParent), f.L} }

// index is the number of frames below.
func (f frame) index() int { return int(f.v.Elem().Field(frameIndex).Int()) }

func (f frame) tailCalls() int { return int(f.v.Elem().Field(frameTail).Int()) }

// function is what the frame executes. It was reached through fields that are not
// exported, whose values reflection does not hand out; pointers it does.
func (f frame) function() *lua.LFunction {
	return (*lua.LFunction)(f.v.Elem().Field(frameFunction).UnsafePointer())
}

// isGo tells whether the frame is a Go function's.
func (f frame) isGo() bool { return f.function().IsG }

// proto is the frame's code. A Go function has none.
func (f frame) proto() *lua.FunctionProto { return f.function().Proto }

// pc is the index of the instruction being executed.
func (f frame) pc() int { return int(f.v.Elem().Field(framePC).Int()) - 1 }

func (f frame) file() string { return f.proto().SourceName }

func (f frame) line() int {
	p := f.proto()
	if pc := f.pc(); pc >= 0 && pc < len(p.DbgSourcePositions) {
		return p.DbgSourcePositions[pc]
	}
	return p.LineDefined
}

// instruction is the one being executed.
func (f frame) instruction() instruction { return instructionAt(f.proto(), f.pc()) }

// callee is what the function's caller calls it, without what it is a field of,
// or "".
func (f frame) callee() string {
	caller := f.parent()
	if !caller.ok() || caller.isGo() || f.tailCalls() > 0 {
		return ""
	}
	return caller.called()
}

// called is the name of what the frame calls at the moment, or "".
func (f frame) called() string { return f.calledAt(f.pc()) }

// calledAt is the name of what the instruction at pc calls, or "".
func (f frame) calledAt(pc int) string {
	for _, call := range f.proto().DbgCalls {
		if call.Pc == pc && call.Name != "?" {
			return call.Name
		}
	}
	return ""
}

// register is the value that a register holds, nil if the frame is neither the
// topmost nor the one that called it.
func (f frame) register(i int) lua.LValue {
	for level := range 2 {
		debug, ok := f.L.GetStack(level)
		if ok && reflect.ValueOf(debug).Elem().Field(debugFrame).Pointer() == f.v.Pointer() {
			_, v := f.L.GetLocal(debug, i+1)
			return v
		}
	}
	return nil
}

// describe is the frame as a line of a traceback.
func (f frame) describe() string {
	where := fmt.Sprintf("%s:%d: in ", f.file(), f.line())
	defined := f.proto().LineDefined
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
	var head, tail []frame
	dropped := false
	for i := len(r.threads) - 1; i >= 0; i-- {
		if len(head) == maxTrace/2 && i >= maxTrace/2 {
			dropped = true // for every error of many nested calls, it would be long to walk them all
			continue
		}
		for f := topFrame(r.threads[i]); f.ok(); f = f.parent() {
			switch {
			case f.isGo() || r.builtin(f.file()):
			case len(head) < maxTrace/2:
				head = append(head, f)
			case len(tail) < maxTrace/2-1:
				tail = append(tail, f)
			default:
				tail, dropped = append(tail[1:], f), true
			}
		}
	}
	var lines []string
	for _, f := range head {
		lines = append(lines, f.describe())
	}
	if dropped {
		lines = append(lines, "...")
	}
	for _, f := range tail {
		lines = append(lines, f.describe())
	}
	return strings.Join(lines, "\n")
}

// builtin tells whether a file is none of the script's.
func (r *run) builtin(file string) bool {
	return r.u.opts.Builtin != "" && strings.HasPrefix(file, r.u.opts.Builtin)
}

// Position is "file:line: " of the script code at the given level: 1 is the
// function that called the Go function being executed, 2 that one's caller.
func Position(L *lua.LState, level int) string {
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
	return f.file() + ":" + strconv.Itoa(f.line()) + ": "
}
