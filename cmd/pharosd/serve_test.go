package main

import (
	"strings"
	"testing"

	"pharos/engine"
	"pharos/luaapi"
)

// The start tells of sets whose members are still to be found: a board of such
// sets alone is not one of no watchers.
func TestGreetTellsOfDiscoveries(t *testing.T) {
	found := engine.Set{Discover: &engine.Discovery{}}
	fixed := engine.Set{Watchers: []engine.Watcher{{Name: "a"}}}
	for _, test := range []struct {
		sets []engine.Set
		want string
	}{
		{[]engine.Set{fixed}, "1 watcher from fleet.lua; save it and the board changes"},
		{[]engine.Set{fixed, found}, "1 watcher from fleet.lua, and a set that finds its own; save it and the board changes"},
		{[]engine.Set{found, found}, "0 watchers from fleet.lua, and 2 sets that find their own; save it and the board changes"},
	} {
		var out strings.Builder
		greet(&out, luaapi.Options{Path: "fleet.lua", URL: "http://127.0.0.1:8811/"}, &engine.Generation{Sets: test.sets})
		_, got, _ := strings.Cut(out.String(), "\n")
		if got != test.want+"\n" {
			t.Errorf("greet() = %q, want %q", got, test.want)
		}
	}
}
