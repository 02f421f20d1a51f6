// Package broadcast measures, in virtual time, ways to bring one write to all members of a
// cluster: package engine/delegate beside models of direct mail, rumors, Plumtree and
// flooding. There is no engine around them, so that 100,000 members fit: a replica is a
// number, a member is a loop that takes Proc for each datagram that it receives or sends, and
// a hop takes Hop. "qn sim spread --bare" prints the tables.
//
// What is the engine's own here is the tree of delegates, bit by bit. The others are models:
//
//   - mail: the author sends to all, and again to who does not acknowledge.
//   - rumor: who learns something tells Fanout others once, blindly.
//   - plumtree: payload over links that proved useful, announcements over the others, and
//     grafts for what was announced and does not come (Leitão, Pereira, Rodrigues 2007).
//   - flood: everybody tells all neighbours.
//
// The last two run over a random graph of degree 5 that does not change, after two writes of
// each author that form the tree. Members fail after those too, and nobody knows.
//
// [Published] has what the literature says beside.
package broadcast
