package luaapi

import (
	"strings"
	"testing"
)

func TestTimeParse(t *testing.T) {
	const noon = "1767268800" // 2026-01-01 12:00 UTC
	for _, text := range []string{
		"2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00", "2026-01-01 12:00:00", "2026-01-01 07:00:00 -0500",
		"Thu, 01 Jan 2026 12:00:00 GMT", "Thursday, 01-Jan-26 12:00:00 UTC", "Thu Jan  1 12:00:00 GMT 2026", "Jan  1 12:00:00 2026 GMT",
	} {
		if got := newTestBoard(t).check(`return "ok", string.format("%d", assert(pharos.time.parse("` + text + `")))`); got.Value != noon {
			t.Errorf("parse(%q) = %s %s, want %s", text, got.Value, got.Detail, noon)
		}
	}
}

// What "EST" means depends on who says it: the machine knows the abbreviations
// of its own zone only, and to take others for UTC would be hours off.
func TestTimeParseRefusesUnknownZones(t *testing.T) {
	for _, text := range []string{"Thu Jan  1 12:00:00 XYT 2026", "Thursday, 01-Jan-26 12:00:00 XYT"} {
		got := newTestBoard(t).check(`local at, err = pharos.time.parse("` + text + `") return "ok", err and err.kind or at, tostring(err)`)
		if got.Value != "proto" || !strings.Contains(got.Detail, `the zone "XYT" is not known here`) {
			t.Errorf("parse(%q) = %s, %s, want an error about the zone", text, got.Value, got.Detail)
		}
	}
}
