// Package walk is ring repair: the closed loop of the anti-entropy literature, after
// which N replicas hold the union of what they held.
//
// The live members stand in a ring by id. A token walks round it twice but for the
// last two steps, 2(N-1) hops, and whoever holds it repairs its successor:
//
//	holder -> successor  [Repair open, at]     show me what you hold from there on
//	successor -> holder  [Digest from at]
//	holder -> successor  Run ..., [Repair open] what I have and it has not
//	     ...             until it lacks nothing, window by window
//	holder -> successor  [Repair pass]         the walk is yours
//	successor -> holder  [Repair confirm]
//	holder -> starter    [Repair report]
//
// An origin that the successor lacks is copied whole, one that differs by the
// difference. A successor that does not answer is skipped; what it can't take, or
// what its author writes faster than it travels, is left to the exchanges.
//
// # Parts
//
//   - [Repair] is a node's part: the host hands it records, and calls Append when
//     what Host.Due asked for leaves. [Peer] is what the host keeps for it with each
//     peer. Runs leave by the comparison that both share (package compare).
//   - [Walker] decides: which tokens are here, whom this node repairs, and how its own
//     walk goes on. It sends nothing.
//
// # Limits
//
// A node takes part in WalksMax walks at once and keeps 16 tokens that wait for their
// frames; what finds no room is counted by Host.Busy, and its sender tries again. A
// walk that was started here and of which no news came for ten seconds is lost: who
// started it starts another. A successor whose answers bring the hop no further for
// as long is skipped, whatever it answers. A token with more hops than twice what the members known
// here need is refused. Nothing is allocated but the list of the members, which grows
// with them.
package walk
