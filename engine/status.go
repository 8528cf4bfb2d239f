package engine

import "fmt"

// Status is the verdict of a run, and of a watcher. The numbers leave the
// process in the state file: the list is append-only.
type Status uint8

const (
	Pending  Status = iota // no run has ended yet; never shown as well
	OK                     // as it should be
	Warning                // worse than it should be
	Critical               // the watched thing is broken, refusing, too slow or hanging
	Unknown                // no verdict: the script or the vantage failed, not the watched thing
)

// statuses is the one table of every status: its word, the letter that stands
// for it in a trail, and its rank among the others, worst highest.
var statuses = [...]struct {
	word   string
	letter byte
	rank   int
}{
	Pending:  {"pending", 'p', 0},
	OK:       {"ok", 'o', 1},
	Warning:  {"warning", 'w', 2},
	Critical: {"critical", 'c', 4},
	Unknown:  {"unknown", 'u', 3},
}

// Statuses lists every status, in the order of their numbers.
func Statuses() []Status { return []Status{Pending, OK, Warning, Critical, Unknown} }

// String gives the status's word, as Lua, JSON and CSS spell it.
func (s Status) String() string {
	if int(s) < len(statuses) {
		return statuses[s].word
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// Letter gives the one-letter form used in trails: p, o, w, c or u.
func (s Status) Letter() byte {
	if int(s) < len(statuses) {
		return statuses[s].letter
	}
	return '?'
}

// Worse tells whether s is worse than other. Worst first: critical, unknown,
// warning, ok, pending.
func (s Status) Worse(other Status) bool { return s.rank() > other.rank() }

// Problem tells whether the status is one to look at: warning, critical or
// unknown.
func (s Status) Problem() bool { return s == Warning || s == Critical || s == Unknown }

func (s Status) rank() int {
	if int(s) < len(statuses) {
		return statuses[s].rank
	}
	return 0
}

// ParseStatus finds the status of a word as [Status.String] gives it.
func ParseStatus(word string) (Status, bool) {
	for s, row := range statuses {
		if row.word == word {
			return Status(s), true
		}
	}
	return Pending, false
}

// MarshalText writes the status's word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a status's word; any other text is an error.
func (s *Status) UnmarshalText(text []byte) error {
	got, ok := ParseStatus(string(text))
	if !ok {
		return fmt.Errorf("parsing status %q: want pending, ok, warning, critical or unknown", text)
	}
	*s = got
	return nil
}
