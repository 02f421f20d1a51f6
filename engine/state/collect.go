package state

import "github.com/quidnunc/quidnunc/codec"

// Tombstones up to the floor of an origin go, here and at every replica that holds its prefix
// beyond the floor, a few at a time with the writes and with Tidy. Who is still below the floor
// learns of it from any run, and is dirty then: see Advance.

// collectLook is how many entries are looked at for tombstones at a time.
const (
	collectLook     = 32
	tombstonesLeast = 16
)

// Tombstones returns how many deleted keys of an origin are remembered.
func (s *Store) Tombstones(o Origin) int { r := s.rec(o); return int(r.entries - r.live) }

// TombstoneShare is how many deleted keys an owner may leave others to remember: its part of
// Limits.Tombstones.
func (s *Store) TombstoneShare() int {
	return max(tombstonesLeast, s.limits.Tombstones/max(1, s.order.len()))
}

// Collect raises the floor of an origin: its tombstones up to there are not needed any more. The
// owner calls it. A floor above Max is taken as Max.
func (s *Store) Collect(o Origin, floor uint64) {
	if r := s.at(o); r != nil && min(floor, r.max) > r.floor {
		s.Advance(o, r.max, min(floor, r.max))
	}
}

// Clear looks at about so many entries for tombstones that may go, as writes and Tidy do. It tells
// whether there may be more.
func (s *Store) Clear(entries int) (more bool) { return s.clearSome(entries) }

// clearLater puts an origin into the list of those with tombstones to collect.
func (s *Store) clearLater(o Origin, r *origin) {
	if !r.clearing && r.cleared < min(r.floor, r.max) && r.entries > r.live {
		r.clearing, r.toClear, s.clearing = true, s.clearing, o
	}
}

// clearSome collects among about so many entries. It tells whether there may be more.
func (s *Store) clearSome(entries int) (more bool) {
	for ; s.clearing != 0 && entries > 0; entries -= collectLook {
		o := s.clearing
		r := s.rec(o)
		if r.here && r.entries > r.live && s.clearNext(o, r) {
			continue
		}
		s.clearing = r.toClear
		r.clearing, r.toClear = false, 0
	}
	return s.clearing != 0
}

// clearFor collects until there is room, before a write is refused. All of it is looked at once for
// each floor.
func (s *Store) clearFor(fits func() bool) bool {
	for s.clearing != 0 {
		if s.clearSome(collectLook); fits() {
			return true
		}
	}
	return false
}

// clearNext collects among the next entries of an origin; false at the end.
func (s *Store) clearNext(o Origin, r *origin) (more bool) {
	var gone [collectLook]cellRef
	end, n := min(r.floor, r.max), 0
	var c Cursor
	s.After(o, r.cleared, &c)
	for range collectLook {
		cell := c.cell()
		if cell == 0 || cellVersion(s.cells.at(cell)) > end {
			r.cleared = end
			break
		}
		b := s.cells.at(cell)
		if r.cleared = cellVersion(b); cellFlags(b)&codec.EntryTombstone != 0 {
			gone[n] = cell
			n++
		}
	}
	for _, cell := range gone[:n] {
		s.drop(o, r, cell)
	}
	return r.cleared < end
}

// drop removes an entry for good.
func (s *Store) drop(o Origin, r *origin, cell cellRef) {
	b := s.cells.at(cell)
	at, keyBytes, _ := cellSizes(b)
	key := b[at : at+keyBytes]
	s.hush(s.Name(o), key)
	s.count(r, held{}, heldBy(b), codec.System(key))
	s.entries--
	r.entries--
	if s.keyed.on {
		s.unprintKey(o, r, key, cellVersion(b))
	}
	if x := &s.sums[o]; cellVersion(b) <= x.to && cellFlags(b)&codec.EntryTombstone == 0 {
		x.sum -= s.livePrint(b)
		x.edits++
	}
	s.keys.remove(s.hash(r.tag, key), uint32(cell))
	s.saysKind(o, cell, nil, true)
	s.kill(r, cellPos(b))
	s.witnessed(o, key)
	s.retireCell(cell, cellClass(b))
}
