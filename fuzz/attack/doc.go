// Package attack throws at live engines what a hostile network can: garbage,
// damage, replays, forged sources, inventions, extremes. It asserts what the
// engine holds, counts and sends, never how long it takes; the race detector is
// welcome.
//
//	go test -race ./fuzz/attack
//
// Datagrams come from raw sockets, and where a source has to be forged, through
// a tap between the engine and its socket. Streams are attacked at their port and by
// somebody on the path, whose port the member tells the others. Everything stays on
// loopback.
package attack
