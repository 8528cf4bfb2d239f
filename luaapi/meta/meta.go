// Package meta holds the one reference of the script API: LuaLS annotations,
// which editors complete and check from, and which people read.
package meta

import _ "embed"

// Reference is pharos.lua.
//
//go:embed pharos.lua
var Reference string

// Lua is lua.lua: what of the language itself editors do not know.
//
//go:embed lua.lua
var Lua string
