package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// rooms is which package may import which of the project's own. A room's
// subpackages that are not listed are held to the room's line.
var rooms = map[string][]string{
	"cmd":                   {"web", "luaapi", "builtin", "scripts", "engine"},
	"web":                   {"engine"},
	"luaapi":                {"engine", "engine/probe", "luaapi/vm", "luaapi/pattern"},
	"luaapi/vm":             {"luaapi/pattern"},
	"luaapi/pattern":        {},
	"luaapi/meta":           {},
	"engine":                {},
	"engine/enginetest":     {"engine"},
	"engine/statefile":      {"engine"},
	"engine/probe":          {"engine/probe/initproc"},
	"engine/probe/initproc": {},
	"builtin":               {},
	"scripts":               {},
}

// wiring is what only the wiring needs beside its rooms.
var wiring = []string{"engine/statefile", "engine/probe/initproc", "luaapi/meta"}

// owners is which libraries are imported where, and nowhere else.
var owners = map[string]string{
	"github.com/yuin/gopher-lua":       "luaapi",
	"github.com/labstack/echo":         "web",
	"github.com/r3labs/sse":            "web",
	"github.com/spf13/cobra":           "cmd",
	"github.com/google/renameio":       "engine/statefile",
	"golang.org/x/crypto/ssh":          "engine/probe",
	"github.com/kevinburke/ssh_config": "engine/probe",
	"github.com/ergochat/readline":     "cmd", // the prompt's line editor: only a person at a terminal needs one
}

// standardOnly lists the rooms that import nothing but the standard library.
var standardOnly = []string{"engine", "luaapi/pattern", "builtin", "scripts"}

type listed struct {
	ImportPath, Name string
	Imports          []string
}

func TestArrows(t *testing.T) {
	packages := list(t)
	if len(packages) < 5 {
		t.Fatalf("go list gives %d packages, want the whole project", len(packages))
	}
	for _, p := range packages {
		path := strings.TrimPrefix(p.ImportPath, "pharos/")
		room := roomOf(path)
		if room == "" {
			t.Errorf("package %s is in no room", path)
			continue
		}
		for _, imported := range p.Imports {
			for _, fault := range judge(room, imported) {
				t.Errorf("package %s imports %s: %s", path, imported, fault)
			}
		}
	}
}

// judge says what is wrong with a package of room importing path.
func judge(room, path string) (faults []string) {
	own, isOwn := strings.CutPrefix(path, "pharos/")
	if isOwn {
		allowed := rooms[room]
		if room == "cmd" {
			allowed = append(allowed, wiring...)
		}
		to := roomOf(own)
		for _, a := range allowed {
			if a == to {
				return nil
			}
		}
		if to == room {
			return nil
		}
		return []string{"no arrow leads from " + room + " to " + to}
	}
	standard := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
	for _, r := range standardOnly {
		if r == room && !standard {
			faults = append(faults, room+" imports the standard library only")
		}
	}
	for library, owner := range owners {
		if strings.HasPrefix(path, library) && !within(room, owner) {
			faults = append(faults, "only "+owner+" imports it")
		}
	}
	return faults
}

// roomOf gives the longest listed prefix of a package's path.
func roomOf(path string) string {
	best := ""
	for room := range rooms {
		if within(path, room) && len(room) > len(best) {
			best = room
		}
	}
	return best
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestJudgeFindsFaults(t *testing.T) {
	tests := []struct {
		room, path string
		faults     int
	}{
		{"engine", "context", 0},
		{"engine", "golang.org/x/sync/errgroup", 1},
		{"engine", "pharos/engine/probe", 1},
		{"engine/probe", "pharos/engine", 1},
		{"engine/probe", "pharos/engine/probe/initproc", 0},
		{"web", "pharos/luaapi", 1},
		{"web", "github.com/labstack/echo/v4", 0},
		{"cmd", "github.com/labstack/echo/v4", 1},
		{"cmd", "github.com/ergochat/readline", 0},
		{"luaapi", "github.com/ergochat/readline", 1},
		{"cmd", "pharos/engine/probe", 1},
		{"cmd", "pharos/engine/statefile", 0},
		{"luaapi/vm", "github.com/yuin/gopher-lua/ast", 0},
		{"luaapi/vm", "pharos/engine", 1},
	}
	for _, test := range tests {
		if got := judge(test.room, test.path); len(got) != test.faults {
			t.Errorf("judge(%s, %s) = %q, want %d faults", test.room, test.path, got, test.faults)
		}
	}
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Imports", "pharos/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
