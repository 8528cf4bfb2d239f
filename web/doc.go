// Package web serves the board: the page, the stream that keeps it current,
// and the JSON that scripts read. It only ever reads from [engine.Board]; no
// request can run, change or acknowledge anything.
//
// The wire format is in wire.go, the routes are one table in routes.go. Live
// updates are pulled: a hub looks at the board's revision a few times a second,
// makes one frame of what changed and hands the same bytes to every viewer
// (hub.go). Viewers that keep up share one stream of r3labs; one that falls
// behind gets its own (subscription.go), where it is conflated, and one that
// does not read at all is cut (stream.go): it delays nobody.
package web
