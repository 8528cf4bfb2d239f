package web

import (
	"testing"
	"time"

	"pharos/engine"
)

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
