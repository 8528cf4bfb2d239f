package browsertest

import (
	"fmt"
	"testing"
)

// TestUnits runs testdata/unit.js: tests of the modules that know no page.
func TestUnits(t *testing.T) {
	w := newWall(t, nil, spec{names: []string{"a"}})
	b := newTab(t, 800, 600)
	b.open(w.url("/"))
	b.do(await(`import("/static/unit.js").then((module) => { window.unit = module.tests; })`))
	names := eval[[]string](b, `Object.keys(unit)`)
	if len(names) == 0 {
		t.Fatal("unit.js exports no tests")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if got := eval[string](b, fmt.Sprintf(`(() => { try { unit[%q](); return ""; } catch (error) { return String(error); } })()`, name)); got != "" {
				t.Error(got)
			}
		})
	}
}
