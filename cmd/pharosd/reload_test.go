package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pharos/engine"
	"pharos/luaapi"
)

// SIGHUP reloads although nothing changed, also one that comes before the daemon
// is up: it would end the process.
func TestHangupReloads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos.lua")
	if err := os.WriteFile(path, []byte("metric_watchers = {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	flags := configFlags{path: path}
	o := flags.options(slog.New(slog.DiscardHandler))
	o.Probes, o.Memory = probes, luaapi.NewMemory()
	eng := engine.New(engine.Config{Logger: o.Logger})
	r := newReloader(o, eng, o.Logger, notifier{})
	hangup := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	hangup()
	if err := r.first(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.watch(ctx) }()
	for generation := uint64(2); generation <= 3; generation++ {
		for start := time.Now(); eng.Board().Config().Generation < generation; time.Sleep(time.Millisecond) {
			if time.Since(start) > patience {
				t.Fatalf("generation %d after %v, want %d", eng.Board().Config().Generation, patience, generation)
			}
		}
		hangup()
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("watch() = %v, want nil", err)
	}
}

// A file that could not be read, for want of descriptors or of rights, is read as
// soon as it can be, although stat shows nothing new then.
func TestUnreadInputIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pharos.lua")
	if err := os.WriteFile(path, []byte("metric_watchers = {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	}
	defer restore()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 0, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	flags := configFlags{path: path}
	o := flags.options(slog.New(slog.DiscardHandler))
	o.Probes = probes
	cfg, err := luaapi.Load(t.Context(), o)
	if err == nil {
		t.Fatal("Load() without a descriptor left gives no error")
	}
	inputs := &inputWatch{inputs: cfg.Inputs}
	for i := range 5 {
		if inputs.poll() {
			t.Errorf("poll %d finds a change while no file can be read", i)
		}
	}
	restore()
	if !inputs.poll() {
		t.Errorf("poll() = false once the file can be read, want true; loading said %v", err)
	}
}

// An input that changes all the time, such as a log that a script reads while it
// loads, keeps no other from being noticed.
func TestRestlessInputKeepsNoneBack(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	log := write("log", "")
	path := write("pharos.lua", fmt.Sprintf("pharos.file.read(%q)\nmetric_watchers = {}", log))
	probes := luaapi.NewProbes(nil)
	defer probes.Close()
	flags := configFlags{path: path}
	o := flags.options(slog.New(slog.DiscardHandler))
	o.Probes = probes
	cfg, err := luaapi.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer cfg.Close()
	inputs := &inputWatch{inputs: cfg.Inputs}
	// pollAfter polls while the log grows.
	grown := ""
	pollAfter := func() bool {
		grown += "a line\n"
		write("log", grown)
		return inputs.poll()
	}
	for i := range 20 {
		if pollAfter() {
			t.Fatalf("poll %d finds a change while nothing but the log does, which is not at rest", i)
		}
	}
	write("pharos.lua", "-- saved\nmetric_watchers = {}")
	const most = 3
	for i := 0; !pollAfter(); i++ {
		if i == most {
			t.Fatalf("poll() = false %d times after the file was saved, want true", most)
		}
	}
	// The log at rest is a change like others.
	inputs.watch(cfg.Inputs)
	inputs.poll()
	if !inputs.poll() {
		t.Error("poll() = false once the log is at rest, want true")
	}
}
