// Package events holds user events: broadcasts that are told once and not
// repaired. They have no place in the versioned state.
//
// # How an event travels
//
// Its author numbers it, gives it a Lamport time and makes it due at peers; each
// member takes it once and, where news of others is relayed, passes it on to a
// few: [Cast] decides to whom, by the way that news takes, and remembers in a [Peer] what
// each peer is still to be sent. A record with an empty body asks for
// the events that the receiver has kept, so that a member that joins late learns
// of the last few.
//
// # Laws
//
//   - Each event is taken at most once: by its author's number, within the last
//     [SeenWindow] of them in any order. One further behind counts as seen, since
//     taking an event twice is worse than missing a straggler.
//   - Who numbers an event in another author's name silences nobody: no event moves what is
//     known of an author's numbers by more than 2^32, such an event is sent to its author, too, who
//     goes on behind it, and where nobody passes events on, its own frames say where it is.
//   - Events outlive their author's life: one that renews gives those that are kept its new id, and
//     so does everybody who hears of it; numbers go on. What a peer may not have taken since it did
//     not know of the new life yet is sent to it again, once it does.
//   - An event's time is larger than that of every event that its author had seen
//     (Lamport, "Time, clocks, and the ordering of events in a distributed
//     system", CACM 1978). A forged time moves the clock by 2^32 at most.
//   - A body is relayed as the bytes that came.
//
// # Limits
//
// The last few events are kept, for the shell and for late joiners; a newer one
// pushes out the oldest, and one that was pushed out before the shell took it is
// counted as lost. Memory is taken with the first event that is sent or comes in:
// 24 bytes an origin, and codec.EventBytesMax for each event that is kept. Nothing
// is allocated afterwards. The record is drawn in package codec.
package events
