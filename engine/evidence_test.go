package engine

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	tests := []struct {
		in   string
		size int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"abc", 0, ""},
		{"aé", 2, "a"},
		{"aé", 3, "aé"},
		{"日本", 5, "日"},
		{"日本", 2, ""},
		{"a\xffb", 10, "a�b"},
		{"\xff\xff\xff\xff", 3, "�"},
		{"é\xc3", 2, "é"},
	}
	for _, test := range tests {
		if got := cut(test.in, test.size); got != test.want {
			t.Errorf("cut(%q, %d) = %q, want %q", test.in, test.size, got, test.want)
		}
	}
}

func FuzzBounded(f *testing.F) {
	f.Add("value", "detail", "output", "log")
	f.Add("é\xc3", strings.Repeat("日本", 2000), "\xff", "\n")
	f.Fuzz(func(t *testing.T, value, detail, output, log string) {
		big := strings.Repeat(detail, 1+4000/(len(detail)+1))
		r := bounded(Result{
			Value: value, Unit: value, Detail: big, Link: log, Output: output + big, Log: []string{big, log, output},
			Failure: &Failure{Message: big, Kind: value, Phase: log, File: output, Trace: big},
			Timing:  []Phase{{Name: big}, {Name: value}},
		})
		texts := append([]string{r.Value, r.Unit, r.Detail, r.Link, r.Output,
			r.Failure.Message, r.Failure.Kind, r.Failure.Phase, r.Failure.File, r.Failure.Trace}, r.Log...)
		for _, p := range r.Timing {
			texts = append(texts, p.Name)
		}
		size := 0
		for _, text := range texts {
			size += len(text)
			if text != r.Link && !utf8.ValidString(text) {
				t.Errorf("bounded gives %q, want valid UTF-8", text)
			}
		}
		if size > EvidenceMaxBytes {
			t.Errorf("bounded keeps %d bytes, want at most %d", size, EvidenceMaxBytes)
		}
	})
}

func TestLastLines(t *testing.T) {
	got := lastLines([]string{"first", "second", "third"}, 12)
	if strings.Join(got, ",") != "second,third" {
		t.Errorf("lastLines = %q, want the last two", got)
	}
	if got := lastLines([]string{"first", "second", "third"}, 9); strings.Join(got, ",") != "sec,third" {
		t.Errorf("lastLines = %q, want the third and what fits of the second", got)
	}
	if got := lastLines(nil, 10); len(got) != 0 {
		t.Errorf("lastLines(nil) = %q, want none", got)
	}
}

// What is kept of many vantages leaves room for the rest, and takes no more than
// the rest leaves.
func TestBoundedCells(t *testing.T) {
	long := strings.Repeat("x\n", 5000)
	cells := make([]Cell, 2*MaxCells)
	for i := range cells {
		cells[i] = Cell{Name: long, Value: long, Unit: long, Detail: long}
	}
	for _, failure := range []*Failure{{}, {Message: long, Kind: long, Phase: long, File: long, Trace: long}} {
		r := bounded(Result{Value: long, Unit: long, Detail: long, Output: long, Cells: cells, Failure: failure})
		f := r.Failure
		size := len(r.Value + r.Unit + r.Detail + r.Output + f.Message + f.Kind + f.Phase + f.File + f.Trace)
		for _, c := range r.Cells {
			size += len(c.Name + c.Value + c.Unit + c.Detail)
		}
		if len(r.Cells) != MaxCells || size > EvidenceMaxBytes || strings.Contains(r.Cells[0].Detail, "\n") {
			t.Errorf("%d cells and %d bytes are kept, want %d and at most %d", len(r.Cells), size, MaxCells, EvidenceMaxBytes)
		}
		if first, last := r.Cells[0], r.Cells[MaxCells-1]; first.Name == "" || last.Name == "" {
			t.Errorf("names of the first and last cell = %q, %q, want both", first.Name, last.Name)
		}
	}
}
