package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
)

// stallingWriter takes what it is given once it may.
type stallingWriter struct {
	may chan struct{}
	got bytes.Buffer
}

func (w *stallingWriter) Write(b []byte) (int, error) {
	<-w.may
	return w.got.Write(b)
}

// What finds no place is lost, and the log says how much and where.
func TestLogWriterLosesWhatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stallingWriter{may: make(chan struct{})}
		l := newLogWriter(w, "text")
		n := 0
		log := func(lines int) {
			for range lines {
				fmt.Fprintf(l, "%d\n", n)
				n++
			}
		}
		log(1)
		synctest.Wait() // it is being written
		log(logQueue + 7)
		close(w.may)
		synctest.Wait()
		log(2)
		began := time.Now()
		l.close(time.Minute)
		log(1) // comes too late
		if waited := time.Since(began); waited > 0 {
			t.Errorf("close() of a log that is read waits for %v, want not at all", waited)
		}
		text := regexp.MustCompile(`time=\S+ `).ReplaceAllString(w.got.String(), "")
		_, got, _ := strings.Cut(text, fmt.Sprintf("\n%d\n", logQueue-1))
		want := fmt.Sprintf(`%d
level=WARN msg="lines are missing here: whoever reads the log did not keep up" lines=7
%d
%d
`, logQueue, logQueue+8, logQueue+9)
		if got != want {
			t.Errorf("the log ends in %q, want %q", got, want)
		}
	})
}

// The end of a daemon waits for the log, and not for ever.
func TestLogWriterCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stallingWriter{may: make(chan struct{})}
		l := newLogWriter(w, "text")
		fmt.Fprintln(l, "never read")
		began := time.Now()
		l.close(time.Second)
		if got := time.Since(began); got != time.Second {
			t.Errorf("close() of a log that nobody reads waits for %v, want 1s", got)
		}
		close(w.may)
	})
}

// Each line of a log in JSON is a value that says what the line of text does.
func TestLogFormats(t *testing.T) {
	var b bytes.Buffer
	log := newLogger(&b, 0, "json")
	log.Info("not shown")
	log.Warn("status changed\n", "to", engine.Critical, "after", 1500*time.Millisecond, "err", errors.New("a <b> \"c\""))
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%q: %v", b.String(), err)
	}
	delete(got, "time")
	want := map[string]any{"level": "WARN", "msg": "status changed\n", "to": "critical", "after": "1.5s", "err": `a <b> "c"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a line in JSON (-want +got):\n%s", diff)
	}
	var format logFormat
	if err := format.Set("xml"); err == nil || err.Error() != "want text or json" {
		t.Errorf("--log-format xml gives %v", err)
	}
}
