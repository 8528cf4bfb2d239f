//go:build !linux

package vm

// threadTime is not known here: time is estimated throughout.
func threadTime() (ns int64, ok bool) { return 0, false }
