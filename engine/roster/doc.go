// Package roster keeps the list of the members that a node knows: who has which
// handle, where each is in its one life, and who may be sent to.
// What is kept of a member beside that, its owner keeps by the handle; the roster is
// shown the [Life] of it where that changes.
//
// # The life of a member
//
//	          named ---condemned---> absent       and from each of them:
//	            |  <------heard------  |          it leaves   -> passed
//	         answers                answers
//	            v                      v
//	quiet <-- open ---condemned----> dead         and from each of them:
//	  |  heard ^ ^ <---refutes-------  |          it leaves   -> leaving (open), gone
//	  +--------+      quiet --condemned-+
//
//	passed --answers--> leaving --condemned--> gone --heard--> leaving
//
// Somebody else may say that a member leaves. One that refutes it is quiet, or absent, and heard.
//
// A member that is forgotten is free again, from everywhere; one that comes back as
// another origin is named again. Only an open one may be sent everything, and only
// one that is open or leaving is sent what it is owed; the others get greetings.
// A life is changed in life.go alone, and everything that counts members is derived
// there: the partners of exchanges, candidates, members that are present.
//
// # Seats
//
// There are so many seats, and of them some for candidates: members that somebody
// named and that have not answered. Seats are for the living: who answers may have
// the seat of a candidate, of the dead, of those who left.
//
// # Zones
//
// A member may say that it is in a zone ([Roster.Declared]). Of the turns of members in other
// zones than this node's most are given up, so that exchanges, which cost where nothing differs
// too, stay near: one in some ten goes far. News crosses once (package delegate).
//
// Memory grows with the members, up to the seats; nothing else allocates.
package roster
