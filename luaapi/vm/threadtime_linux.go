package vm

import "golang.org/x/sys/unix"

// threadTime is the CPU time of the current thread, in nanoseconds. It means
// something only while the goroutine keeps its thread.
func threadTime() (ns int64, ok bool) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, false
	}
	return t.Nano(), true
}
