package delegate

import "github.com/quidnunc/quidnunc/sched"

// cover cuts what a task asks to cover into ranges, and queues a parcel for a delegate of
// each. It returns how many.
func (t *Tree) cover(now sched.Instant, x *task) (n int) {
	k := t.fanout(x)
	// Those who pass on go first: the others end the way.
	for _, alone := range []bool{false, true} {
		for r, own := x.Range, true; own; {
			var made int
			made, r, own = t.cut(now, x, r, k, alone)
			n += made
		}
	}
	return n
}

// fanout is into how many ranges a task is cut.
func (t *Tree) fanout(x *task) int {
	if x.sender == 0 && t.own != 0 {
		return t.own
	}
	return t.cfg.Fanout
}

// turned is the whole ring, beginning half a part further on than [whole] does.
func (t *Tree) turned(k int) Range {
	n := t.parts.Ring.Len()
	lo := t.parts.Ring.spot(stretch{0, n}, n/(2*min(k, n))).Place
	return Range{lo, lo - 1}
}

// cut cuts a range into at most k parts of as many members, and queues parcels for those of
// one member, or for the others. The part that this node stands in is its own to cover: own
// tells that there is more in it than itself, and rest is that part.
//
// Where the parts begin follows from the range and the members in it, so that all who cut
// the same range make the same ones, and what they tell one delegate shares its frames.
func (t *Tree) cut(now sched.Instant, x *task, r Range, k int, alone bool) (n int, rest Range, own bool) {
	ring, lo := t.parts.Ring, r.Lo
	s := ring.in(r)
	k = t.split(s, k)
	for i := range k {
		first, end := 0, t.ends[i]
		if i > 0 {
			first = t.ends[i-1]
		}
		part := stretch{s.at + first, end - first}
		if part.at >= ring.Len() {
			part.at -= ring.Len()
		}
		last := ring.spot(part, part.n-1)
		at := Range{lo, last.Place}
		if i == k-1 {
			at.Hi = r.Hi
		}
		lo = last.Place + 1
		switch {
		case at.Has(t.parts.Place):
			rest, own = at, part.n > 1 && at.Hi-at.Lo < r.Hi-r.Lo // so that it ends, whatever the ring holds
		case (part.n == 1) == alone:
			p := parcel{Range: at, from: x.from, news: x.news, to: x.to, origin: x.origin, alone: alone, peer: last.Peer}
			if !alone {
				p.peer = t.draw(now, at, part, 0)
			}
			if t.queue(now, &p) {
				n++
			}
		}
	}
	return n, rest, own
}

// split finds where a stretch is cut: between zones where there are several, so that each of the
// others is told once, else into k parts of as many members.
func (t *Tree) split(s stretch, k int) (parts int) {
	if n := t.parts.Ring.zones(s, k, t.ends[:]); n > 0 {
		return n
	}
	k = min(k, s.n, len(t.ends))
	for i := range k {
		t.ends[i] = s.n * (i + 1) / k
	}
	return k
}

// draw gives the delegate of a range, of the members in it: the same one for as long as Anew,
// but for who lost its turn, and never `not`; 0: there is no other. It is the same one for all
// who have the same seed and clock.
func (t *Tree) draw(now sched.Instant, r Range, s stretch, not uint32) (p uint32) {
	start := int(mix(t.parts.Seed^mix(uint64(t.parts.Host.Wall(now))/uint64(t.cfg.Anew))^mix(r.Lo)^r.Hi) % uint64(s.n))
	best := sched.Never
	for i := range s.n {
		k := start + i
		if k >= s.n {
			k -= s.n
		}
		spot := t.parts.Ring.spot(s, k)
		if spot.Peer == not || spot.Place == t.parts.Place {
			continue
		}
		out := t.parts.Host.Peer(spot.Peer).out
		if out <= now {
			return spot.Peer
		}
		if out < best {
			p, best = spot.Peer, out
		}
	}
	return p
}

// mix is a bijection that spreads bits: Steele, Lea, Flood 2014, variant 13 by Stafford.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
