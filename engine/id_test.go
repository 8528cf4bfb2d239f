package engine_test

import (
	"testing"

	"pharos/engine"
)

func TestSlug(t *testing.T) {
	for name, want := range map[string]string{
		" Is it\tTrue? ":    "is_it_true",
		"Zwei & Größe_2-b":  "zwei__größe_2-b",
		"10.0.1.11":         "10-0-1-11",
		"10.0.11.1":         "10-0-11-1",
		"10.0.0.0/8":        "10-0-0-0-8",
		"disk 99 % (99.9)":  "disk_99__99-9",
		"v.2 of 3.x":        "v2_of_3x",
		"5 ... 6, 7...8":    "5__6_7-8",
		"99%":               "99",
		"web.example.org:1": "webexampleorg1",
		"\u0967.\u0968":     "\u0967-\u0968",
		"?!":                "545f940d",
	} {
		if got := engine.Slug(name); got != want {
			t.Errorf("Slug(%q) = %q, want %q", name, got, want)
		}
	}
}
