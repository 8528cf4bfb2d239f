// Package probe holds the primitives that touch the world: commands, timed
// HTTP requests, ssh, and the other protocols. Each is one file: a context and
// a request struct in, a result struct or an [*Error] out.
//
// It knows nothing of Lua and nothing of the engine. Each call ends soon after
// its context does, whatever the other side is doing, and leaves no process,
// goroutine or descriptor behind. All text in results is bounded; what comes
// from outside is bytes until the caller cleans it ([Clean]).
package probe
