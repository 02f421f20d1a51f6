package delegate

import "testing"

// Every other zone is told once, by one parcel, and every member by one copy, whoever writes and
// however many members a zone has.
func TestZonesAreCrossedOnce(t *testing.T) {
	const n, seed = 200, 4
	t.Logf("seed %d", seed)
	for _, zones := range []int{2, 3, 7} {
		w := newZoned(n, 16, seed, zones)
		for v := uint64(1); v <= 20; v++ {
			i := int(v) * 31 % n
			w.crossed, w.sent, w.asked = 0, 0, 0
			w.write(i, w.nodes[i].held[i+1]+1)
			w.run(w.now + 50*ms)
			if w.crossed != zones-1 || w.sent-w.asked != n-1 {
				t.Errorf("%d zones, node %d: %d parcels crossed, %d were sent", zones, i, w.crossed, w.sent-w.asked)
			}
			for k, x := range w.nodes {
				if x.held[i+1] != w.nodes[i].held[i+1] {
					t.Errorf("%d zones: node %d lacks what %d wrote", zones, k, i)
				}
			}
		}
		if c := w.total(); c.DelegationsForged+c.DelegationsLost+c.DelegationsReplaced > 0 {
			t.Errorf("%d zones: %+v", zones, c)
		}
		w.check(t)
	}
}

// Of its own zone a member may be given all, and of others no more than its share.
func TestForgedZones(t *testing.T) {
	w := newZoned(300, 32, 4, 3)
	n := w.nodes[0]
	z := zoned(w.zone(0))
	f := func(name string, r Range, want Verdict) {
		t.Helper()
		o := Offer{Parcel: Parcel{Range: r, Origin: 3, From: 0, To: 1, Serial: 1}, Peer: 2, Sender: w.place(1), Author: w.place(2), Held: 1}
		if v := n.tree.Take(w.now, &o); v != want {
			t.Errorf("%s: %v, want %v", name, v, want)
		}
	}
	lo, hi := z.Lo, z.Hi
	if other := zoned(w.zone(1)); other.Lo > lo {
		hi = w.place(1) - 1
	} else {
		lo = w.place(1) + 1
	}
	f("the zone", z, Taken)
	f("the zone and the half of another", Range{lo, hi}, Forged)
	f("the zone and what goes round", Range{z.Lo, z.Lo - 1}, Forged)
}

// Members without a zone among others, and zones that fall together, are told once all the same.
func TestSomeZones(t *testing.T) {
	const n, seed = 100, 4
	w := newZoned(n, 8, seed, 3)
	w.ring.Reset()
	for i := range n {
		s := Spot{Place: w.place(i), Peer: uint32(i + 1), Zone: w.zone(i)}
		if i%4 == 0 {
			s = Spot{Place: mix(uint64(i)), Peer: uint32(i + 1)}
			w.nodes[i].tree.parts.Place, w.nodes[i].tree.parts.Zone = s.Place, 0
		}
		w.ring.Add(s)
	}
	w.ring.Sort()
	for _, i := range []int{1, 2, 3} {
		w.sent, w.asked = 0, 0
		w.write(i, 1)
		w.run(w.now + 50*ms)
		for k, x := range w.nodes {
			if x.held[i+1] != 1 {
				t.Errorf("node %d lacks what %d wrote", k, i)
			}
		}
		if w.sent-w.asked > n+n/10 {
			t.Errorf("%d parcels for %d members", w.sent-w.asked, n)
		}
	}
}
