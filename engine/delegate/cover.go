package delegate

import "github.com/quidnunc/quidnunc/sched"

// cover cuts what a task asks to cover into ranges, and queues a parcel for a delegate of
// each. It returns how many.
func (t *Tree) cover(now sched.Instant, x *task) (n int) {
	left, right := x.Range, Range{}
	var a, b stretch
	if x.Has(t.parts.Place) {
		left, right = Range{x.Lo, t.parts.Place - 1}, Range{t.parts.Place + 1, x.Hi}
		if t.parts.Place != x.Hi {
			b = t.parts.Ring.in(right)
		}
	}
	if t.parts.Place != x.Lo {
		a = t.parts.Ring.in(left)
	}
	// The larger piece gets at least its share of the ranges, each at least one.
	all, k := a.n+b.n, min(t.cfg.Fanout, a.n+b.n)
	if all == 0 {
		return 0
	}
	ka := k * a.n / all
	if ka == 0 && a.n > 0 {
		ka = 1
	}
	if ka == k && b.n > 0 && k > 1 {
		ka--
	}
	// Those who pass on go first: the others end the way.
	for _, alone := range []bool{false, true} {
		n += t.cut(now, x, left, a, ka, alone)
		n += t.cut(now, x, right, b, k-ka, alone)
	}
	return n
}

// cut cuts a range with its members into k parts, and queues parcels for those of one
// member, or for the others.
func (t *Tree) cut(now sched.Instant, x *task, r Range, s stretch, k int, alone bool) (n int) {
	ring, lo := t.parts.Ring, r.Lo
	for i := range k {
		first, end := s.n*i/k, s.n*(i+1)/k
		part := stretch{s.at + first, end - first}
		if part.at >= ring.Len() {
			part.at -= ring.Len()
		}
		last := ring.spot(part, part.n-1)
		hi := last.Place
		if i == k-1 {
			hi = r.Hi
		}
		if (part.n == 1) == alone {
			p := parcel{Range: Range{lo, hi}, from: x.from, news: x.news, to: x.to, origin: x.origin, alone: alone, peer: last.Peer}
			if !alone {
				p.peer = t.draw(now, p.Range, part, 0)
			}
			if t.queue(now, &p) {
				n++
			}
		}
		lo = hi + 1
	}
	return n
}

// draw gives the delegate of a range, of the members in it: the same one for as long as Anew,
// but for who lost its turn, and never `not`; 0: there is no other.
func (t *Tree) draw(now sched.Instant, r Range, s stretch, not uint32) (p uint32) {
	start := int(mix(t.parts.Seed^mix(uint64(now/t.cfg.Anew))^mix(r.Lo)^r.Hi) % uint64(s.n))
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
