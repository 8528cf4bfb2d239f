//go:build !linux

package web

func readProcess() (processUsage, bool) { return processUsage{}, false }
