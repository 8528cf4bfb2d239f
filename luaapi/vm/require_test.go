package vm

import (
	"context"
	"fmt"
	"testing"
)

// modules makes Options.Find of sources by module name.
func modules(files map[string]string) func(string) (string, []byte, error) {
	return func(name string) (string, []byte, error) {
		src, ok := files[name]
		if !ok {
			return "", nil, fmt.Errorf("no %s.lua beside the script or in lib", name)
		}
		return name + ".lua", []byte(src), nil
	}
}

func TestRequire(t *testing.T) {
	files := map[string]string{
		"a":      "local n = 0 return {next = function() n = n + 1 return n end, name = ...}",
		"lib.b":  "return require('a').next()",
		"none":   "local x = 1",
		"broken": "local x =\n= 1",
		"fails":  "\nerror('no luck')",
		"loop1":  "return require 'loop2'",
		"loop2":  "return require 'loop1'",
		"global": "local x = 1\nreturn oops",
	}
	for _, c := range []struct{ src, want string }{
		{"return require('a').name", "a"},
		{"return require('a') == require('a')", "true"},
		{"require('lib.b') return require('a').next()", "2"},
		{"return require('none')", "true"},
		{"require('missing')", `test.lua:1: cannot require "missing": no missing.lua beside the script or in lib`},
		{"require('../etc/passwd')", `test.lua:1: cannot require "../etc/passwd": a module name is letters, digits, - and _, with dots between folders`},
		{"require('lib/b')", `test.lua:1: cannot require "lib/b": a module name is letters, digits, - and _, with dots between folders: write require "lib.b"`},
		{"require('./b.lua')", `test.lua:1: cannot require "./b.lua": a module name is letters, digits, - and _, with dots between folders: write require "b"`},
		{"require('broken')", "broken.lua:2: syntax error near '='"},
		{"require('fails')", "fails.lua:2: no luck"},
		{"pcall(require, 'fails') require('fails')", "fails.lua:2: no luck"},
		{"require('loop1')", `loop2.lua:1: cannot require "loop1": it is still loading (modules that require each other)`},
		{"require('global')", `global.lua:2: cannot read undeclared global "oops"`},
	} {
		u := universe(t, Options{Name: "test.lua", Find: modules(files), Globals: []string{"result"}})
		got := ""
		if err := u.Load(context.Background(), []byte("result = (function() "+c.src+" end)()")); err != nil {
			got = err.Error()
		} else {
			got = plainText(global(t, u, "result"))
		}
		if got != c.want {
			t.Errorf("%s = %q, want %q", c.src, got, c.want)
		}
	}
}

// A generation that runs never reads the disk again.
func TestRequireInRun(t *testing.T) {
	u := load(t, Options{Find: modules(map[string]string{"a": "return 1", "b": "return 2"})},
		"local a = require('a') check = function() return require('a'), pcall(require, 'b') end")
	got, err := call(t, u, t.Context())
	if want := `1 false cannot require "b": modules are loaded while the file loads, not in a run`; got != want || err != nil {
		t.Errorf("call = %q, %v, want %q", got, err, want)
	}
}

func TestPrint(t *testing.T) {
	type key struct{}
	var got []string
	u := load(t, Options{Print: func(ctx context.Context, text string) {
		got = append(got, fmt.Sprint(ctx.Value(key{}), ":", text))
	}}, `check = function() print("a", 1, nil, {1} ~= nil) print() end`)
	if _, err := call(t, u, context.WithValue(t.Context(), key{}, "run")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"run:a\t1\tnil\ttrue", "run:"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// A module without a return is a mistake where its value is taken.
func TestRequireOfModuleThatReturnsNothing(t *testing.T) {
	for src, want := range map[string]string{
		"\nlocal m = require 'm'": `2: require "m" gives true: lib/m.lua returns nothing, end it with return and what it is for`,
		"require 'm'":             "",
		"local m = require 'yes'": "",
	} {
		got := ""
		u := universe(t, Options{
			Name: "t.lua", Globals: []string{"check"},
			Warn: func(e Error) { got += fmt.Sprintf("%d: %s", e.Line, e.Message) },
			Find: func(name string) (string, []byte, error) {
				return "lib/" + name + ".lua", []byte(map[string]string{"m": "local m = {}", "yes": "return true"}[name]), nil
			},
		})
		if err := u.Load(t.Context(), []byte(src)); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("warnings of %q = %q, want %q", src, got, want)
		}
	}
}
