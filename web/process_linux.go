package web

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// readProcess asks /proc and the kernel.
func readProcess() (processUsage, bool) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return processUsage{}, false
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return processUsage{}, false
	}
	statm, err := os.ReadFile("/proc/self/statm") // pages: size, resident, ...
	fields := bytes.Fields(statm)
	if err != nil || len(fields) < 2 {
		return processUsage{}, false
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return processUsage{}, false
	}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return processUsage{}, false
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return processUsage{}, false
	}
	return processUsage{
		cpu:      time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		resident: pages * uint64(os.Getpagesize()),
		fds:      len(names) - 1, // without the folder itself
		maxFDs:   limit.Cur,
	}, true
}
