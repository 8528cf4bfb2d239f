// Package builtin holds the classes that scripts build on, as Lua source. They
// use the table pharos as any script does, and nothing else.
package builtin

import "embed"

// FS has one file for each class.
//
//go:embed *.lua
var FS embed.FS
