package web

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLooksOfAnAddress(t *testing.T) {
	for query, want := range map[string]Looks{
		"":                                      {Theme: "auto", Density: "desk", Palette: "standard"},
		"theme=light&density=wall&palette=cb":   {Theme: "light", Density: "wall", Palette: "cb"},
		"theme=dark&kiosk":                      {Theme: "dark", Density: "desk", Palette: "standard", Kiosk: true},
		"kiosk=1":                               {Theme: "auto", Density: "desk", Palette: "standard", Kiosk: true},
		"kiosk=0":                               {Theme: "auto", Density: "desk", Palette: "standard"},
		"kiosk=false":                           {Theme: "auto", Density: "desk", Palette: "standard"},
		"theme=&density=Wall&palette=%22%3E%3C": {Theme: "auto", Density: "desk", Palette: "standard"},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, newLooks(values)); diff != "" {
			t.Errorf("newLooks(%q) (-want +got):\n%s", query, diff)
		}
	}
}
