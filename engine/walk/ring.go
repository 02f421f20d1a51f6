package walk

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
)

// Hops is how many hops make n replicas equal: 2(n-1). After n-1 of them the last
// node holds the union of all, and n-1 more carry it round. One round of n hops
// is too few: with three, the second node would miss what the third held.
func Hops(n int) uint32 {
	if n < 2 {
		return 0
	}
	return uint32(2 * (n - 1))
}

// Successor returns the node after id in the ring: the members in ascending order
// of identifier, the first after the last. ring is sorted; id need not be in it.
// It returns 0 when nobody else is there.
func Successor(ring []codec.OriginID, id codec.OriginID) codec.OriginID {
	if len(ring) == 0 {
		return 0
	}
	i, found := slices.BinarySearch(ring, id)
	if found {
		i++
	}
	if next := ring[i%len(ring)]; next != id {
		return next
	}
	return 0
}
