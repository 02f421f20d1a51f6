package state

import "github.com/quidnunc/quidnunc/codec"

// checkAccounts holds what a store says that its origins take against their entries, counted anew:
// limits are judged by it, so what is counted once too often is never to be had again.
func checkAccounts(t interface{ Fatalf(string, ...any) }, s *Store) {
	live, system, entries := 0, 0, 0
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		r := s.rec(o)
		var want origin
		var c Cursor
		s.After(o, 0, &c)
		for cell := c.cell(); cell != 0; cell = c.cell() {
			b := s.cells.at(cell)
			at, key, _ := cellSizes(b)
			h := heldBy(b)
			want.entries++
			want.bytes += uint64(h.bytes)
			want.held += uint32(h.cell >> 3)
			if h.live {
				want.live++
				if codec.System(b[at : at+key]) {
					want.system++
				}
			}
		}
		if r.entries != want.entries || r.live != want.live || r.system != want.system || r.bytes != want.bytes || r.held != want.held {
			t.Fatalf("%q: %d entries, %d live, %d of them reserved, %d bytes, cells of %d; it has %d, %d, %d, %d, %d", s.Name(o),
				r.entries, r.live, r.system, r.bytes, r.held, want.entries, want.live, want.system, want.bytes, want.held)
		}
		live, system, entries = live+int(r.live), system+int(r.system), entries+int(r.entries)
	}
	if s.dying == 0 && (s.live != live || s.system != system || s.entries != entries) {
		t.Fatalf("all: %d live, %d of them reserved, %d entries; there are %d, %d, %d", s.live, s.system, s.entries, live, system, entries)
	}
}
