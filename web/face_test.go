package web

import (
	"testing"
	"time"

	"pharos/engine"
)

// A watcher may write its value with the unit in it: it is set as one all the same.
func TestFacePartsTheUnit(t *testing.T) {
	for _, test := range [][4]string{
		{"5.3 minutes", "", "5.3", "minutes"}, {"0.12 ms", "", "0.12", "ms"}, {"-3 %", "", "-3", "%"},
		{"2/3 pay", "", "2/3 pay", ""}, {"3 of 4", "", "3 of 4", ""}, {"12 a", "jobs", "12 a", "jobs"}, {"3 ", "", "3", ""},
	} {
		tile := Tile{Value: test[0], Unit: test[1]}
		if got := newFace(&tile, time.Now()); got.Value != test[2] || got.Unit != test[3] {
			t.Errorf("face of %q %q has %q %q, want %q %q", test[0], test[1], got.Value, got.Unit, test[2], test[3])
		}
	}
}

// The name of a tile says what it does: the line under it has room for the
// reason alone.
func TestFaceGivesTheReason(t *testing.T) {
	for _, test := range []struct{ message, reason string }{
		{`getting "http://shop.example/a": connecting to 10.0.0.1:80: connection refused`, "connecting to 10.0.0.1:80: connection refused"},
		{`sending "POST" to "http://shop.example/": resolving "shop.example": no such host`, `resolving "shop.example": no such host`},
		{`asking 127.0.0.1:53 for A of "shop.example": connection refused`, "connection refused"},
		{`running "echo \"a\": b": not finished after 1s`, "not finished after 1s"},
		{`running "true" as user "web": no such user`, "no such user"},
		{`ssh web-1: cannot reach it`, "ssh web-1: cannot reach it"},
		{`nothing "quoted"`, `nothing "quoted"`},
	} {
		tile := Tile{Status: engine.Critical, Error: &TileError{Message: test.message}}
		if got := newFace(&tile, time.Now()).Why; got != test.reason {
			t.Errorf("Why of %s = %s, want %s", test.message, got, test.reason)
		}
	}
}
