//go:build !linux

package main

// monotonicMicros is only asked for by systemd, which is Linux's.
func monotonicMicros() int64 { return 0 }
