// Package probe holds the primitives that touch the world. Each is a context and
// a request struct in, a result struct or an [*Error] out. What a primitive is
// made of is in the files whose names begin with its own, and begins so too:
//
//	exec    commands here, and the lines that they print
//	ssh     commands on other hosts, and connections made from there
//	http    timed requests, and streams of server-sent events
//	tcp     conversations, with TLS or STARTTLS
//	tls     certificates
//	dns     questions to name servers
//	ping    echo requests
//	file    files, and the lines that are added to them
//	nagios  what monitoring plugins print
//
// What is for several of them is in error.go, the kinds of failure and the words
// for what fails in a network, tls_handshake.go and timing.go.
//
// It knows nothing of Lua and nothing of the engine. Each call ends soon after
// its context does, whatever the other side is doing, and leaves no process,
// goroutine or descriptor behind. All text in results is bounded; what comes
// from outside is bytes until the caller cleans it ([Clean]).
package probe
