package luaapi

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"pharos/luaapi/vm"
)

// maxDuration bounds every duration of a script: a year is more than any
// interval or timeout means.
const maxDuration = 366 * 24 * time.Hour

// durationOf reads a duration as scripts write it: a number is seconds, text
// carries units ("250ms", "2s", "1m30s", "2h", "3d").
func durationOf(v lua.LValue) (time.Duration, error) {
	switch v := v.(type) {
	case lua.LNumber:
		return secondsOf(float64(v))
	case lua.LString:
		return parseDuration(string(v))
	}
	return 0, fmt.Errorf("want a number of seconds or text with a unit such as \"250ms\", got %s", typeName(v))
}

func secondsOf(s float64) (time.Duration, error) {
	if math.IsNaN(s) || s < 0 || s > maxDuration.Seconds() {
		return 0, fmt.Errorf("want 0 to %.0f seconds, got %s", maxDuration.Seconds(), vm.FormatNumber(s))
	}
	return time.Duration(math.Round(s * float64(time.Second))), nil
}

func parseDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%q has no unit: write %q or %q", text, text+"s", text+"ms")
	}
	rest, days := text, time.Duration(0)
	if whole, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(whole, 10, 16)
		if err != nil {
			return 0, errNotDuration(text)
		}
		days, rest = time.Duration(n)*24*time.Hour, after
	}
	d := time.Duration(0)
	if rest != "" || text == "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil || d < 0 {
			return 0, errNotDuration(text)
		}
	}
	if d += days; d > maxDuration {
		return 0, errors.New("want 0 to 366 days")
	}
	return d, nil
}

func errNotDuration(text string) error {
	return fmt.Errorf("%q is no duration: want a number of seconds or text such as \"250ms\", \"2s\", \"1m30s\"", text)
}

// millisecondsHint answers a bare interval so long that the original's
// milliseconds were probably meant; "" for any other.
func millisecondsHint(v lua.LValue) string {
	n, ok := v.(lua.LNumber)
	if !ok || n < 300 {
		return ""
	}
	return fmt.Sprintf("%s is %s; the original's milliseconds are written \"%sms\"",
		vm.FormatNumber(float64(n)), roughly(time.Duration(float64(n)*float64(time.Second))), vm.FormatNumber(float64(n)))
}

// roughly gives d in its largest whole unit: "33 minutes".
func roughly(d time.Duration) string {
	count, unit := int(d/time.Minute), "minute"
	switch {
	case d >= 48*time.Hour:
		count, unit = int(d/(24*time.Hour)), "day"
	case d >= 2*time.Hour:
		count, unit = int(d/time.Hour), "hour"
	}
	if count != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", count, unit)
}
