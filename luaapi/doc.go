// Package luaapi is where Lua and Go meet: it turns script files into an
// [engine.Generation], and binds the primitives of package probe to the one
// global that scripts see, the table pharos.
//
// [Load] reads a file, or a folder of them, each into a universe of its own
// (package vm), runs it once, and makes an [engine.Watcher] of every watcher
// that it declared. A watcher's Check calls its Lua method "check" and turns
// whatever comes of that (a verdict, an error of a primitive, an error of the
// script, a timeout) into an [engine.Result]: nothing that a script does comes
// out any other way.
//
// What a script can call is listed in one table (modules, in modules.go); each
// primitive is bound in a file named as in package probe. The classes are Lua,
// in package builtin, and use nothing that a user's script could not. The
// reference of it all is meta/pharos.lua, kept in step by a test.
package luaapi
