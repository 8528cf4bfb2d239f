//go:build !linux

package main

import "syscall"

// childAttributes are none: roles end with their standard input.
func childAttributes() *syscall.SysProcAttr { return nil }
