package web

import (
	"net/url"
	"slices"
)

// Looks are what an address asks of the page's appearance; settings.js changes
// them later. The page is rendered with them: no wall flashes in others first,
// and a browser without scripts has them too.
type Looks struct {
	Theme   string
	Density string
	Palette string
	Kiosk   bool
}

// The first of each is what an address has that asks for none, or for one that
// there is not.
var (
	themes    = [...]string{"auto", "dark", "light"}
	densities = [...]string{"desk", "wall", "compact"}
	palettes  = [...]string{"standard", "cb"}
)

func newLooks(query url.Values) Looks {
	pick := func(known []string, name string) string {
		if asked := query.Get(name); slices.Contains(known, asked) {
			return asked
		}
		return known[0]
	}
	return Looks{
		Theme:   pick(themes[:], "theme"),
		Density: pick(densities[:], "density"),
		Palette: pick(palettes[:], "palette"),
		Kiosk:   query.Has("kiosk") && query.Get("kiosk") != "0" && query.Get("kiosk") != "false",
	}
}

// LightWhen is the media query of the light theme's style sheet, which is laid
// over the dark one's.
func (l Looks) LightWhen() string {
	switch l.Theme {
	case "dark":
		return "not all"
	case "light":
		return "all"
	}
	return "(prefers-color-scheme: light)" // as the viewer's system has it
}
