package probe

import (
	"os/exec"
	"testing"
)

func TestSSHQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":          "''",
		"plain-1.2": "plain-1.2",
		"a b":       "'a b'",
		"it's":      `'it'\''s'`,
		`\`:         `\\`,
		`a\'b$`:     `'a'\\\''b$'`,
		"~":         "'~'",
		"A=1":       "'A=1'",
		"a\nb":      "'a\nb'",
	} {
		if got := sshQuote(in); got != want {
			t.Errorf("sshQuote(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzSSHQuote asks the shell itself what it reads.
func FuzzSSHQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", `\'"$(id)` + "`id`", "\\\n\x01\xff*?[~#!{a,b}", "'''", `\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if hasNUL(s) {
			t.Skip("no shell takes a NUL")
		}
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+sshQuote(s)).CombinedOutput()
		if err != nil || string(out) != s {
			t.Errorf("printf %%s %s = %q, %v, want %q", sshQuote(s), out, err, s)
		}
	})
}
