package luaapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/engine"
	"pharos/engine/probe"
	"pharos/luaapi/vm"
)

var execOptions = []string{"timeout", "stdin", "env", "cwd", "user", "max_output", "kill_after", "ssh_host"}

const execMaxOutput = 8 << 20 // the most that max_output may ask for

// execCall is one call of pharos.exec or ssh:exec.
type execCall struct {
	probe.ExecRequest
	calling
}

// commandResult is what the table of a command's result shows; of a plugin also what
// it said.
type commandResult struct {
	probe.ExecResult
	stdout, stderr string
	status         engine.Status
	said           probe.NagiosOutput
	perf           *lua.LTable // nil until asked for
}

var commandFields = []vm.Field[commandResult]{
	number("code", func(r *commandResult) float64 { return float64(r.Code) }),
	maybeText("signal", func(r *commandResult) string { return r.Signal }),
	textField("stdout", func(r *commandResult) string { return r.stdout }),
	textField("stderr", func(r *commandResult) string { return r.stderr }),
	seconds("elapsed", func(r *commandResult) time.Duration { return r.Elapsed }),
	boolean("truncated", func(r *commandResult) bool { return r.Truncated }),
}

// execModule is pharos.exec(command, options), and stream.
func (s *script) execModule(L *lua.LState) lua.LValue {
	t := s.newModule(L, "pharos.exec", member{"stream", s.execStream})
	t.Metatable.(*lua.LTable).RawSetString("__call", L.NewFunction(func(L *lua.LState) int {
		return s.exec(L, readExec(L, "pharos.exec", 2, 3, execOptions), "exec")
	}))
	return t
}

// readExec reads a command (a list is an argv, text is for /bin/sh -c) at
// argument n, and its options at another.
func readExec(L *lua.LState, of string, n, options int, valid []string) *execCall {
	call := &execCall{}
	if err := call.setCommand(L.Get(n)); err != nil {
		L.RaiseError("cannot use command of %s: %s", of, err)
	}
	readOptions(L, options, of, valid, call.set)
	return call
}

// setCommand refuses a command that is empty: to a shell it is one that does well.
func (c *execCall) setCommand(v lua.LValue) (err error) {
	switch command := v.(type) {
	case lua.LString:
		if c.Shell = string(command); strings.TrimSpace(c.Shell) == "" {
			return errors.New("the text is empty")
		}
	case *lua.LTable:
		for k := range vm.Pairs(command) {
			if name, ok := k.(lua.LString); ok {
				return fmt.Errorf("its list has the name %q: options do not belong in it", string(name))
			}
		}
		if c.Argv, err = stringList(command); err != nil {
			return err
		}
		if len(c.Argv) == 0 || c.Argv[0] == "" {
			return errors.New("the list is empty, or its first text")
		}
	default:
		return wantType("text or a list", v)
	}
	return nil
}

func (c *execCall) set(name string, v lua.LValue) error {
	switch name {
	case "stdin":
		return setBytes(&c.Stdin, v)
	case "env":
		return c.setEnv(v)
	case "cwd":
		return setText(&c.Dir, v)
	case "user":
		return setText(&c.User, v)
	case "max_output":
		return setCount(&c.MaxOutput, v, 1, execMaxOutput)
	case "kill_after":
		return setPositive(&c.KillAfter, v)
	}
	return c.calling.set(name, v)
}

func (c *execCall) setEnv(v lua.LValue) error {
	names, values, err := stringMap(v)
	if err != nil {
		return err
	}
	for i, name := range names {
		if name == "" || strings.Contains(name, "=") {
			return fmt.Errorf("%q is no name of a variable", name)
		}
		c.Env = append(c.Env, name+"="+values[i])
	}
	return nil
}

// exec runs the command and leaves its result, or nil and an error.
func (s *script) exec(L *lua.LState, call *execCall, kind string) int {
	result, err := s.runCommand(L, call, kind)
	if err != nil {
		return s.pushError(L, err)
	}
	L.Push(vm.LazyTable(L, commandFields, result))
	return 1
}

// runCommand runs the command. What it printed is kept as evidence, also when it
// failed.
func (s *script) runCommand(L *lua.LState, call *execCall, kind string) (*commandResult, error) {
	e := &Event{Kind: kind, Host: call.host, Text: call.String()}
	result, err := reach(s, L, e, call.timeout, func(ctx context.Context) (*probe.ExecResult, error) {
		return s.primitives.Exec(ctx, call.host, call.ExecRequest)
	})
	var stdout, stderr string
	if result != nil {
		if call.host == "" { // elsewhere it is the host that lets wait
			runOf(L).queued += result.Queued
		}
		stdout, stderr = probe.Clean(result.Stdout), probe.Clean(result.Stderr)
		vm.Charge(L, (len(stdout)+len(stderr))/64)
		runOf(L).output = stdout + stderr
		e.Outcome = outcomeOf(result)
	}
	s.done(L, e)
	if err != nil {
		return nil, err
	}
	ran := &commandResult{ExecResult: *result, stdout: stdout, stderr: stderr}
	ran.Stdout, ran.Stderr = nil, nil // only the texts are kept
	return ran, nil
}

func outcomeOf(r *probe.ExecResult) string {
	if r.Signal != "" {
		return "signal " + r.Signal
	}
	return fmt.Sprintf("exit %d", r.Code)
}
