package probe

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"a longer line\nthan eight bytes\tis", "a longer line\nthan eight bytes\tis"},
		{"seven .\x00 and so on, seven .\x7f and so on", "seven . and so on, seven . and so on"},
		{"plain\ttext\n", "plain\ttext\n"},
		{"näive → 日本", "näive → 日本"},
		{"a\xff\xfe\xfdb", "a\uFFFDb"},
		{"a\xc3", "a\uFFFD"},
		{"\xed\xa0\x80", "\uFFFD"},
		{"a\uFFFDb", "a\uFFFDb"},
		{"nul\x00bell\abs\bdel\x7f", "nulbellbsdel"},
		{"dos\r\nmac\rend\r", "dos\nmac\nend\n"},
		{"\x1b[1;31mred\x1b[0m", "red"},
		{"\x1b[?25l\x1b[2J\x1b[10;20Hhome", "home"},
		{"\x1b]0;title\aa", "a"},
		{"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"\x1bPq#0\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"},
		{"\x1b(Ba\x1b7b\x1bc", "ab"},
		{"\u009b31mred\u009b0m", "red"},
		{"\u009d0;title\u009ca", "a"},
		{"\x1b]unending", "unending"},
		{"\x1b]two\nlines", "two\nlines"},
		{"\x1b[31", "31"},
		{"\x1b[31\ntext", "31\ntext"},
		{"a\x1b", "a"},
		{"\x1b\x1b[1mb", "b"},
		{"\u0085next\u008d", "next"},
		{"user\u202etxt.exe\u202c\u2066x\u2069\u200f\u200e\u061c", "usertxt.exex"},
		{"zero\u200bwidth\u200djoiner", "zero\u200bwidth\u200djoiner"},
	} {
		if got := Clean([]byte(tt.in)); got != tt.want {
			t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[1;31mred\x1b[0m", "\x1b]0;t\x1b\\x", "\xc2\x9d\xc2", "\r\r\n", "\u202e\xff\xff", "\x1b\x1b]\x1b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := Clean(in)
		if !utf8.ValidString(got) {
			t.Errorf("Clean(%q) = %q, want valid UTF-8", in, got)
		}
		if i := strings.IndexFunc(got, cleanDropped); i >= 0 {
			t.Errorf("Clean(%q) = %q, want no %q", in, got, got[i:])
		}
		if len(got) > 3*len(in) {
			t.Errorf("Clean of %d bytes gives %d, want at most 3 times as many", len(in), len(got))
		}
		if again := Clean([]byte(got)); again != got {
			t.Errorf("Clean(Clean(%q)) = %q, want %q", in, again, got)
		}
		if !bytes.ContainsFunc(in, func(r rune) bool { return r == utf8.RuneError || r == '\r' || cleanDropped(r) }) && got != string(in) {
			t.Errorf("Clean(%q) = %q, want it unchanged", in, got)
		}
	})
}

// BenchmarkClean shows that no input makes it slower than linear: ns for each
// byte should not differ by much.
func BenchmarkClean(b *testing.B) {
	for name, unit := range map[string]string{"plain": "all is well\n", "utf8": "näive → ", "osc": "\x1b]", "c1": "\u009d", "csi": "\x1b[1;31mred"} {
		in := bytes.Repeat([]byte(unit), DefaultMaxOutput/len(unit))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				Clean(in)
			}
		})
	}
}
