package main

import (
	"io/fs"
	"syscall"
)

// inode tells a file from another that took its name, even if size and time
// are equal. It is 0 where the file system has none.
func inode(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Ino)
	}
	return 0
}
