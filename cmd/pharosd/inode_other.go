//go:build !unix

package main

import "io/fs"

// inode is 0 where the platform has none: size and time must do.
func inode(fs.FileInfo) int64 { return 0 }
