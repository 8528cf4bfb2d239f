package vm

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// TestAgainstLua51 runs random programs here and in Lua 5.1, which must print
// the same. PHAROS_LUA_PROGRAMS is how many, PHAROS_LUA_SEED the first one's seed:
// to look for more, run many from elsewhere than the tests always do.
func TestAgainstLua51(t *testing.T) {
	compareWithLua51(t, func(c *choices) string { return (&program{choices: c}).source() })
}

// programsPerProcess is how many programs one lua5.1 runs.
const programsPerProcess = 500

func compareWithLua51(t *testing.T, generate func(*choices) string) {
	if _, err := exec.LookPath("lua5.1"); err != nil {
		if os.Getenv("PHAROS_REQUIRE_REAL") == "1" {
			t.Fatal("no lua5.1 in PATH, and PHAROS_REQUIRE_REAL=1")
		}
		t.Skip("no lua5.1 in PATH (Debian: lua5.1)")
	}
	reports := 3
	total := setting(t, "PHAROS_LUA_PROGRAMS", 1000)
	seed := setting(t, "PHAROS_LUA_SEED", 1)
	for done := 0; done < total && !t.Failed(); done += programsPerProcess {
		var lists [][]int
		var sources []string
		for i := range min(programsPerProcess, total-done) {
			c := &choices{random: rand.New(rand.NewPCG(uint64(seed+done+i), 0))}
			sources = append(sources, generate(c))
			lists = append(lists, c.list)
		}
		theirs := runLua51(t, sources)
		for i, source := range sources {
			if reports == 0 || !differ(runHere(source), theirs[i]) {
				continue
			}
			reports--
			list := shrink(lists[i], func(list []int) bool {
				source := generate(&choices{list: list})
				return differ(runHere(source), runLua51(t, []string{source})[0])
			})
			source := generate(&choices{list: list})
			got, want := runHere(source), runLua51(t, []string{source})[0]
			t.Errorf("seed %d:\n%s\nprints here\n%s\nand in Lua 5.1\n%s", seed+done+i, strings.TrimPrefix(source, programPrelude), got, want)
		}
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, s, err)
	}
	return n
}

// notCompiled is the output of what is not a program.
const notCompiled = "does not compile"

// elsewise is a number that is printed in another way by design: a whole one of
// many digits, or minus zero.
var elsewise = regexp.MustCompile(`[0-9]{14}|e\+|-0(?:[^.]|$)`)

func differ(here, there string) bool {
	return here != there && !elsewise.MatchString(here) && !elsewise.MatchString(there)
}

// runHere gives a program's output.
func runHere(source string) string {
	u, err := New(Options{Name: "t.lua", Globals: programGlobals, Slice: time.Minute})
	if err != nil {
		return err.Error()
	}
	defer u.Close()
	if err := u.Load(context.Background(), []byte(source)); err != nil {
		return notCompiled + " here: " + err.Error()
	}
	var out string
	run := u.env.RawGetString("run")
	err = u.Call(context.Background(), run, nil, func(L *lua.LState, _ int) error {
		out = L.Get(-1).String()
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return out
}

// runLua51 gives the outputs of programs in Lua 5.1.
func runLua51(t *testing.T, sources []string) []string {
	t.Helper()
	const between = "\n--next--\n"
	var script strings.Builder
	script.WriteString(`
local function program(source)
	local f, err = loadstring(source, "=t.lua")
	if not f then io.write("` + notCompiled + `: ", err) return end
	local env = setmetatable({}, {__index = _G})
	setfenv(f, env)
	local ok, err = pcall(f)
	if ok then ok, err = pcall(env.run) end
	io.write(tostring(err))
end
`)
	for _, source := range sources {
		fmt.Fprintf(&script, "program [=====[%s]=====] io.write %q\n", source, between)
	}
	cmd := exec.Command("lua5.1", "-")
	cmd.Stdin = strings.NewReader(script.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lua5.1: %v, %s", err, stderr.String())
	}
	outputs := strings.Split(string(out), between)
	if len(outputs) != len(sources)+1 {
		t.Fatalf("lua5.1 printed %d outputs of %d programs", len(outputs)-1, len(sources))
	}
	return outputs[:len(sources)]
}
