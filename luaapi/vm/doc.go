// Package vm runs Lua scripts so that nothing a script does can hurt the
// process it runs in.
//
// A [Universe] is one script file with its globals, its modules and its
// functions. Universes share nothing but compiled code, so a file that is
// stuck holds up no other. Within a universe any number of runs may be in
// flight, but one at a time executes Lua: it holds the baton, a lock that is
// handed over first come, first served. A primitive that waits for the world
// gives the baton away for that time ([Block]), so a thousand watchers of one
// file wait at once while their code reads as if it were alone.
//
// A run is bounded in every direction. It is the context of its Lua threads,
// and gopher-lua asks the context before every instruction: that is the hook
// which counts steps, looks at the clock now and then, and raises an error in
// the script when the run's deadline passed, its context was cancelled, it held
// the baton for longer than a slice without a pause, or the [Watchdog] found
// the process out of memory. A script cannot catch such an error for good: it
// is raised again at the next instruction. Every Go function that Lua can call
// charges steps for the bytes and elements it touches ([Charge]), so that no
// call is a way around the hook.
//
// What gopher-lua's own library does differently from Lua 5.1, or does without
// bounds, is replaced: pcall and xpcall, coroutines, strings and patterns,
// tables, numbers, require. What reaches out of the process (io, os.execute,
// package, load) is not there at all.
package vm
