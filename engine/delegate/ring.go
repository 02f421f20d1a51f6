package delegate

import (
	"cmp"
	"slices"
)

// Range is what lies on the ring from Lo to Hi, both included. It may pass the ring's end:
// then Lo is above Hi.
type Range struct{ Lo, Hi uint64 }

// Has reports whether a place lies in the range.
func (r Range) Has(place uint64) bool { return place-r.Lo <= r.Hi-r.Lo }

// Holds reports whether all of another range lies in the range.
func (r Range) Holds(s Range) bool {
	return s.Hi-s.Lo <= r.Hi-r.Lo && s.Lo-r.Lo <= r.Hi-r.Lo-(s.Hi-s.Lo)
}

// Spot is one member on the ring.
type Spot struct {
	Place uint64
	Peer  uint32
	Zone  uint32 // 0: none
}

// zoneBits of a place are those of the zone, where there is one: a zone is a range of the ring.
const zoneBits = 16

// PlaceOf is the place of an identifier in a zone; 0: in none.
func PlaceOf(id uint64, zone uint32) uint64 {
	if zone == 0 {
		return id
	}
	return zoned(zone).Lo | id>>zoneBits
}

// zoned is the range of a zone.
func zoned(zone uint32) Range {
	lo := uint64(zone) << (64 - zoneBits)
	return Range{lo, lo + (1<<(64-zoneBits) - 1)}
}

// Ring is the members, in the order of their places.
type Ring struct {
	spots []Spot
	zoned bool // some are in zones
}

// Reset empties the ring.
func (r *Ring) Reset() { r.spots, r.zoned = r.spots[:0], false }

// Add adds a member. Sort is called before the ring is used.
func (r *Ring) Add(s Spot) {
	r.spots = append(r.spots, s)
	r.zoned = r.zoned || s.Zone != 0
}

// Sort puts what was added in order.
func (r *Ring) Sort() {
	slices.SortFunc(r.spots, func(a, b Spot) int { return cmp.Compare(a.Place, b.Place) })
}

// Len counts the members.
func (r *Ring) Len() int { return len(r.spots) }

// first is the index of the first member at a place or after it; Len if there is none.
func (r *Ring) first(place uint64) int {
	lo, hi := 0, len(r.spots)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); r.spots[mid].Place < place {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// stretch is n members from an index on, going round.
type stretch struct{ at, n int }

// in gives the members in a range.
func (r *Ring) in(x Range) stretch {
	at, end := r.first(x.Lo), len(r.spots)
	if x.Hi+1 != 0 {
		end = r.first(x.Hi + 1)
	}
	if x.Lo > x.Hi {
		end += len(r.spots)
	}
	return stretch{at, end - at}
}

// spot gives the i-th member of a stretch.
func (r *Ring) spot(s stretch, i int) Spot {
	if i += s.at; i >= len(r.spots) {
		i -= len(r.spots)
	}
	return r.spots[i]
}

// zones cuts a stretch where the zone changes, at most k times, and writes the ends of the parts to
// out, counted from its beginning; 0: there is one zone, or there are more than k.
func (r *Ring) zones(s stretch, k int, out []int) (n int) {
	if !r.zoned || s.n == 0 {
		return 0
	}
	for i := 1; i <= s.n; i++ {
		if i < s.n && r.spot(s, i).Zone == r.spot(s, i-1).Zone {
			continue
		}
		if n == min(k, len(out)) {
			return 0
		}
		out[n] = i
		n++
	}
	if n == 1 {
		return 0
	}
	return n
}

// saved counts the members of other zones than this one, less those zones.
func (r *Ring) saved(home uint32) (n int) {
	last := home
	for i := range r.spots {
		switch z := r.spots[i].Zone; {
		case home == 0 || z == 0 || z == home:
		case z == last:
			n++
		default:
			last = z
		}
	}
	return n
}
