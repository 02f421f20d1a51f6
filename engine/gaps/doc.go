// Package gaps asks for what is missing below a run that came.
//
// A run that starts above what is held is a gap: what is between was lost, or is still
// on its way by another path. It waits for [Patience], then the peer that sent the run
// is asked. One pull at a time is under way to a peer, and it names all of the peer's
// gaps; if no answer comes in time another peer is asked.
//
//	Found   a run began above the max: the timer is set
//	Full    there was no room for news of an origin
//	Chase   when the timer fires: a pull becomes due at who is to be asked
//	Append  the pull list for one peer
//	Came    a run of the peer joined on: its pull is answered
//
// The run itself waits in [Early] for what comes before it, up to 64 runs of a frame each.
//
// The host keeps a [Gap] with each origin and a [Pull] with each peer; the zero values
// are ready. A gap that is asked for five times in vain is left to anti-entropy, as is
// one that finds no place in the list. An origin for which there was no room is not
// asked for within a second. What a gap takes is lent to its origin (package active). Nothing is allocated
// after Init but for more gaps at once than there ever were. A peer that sends runs
// from far ahead makes this node ask it, and one other at a time, five times.
package gaps
