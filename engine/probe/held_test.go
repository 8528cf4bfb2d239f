package probe

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// held counts what this process holds: goroutines and file descriptors.
func held(t testing.TB) (goroutines, fds int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		execMissing(t, "/proc/self/fd to count descriptors in")
	}
	return runtime.NumGoroutine(), len(entries)
}

// eventually polls for something that others bring about. Its minute only ends
// what hangs: a busy machine takes long to start a thousand processes.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
