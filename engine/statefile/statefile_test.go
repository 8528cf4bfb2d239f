package statefile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pharos/engine"
	"pharos/engine/statefile"
)

func sample() statefile.State {
	at := time.Date(2025, 11, 3, 4, 5, 6, 700, time.UTC)
	return statefile.State{
		Watchers: map[engine.ID]engine.Saved{
			"web.page": {Status: engine.Critical, Since: at, Ended: at.Add(time.Hour)},
			"größe":    {Status: engine.OK, Since: at, Ended: at, Approx: true},
		},
		Memory: map[engine.ID]json.RawMessage{"web.page": json.RawMessage(`{"seen":3}`)},
	}
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if got, err := statefile.Read(path); err != nil || len(got.Watchers) != 0 {
		t.Errorf("Read of no file = %+v, %v, want an empty state", got, err)
	}
	if err := statefile.Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	got, err := statefile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("Read after Write (-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode().Perm())
	}
}

// A link stays one, and the state is where it leads, also before there is any.
func TestStateBehindALink(t *testing.T) {
	dir, volume := t.TempDir(), t.TempDir()
	link, file := filepath.Join(dir, "state.json"), filepath.Join(volume, "state.json")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := statefile.Write(link, sample()); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(link); err != nil || to != file {
			t.Errorf("after Write the link leads to %q, %v, want %q", to, err, file)
		}
	}
	left := filepath.Join(volume, ".state.json123") // of a write that was killed
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, file} {
		if got, err := statefile.Read(path); err != nil || len(got.Watchers) != len(sample().Watchers) {
			t.Errorf("Read(%q) = %+v, %v, want what was written", path, got, err)
		}
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what a killed write left beside the file: %v, want it gone", err)
	}
}

func TestReadSetsBadFilesAside(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.json")
	if err := statefile.Write(good, sample()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"empty":          "",
		"truncated":      string(whole[:len(whole)/2]),
		"trailing":       string(whole) + "x",
		"binary":         "\x7fELF\x00\x00",
		"another format": `{"format":"something else","version":1}`,
		"no format":      `{}`,
		"newer":          `{"format":"pharos state","version":2}`,
		"a list":         `[]`,
		"no such status": `{"format":"pharos state","version":1,"watchers":{"w":{"status":"purple"}}}`,
		"deep":           strings.Repeat("[", 100_000),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := statefile.Read(path)
			if err == nil || !strings.Contains(err.Error(), path+".bad") || len(got.Watchers) != 0 {
				t.Errorf("Read() = %+v, %v, want an empty state and an error that names %s.bad", got, err, path)
			}
			if kept, err := os.ReadFile(path + ".bad"); err != nil || string(kept) != content {
				t.Errorf("set aside = %q, %v, want the file as it was", kept, err)
			}
			if err := statefile.Write(path, sample()); err != nil {
				t.Errorf("Write after that = %v, want nil", err)
			}
		})
	}
}

// What cannot be read is as good as what can: whoever repairs the permissions or
// the disk wants it back.
func TestReadSetsUnreadableFilesAside(t *testing.T) {
	tests := map[string]func(path string) error{
		"too large": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30+1))
		},
		"a loop": func(path string) error { return os.Symlink(path, path) },
	}
	if runtime.GOOS == "linux" {
		tests["an input error"] = func(path string) error { return os.Symlink("/proc/self/mem", path) } // EIO at 0
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			was, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := statefile.Read(path); err == nil || !strings.Contains(err.Error(), "set aside as") || errors.Is(err, statefile.ErrLeft) {
				t.Errorf("Read() = %v, want that it is set aside", err)
			}
			if is, err := os.Lstat(path + ".bad"); err != nil || !os.SameFile(was, is) {
				t.Errorf("set aside: %v, want the file as it was", err)
			}
			if err := statefile.Write(path, sample()); err != nil {
				t.Errorf("Write after that = %v, want nil", err)
			}
		})
	}
}

func TestReadLeavesWhatItCannotSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	if err := errors.Join(os.WriteFile(path, []byte("bad"), 0o600), os.MkdirAll(path+".bad/full", 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := statefile.Read(path); !errors.Is(err, statefile.ErrLeft) {
		t.Errorf("Read() = %v, want that it is left", err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "bad" {
		t.Errorf("left = %q, %v, want the file as it was", kept, err)
	}
}

func TestReadDropsTimesToCome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := time.Now()
	err := statefile.Write(path, statefile.State{Watchers: map[engine.ID]engine.Saved{
		"past":    {Status: engine.OK, Since: now.Add(-time.Hour), Ended: now.Add(-time.Minute)},
		"to_come": {Status: engine.OK, Since: now.Add(time.Hour), Ended: now.Add(time.Hour)},
		"pending": {Since: now.Add(-time.Hour), Ended: now.Add(-time.Minute)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := statefile.Read(path)
	if err != nil || len(got.Watchers) != 1 || got.Watchers["past"].Status != engine.OK {
		t.Errorf("Read() = %+v, %v, want past only", got.Watchers, err)
	}
}

func TestReadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe} {
		if _, err := statefile.Read(path); !errors.Is(err, statefile.ErrLeft) || !strings.Contains(err.Error(), "want a regular file") {
			t.Errorf("Read(%q) = %v, want an error at once, and it left", path, err)
		}
		if err := statefile.Write(filepath.Join(path, "no", "such"), statefile.State{}); err == nil {
			t.Errorf("Write below %q = nil, want an error", path)
		}
	}
}

func TestReadSweepsWhatAKilledWriterLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "state.json")
	for _, name := range []string{".state.json123", ".state.json9", ".state.jsonx", ".state.json1.old", ".other.json1", "state.json.bad"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := statefile.Read(path); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if diff := cmp.Diff([]string{".other.json1", ".state.json1.old", ".state.jsonx", "state.json.bad"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A writer killed at any moment leaves a whole file.
func TestWriteSurvivesKill(t *testing.T) {
	if path := os.Getenv("STATEFILE_WRITE"); path != "" {
		for i := 0; ; i++ {
			s := statefile.State{Watchers: map[engine.ID]engine.Saved{}}
			for j := range 1000 {
				s.Watchers[engine.ID(fmt.Sprint("w", j))] = engine.Saved{Status: engine.OK, Since: time.Unix(int64(i), 0), Ended: time.Unix(int64(i), 0)}
			}
			if err := statefile.Write(path, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "state.json")
	for i := range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriteSurvivesKill$")
		cmd.Env = append(os.Environ(), "STATEFILE_WRITE="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(path); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // killed: its error is no news
		s, err := statefile.Read(path)
		if err != nil || len(s.Watchers) != 1000 {
			t.Fatalf("after kill %d: %d watchers, %v, want 1000", i, len(s.Watchers), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"format":"pharos state","version":1,"watchers":{"w":{"status":"ok","since":"2025-01-02T03:04:05Z","ended":"2025-01-02T03:04:05Z"}},"memory":{"w":{"a":[1]}}}`))
	f.Add([]byte(`{"format":"pharos state","version":1,"watchers":null}`))
	f.Add([]byte(`{"format"`))
	path := filepath.Join(f.TempDir(), "state.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := statefile.Read(path)
		if err != nil {
			return
		}
		if err := statefile.Write(path, s); err != nil {
			t.Fatalf("Write of what was read = %v, want nil", err)
		}
		if again, err := statefile.Read(path); err != nil || len(again.Watchers) != len(s.Watchers) {
			t.Errorf("Read of what was written = %+v, %v, want %+v", again, err, s)
		}
	})
}

func TestKeeper(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "state.json")
	rev, collected := uint64(1), make(chan struct{}, 1000)
	k := statefile.Keeper{Path: path, Every: 2 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Collect: func() (statefile.State, uint64) {
			collected <- struct{}{}
			return sample(), rev
		}}
	read := func() string { // each writing says when it was
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("nothing was written: %v", err)
		}
		return string(text)
	}
	watch := func(int) {}
	run := func(rounds int) {
		for len(collected) > 0 { // by the run before
			<-collected
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		for round := range rounds {
			<-collected
			watch(round)
		}
		cancel()
		<-done
	}
	run(5)
	if n := strings.Count(log.String(), "state is not kept"); n != 1 {
		t.Errorf("%d lines about a folder that is not there, want 1:\n%s", n, &log)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run(2)
	first := read()
	run(2)
	if read() == first {
		t.Error("a new keeper wrote nothing")
	}
	var second string
	watch = func(round int) {
		switch round {
		case 3:
			first = read()
		case 9:
			second = read()
		}
	}
	run(10)
	if first != second {
		t.Error("the file was written again without a change")
	}
	// What is set by events is true to the end, and nothing but the end says so.
	if read() == second {
		t.Error("at the end nothing was written")
	}
}

// Two daemons that were given one file take turns in losing what the other kept.
func TestKeeperTellsOfAnother(t *testing.T) {
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "state.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	round := uint64(0)
	k := statefile.Keeper{Path: path, Every: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Collect: func() (statefile.State, uint64) {
			switch round++; round {
			case 5:
				if log.Len() > 0 {
					t.Errorf("alone, it said %s", &log)
				}
				fallthrough
			case 6, 7:
				if err := statefile.Write(path, statefile.State{}); err != nil {
					t.Error(err)
				}
			case 10:
				cancel()
			}
			return sample(), round
		}}
	k.Run(ctx)
	if n := strings.Count(log.String(), "someone else"); n != 1 {
		t.Errorf("told %d times of another writer, want once:\n%s", n, &log)
	}
}
