// Package meta holds the one reference of the script API: LuaLS annotations,
// which editors complete and check from, and which people read.
package meta

import _ "embed"

// Reference is pharos.lua.
//
//go:embed pharos.lua
var Reference string
