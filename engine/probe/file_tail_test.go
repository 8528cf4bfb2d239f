package probe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write := func(name, text string, flags int) {
		t.Helper()
		f, err := os.OpenFile(name, os.O_WRONLY|flags, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	var files Files
	h := hear(t, func(ctx context.Context, sink LineSink) error { return files.Tail(ctx, path, false, sink) })
	if got, want := h.open(1), "absent: waiting for "+path+": there is no such file"; got != want {
		t.Errorf("up = %q, want %q", got, want)
	}
	write(path, "first\nsec", os.O_CREATE)
	if got, want := h.open(2), "following "+path; got != want {
		t.Errorf("up = %q, want %q", got, want)
	}
	h.until(1)
	write(path, "ond\n", os.O_APPEND)
	h.until(2)
	write(path, "unended", os.O_APPEND)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(path+".1", " but late", os.O_APPEND) // who writes has not noticed yet
	write(path, "third\n", os.O_CREATE)
	h.until(4)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * tailPoll) // shorter than what it had, until it was looked at
	write(path, "4th\n", os.O_APPEND)
	h.until(5)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(path, "fifth\n", os.O_CREATE)
	if diff := cmp.Diff([]string{"first", "second", "unended but late", "third", "4th", "fifth"}, h.until(6)); diff != "" {
		t.Error(diff)
	}
	if h.stop(); KindOf(h.err) != Cancelled {
		t.Errorf("Tail() = %v, want kind cancelled", h.err)
	}
}

func TestTailBeginsAtTheEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var files Files
	end := hear(t, func(ctx context.Context, sink LineSink) error { return files.Tail(ctx, path, false, sink) })
	start := hear(t, func(ctx context.Context, sink LineSink) error { return files.Tail(ctx, path, true, sink) })
	end.open(1)
	start.open(1)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintln(f, "new")
	if diff := cmp.Diff([]string{"old", "new"}, start.until(2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"new"}, end.until(1)); diff != "" {
		t.Error(diff)
	}
	for path, kind := range map[string]Kind{t.TempDir(): Proto, "/dev/null": Proto, "/dev/null/x": Proto} {
		if err := files.Tail(t.Context(), path, false, LineSink{Up: func(string) {}}); KindOf(err) != kind {
			t.Errorf("Tail(%q) = %v, want kind %s", path, err, kind)
		}
	}
}

// A file may go at any moment of a look: that is to wait for, never an error.
func TestTailOfWhatComesAndGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	tail := &tail{path: path, chunk: make([]byte, 10)}
	defer tail.stop()
	stop := make(chan struct{})
	var gone sync.WaitGroup
	gone.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(path, nil, 0o600)
				_ = os.Remove(path)
			}
		}
	})
	for range 2000 {
		if _, err := tail.look(); err != nil {
			t.Errorf("look = %v, want no error", err)
			break
		}
		tail.close() // as if another file had taken its place
	}
	close(stop)
	gone.Wait()
}
