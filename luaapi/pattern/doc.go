// Package pattern matches Lua 5.1 patterns, with %g and %f of Lua 5.2, over
// bytes.
//
// A pattern is compiled to a list of items, one for each thing it asks for in
// turn: a run of literal bytes, a class with its quantifier, the start or end of
// a capture. Lua patterns have no alternatives and no repeated groups, so the
// list is all there is, and matching walks it from left to right. Only a
// quantifier has a choice to make, and only where what follows could match the
// same byte; a look at the following item while compiling finds the others,
// which are matched without ever going back.
//
// Where choices remain, a match that takes long notes which quantifier is known
// to fail at which position, and does not try it there again. That makes the
// time linear in the subject for every pattern without back references, also
// for those that take for ever elsewhere, such as ("a-"):rep(25).."b".
//
// Unlike in Lua, a malformed pattern is an error whether or not matching would
// have got to the place that is wrong.
package pattern
