// Package scripts holds runnable example configurations. Each begins with its
// card: what it watches, what it needs, what it shows. pharos.lua is the board
// that pharosd serves when it is given none; sample.lua is the original's
// sample, line for line.
package scripts

import "embed"

// FS has the scripts.
//
//go:embed *.lua
var FS embed.FS
