package main

import "syscall"

// childAttributes let no child outlive its conductor.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
