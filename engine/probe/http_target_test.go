package probe

import (
	"fmt"
	"testing"
)

// URLs that a watcher asks for again are read once, and those that are never
// the same do not pile up.
func TestHTTPTargetsAreRemembered(t *testing.T) {
	var k httpTargets
	first, err := k.parse("example.com/a")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := k.parse("example.com/a"); again != first {
		t.Error("parse gives another target for the same URL, want the one it gave before")
	}
	if _, err := k.parse("ftp://example.com/"); err == nil || k.known["ftp://example.com/"] != nil {
		t.Errorf("parse of a bad URL: err = %v, want one, and nothing remembered", err)
	}
	for i := range 3 * httpTargetsMax {
		if _, err := k.parse(fmt.Sprint("http://example.com/", i)); err != nil {
			t.Fatal(err)
		}
		if len(k.known) > httpTargetsMax {
			t.Fatalf("%d URLs remembered, want at most %d", len(k.known), httpTargetsMax)
		}
	}
}
