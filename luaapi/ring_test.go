package luaapi

import (
	"fmt"
	"strings"
	"testing"
)

func TestRing(t *testing.T) {
	oneTo := func(n int) string {
		var numbers []string
		for i := range n {
			numbers = append(numbers, fmt.Sprint(i+1))
		}
		return strings.Join(numbers, ",")
	}
	for _, test := range []struct {
		size          int
		numbers, expr string
		want          string
	}{
		{3, "", "ring:count()", "0"},
		{3, "", "tostring(ring:sum())", "nil"},
		{3, "", "tostring(ring:quantile(0.5))", "nil"},
		{3, "", "#ring:values()", "0"},
		{3, "5", "ring:last()", "5"},
		{3, "5,1,9,2", "ring:count()", "3"},
		{3, "'010', '0x10'", "table.concat(ring:values(), ' ')", "10 16"}, // as tonumber reads them
		{3, "5,1,9,2", "ring:last()", "2"},
		{3, "5,1,9,2", "ring:min()", "1"},
		{3, "5,1,9,2", "ring:max()", "9"},
		{3, "5,1,9,2", "ring:sum()", "12"},
		{3, "5,1,9,2", "ring:mean()", "4"},
		{3, "5,1,9,2", "table.concat(ring:values(), ' ')", "1 9 2"},
		// The least number that at least that share of them does not exceed.
		{9, "7", "ring:quantile(0.5)", "7"},
		{9, "4,1,3,2", "ring:quantile(0)", "1"},
		{9, "4,1,3,2", "ring:quantile(0.5)", "2"},
		{9, "4,1,3,2", "ring:quantile(0.51)", "3"},
		{9, "4,1,3,2", "ring:quantile(1)", "4"},
		{99, oneTo(20), "ring:quantile(0.95)", "19"},
		{99, oneTo(99), "ring:quantile(0.99)", "99"},
		{200, oneTo(100), "ring:quantile(0.99)", "99"},
		{200, oneTo(100), "ring:quantile(0.07)", "7"}, // 0.07 * 100 is a little more than 7
	} {
		got := newTestBoard(t).check(fmt.Sprintf("local ring = pharos.ring(%d)\nfor _, n in ipairs{%s} do ring:push(n) end\nreturn 'ok', %s", test.size, test.numbers, test.expr))
		if got.Value != test.want {
			t.Errorf("%s of %s in a ring of %d = %q (%s), want %q", test.expr, test.numbers, test.size, got.Value, got.Detail, test.want)
		}
	}
	for expr, want := range map[string]string{
		"pharos.ring(0)":                  "want a size from 1 to",
		"pharos.ring(3):quantile(2)":      "want 0 to 1",
		"pharos.ring(3):quantile(0/0)":    "want 0 to 1",
		"pharos.ring(3).push(1)":          "with a colon",
		"pharos.ring(3):push('a number')": "bad argument #1 to 'push' (number expected, got string)",
		"pharos.ring(3):push('1_000')":    "bad argument #1 to 'push' (number expected, got string)",
	} {
		if got := newTestBoard(t).check(expr); !strings.Contains(got.Detail, want) {
			t.Errorf("%s: %q, want %q", expr, got.Detail, want)
		}
	}
}
