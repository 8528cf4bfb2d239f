package probe

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLineWriter(t *testing.T) {
	long := strings.Repeat("x", LineMax)
	for _, tt := range []struct {
		name   string
		writes []string
		want   []string
	}{
		{"whole", []string{"a\nb\n"}, []string{"a", "b"}},
		{"in parts", []string{"a", "b\nc", "", "d", "\n"}, []string{"ab", "cd"}},
		{"crlf", []string{"a\r\nb\r", "\n\r\n"}, []string{"a", "b", ""}},
		{"empty lines", []string{"\n\n"}, []string{"", ""}},
		{"without an end", []string{"a\nb"}, []string{"a", "b"}},
		{"too long", []string{long + "y\nz\n"}, []string{long, "z"}},
		{"too long in parts", []string{long[:100], long, "yy", "\nz\n"}, []string{long, "z"}},
	} {
		var got []string
		w := &lineWriter{line: func(line []byte) { got = append(got, string(line)) }}
		for _, text := range tt.writes {
			if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: Write() = %d, %v, want %d, nil", tt.name, n, err, len(text))
			}
		}
		w.flush()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// FuzzLineWriter holds that lines do not depend on how they are cut into writes.
func FuzzLineWriter(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), 1)
	f.Add([]byte("\r\r\n"), 2)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		var want, got []string
		for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
			want = append(want, string(bytes.TrimSuffix(line[:min(len(line), LineMax)], []byte("\r"))))
		}
		if len(text) == 0 {
			want = nil
		}
		w := &lineWriter{line: func(line []byte) { got = append(got, string(line)) }}
		for rest := text; len(rest) > 0; {
			n := min(max(step, 1), len(rest))
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		w.flush()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
