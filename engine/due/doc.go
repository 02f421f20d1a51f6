// Package due says what is due at whom, and whose turn it is. Protocols make bits due
// at a peer; the host, when it may send, takes the peer whose turn has come and
// composes what its bits stand for. What a bit means is the host's affair, which
// tells each protocol its own.
//
// # Laws
//
//   - Nothing queues up: a bit that is due twice is due once, and a peer waits for one
//     turn, however much is due there.
//   - Peers come in the order in which something became due.
//   - What is held back is not due until it is released, whoever wants it meanwhile.
//
// # Limits
//
// A board takes eight bytes a peer, once, at Init. It has one caller at a time.
package due
