// Package declare is what a node says of itself, under reserved keys of its versioned
// state: a set of elements of which each has one writer, so that the newest version of
// an element is what counts and no two writers can disagree.
//
//	LeaveKey   it leaves for good
//	AddrKey    where it is
//	ZoneKey    its failure domain
//	TagPrefix  begins the key of each of its tags
//
// A leave is the one element that is never taken back: who comes again is another
// origin, which does not have it. An address is believed when the node answers there.
// What others observe of a node is never written here: that is engine/member's.
//
// [Read] looks at the reserved keys among what is new of an origin and says what they
// mean. It keeps nothing, allocates nothing, and visits each new entry once.
package declare
