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

// A number that is no date, such as milliseconds taken for seconds twice over, is a
// mistake to tell of.
func TestAbsurdTimes(t *testing.T) {
	for expression, want := range map[string]string{
		`pharos.time.format(1e18)`:                     "cannot format time 1e+18: its year is not 0 to 9999",
		`pharos.time.format(0 / 0)`:                    "cannot format time nan",
		`pharos.time.format(-1e300)`:                   "cannot format time -1e+300",
		`os.date("!%c", 1e18)`:                         "bad argument #2 to 'date' (the year is not 0 to 9999)",
		`os.date("*t", -math.huge).year`:               "the year is not 0 to 9999",
		`os.time{ year = 1e300, month = 1, day = 1 }`:  "field 'year' is out of bounds",
		`os.time{ year = 2000, month = 1, day = 0/0 }`: "field 'day' is out of bounds",
	} {
		if got := newTestBoard(t).check(`return "ok", ` + expression); !strings.Contains(got.Detail, want) {
			t.Errorf("%s = %v %q %q, want %s", expression, got.Status, got.Value, got.Detail, want)
		}
	}
	for expression, want := range map[string]string{
		`pharos.time.format(253402300799)`:             "9999-12-31T23:59:59Z",
		`pharos.time.format("010")`:                    "1970-01-01T00:00:10Z",
		`pharos.time.format(-62167219200)`:             "0000-01-01T00:00:00Z",
		`os.date("!%Y", 253402300799)`:                 "9999",
		`os.time{ year = 2000, month = 1, day = -30 }`: "94",
	} {
		if got := newTestBoard(t).check(`return "ok", ` + expression); !strings.HasPrefix(got.Value, want) {
			t.Errorf("%s = %q %s, want %s", expression, got.Value, got.Detail, want)
		}
	}
}
