package state

import "github.com/quidnunc/quidnunc/codec"

// mendDrops is how many keys one Mend removes.
const mendDrops = 64

// DirtyOrigins is how many origins are dirty.
func (s *Store) DirtyOrigins() int { return s.dirty }

// A replica that slept below a floor is dirty: it may hold keys whose deletes were collected meanwhile. It hears the log of
// that origin from its owner once more, from MendedTo up to the floor, and drops what the owner does not list, while
// readers go on seeing all keys that live. Only the owner is believed in this, and only a run that was level with what
// is here.

// MendedTo is the version up to which a dirty origin was compared with its owner.
func (s *Store) MendedTo(o Origin) uint64 { return s.rec(o).mended }

// Mend takes a run of the owner of a dirty origin. Of (run.From, min(run.To, floor)] the owner lists every key that lives.
// What is here in that range and not in the run is a key that it deleted: had it been written again, its newer version
// would be here, since the run's Max is not above ours. It goes, a bounded number at a time. The origin is clean once all
// up to the floor was compared. Mend gives the number of keys that went.
func (s *Store) Mend(o Origin, run *codec.Run, it *codec.RunIter) (removed int) {
	r := s.at(o)
	if r == nil || !r.dirty || run.From > r.mended || run.Max > r.max || run.Floor < r.floor {
		return 0
	}
	var gone [mendDrops]cellRef
	removed, upTo := s.unlisted(o, run, it, &gone)
	for _, cell := range gone[:removed] {
		s.drop(o, r, cell)
	}
	if r.mended = max(r.mended, upTo); r.mended >= r.floor {
		s.Repaired(o)
	}
	return removed
}

// unlisted finds what is here and not in the run, and how far it has looked.
func (s *Store) unlisted(o Origin, run *codec.Run, it *codec.RunIter, gone *[mendDrops]cellRef) (n int, upTo uint64) {
	var e codec.Entry
	var c Cursor
	upTo = min(run.To, s.rec(o).floor)
	it.Reset(run)
	more := it.Next(&e)
	s.After(o, run.From, &c)
	for cell := c.cell(); cell != 0; cell = c.cell() {
		v := cellVersion(s.cells.at(cell))
		if v > upTo {
			break
		}
		for more && e.Version < v {
			more = it.Next(&e)
		}
		if more && e.Version == v {
			continue
		}
		gone[n] = cell
		if n++; n == mendDrops {
			return n, v
		}
	}
	return n, upTo
}

// setDirty makes an origin dirty or clean.
func (s *Store) setDirty(r *origin, dirty bool) {
	if r.dirty == dirty {
		return
	}
	s.print -= r.print()
	r.dirty, r.mended = dirty, 0
	s.print += r.print()
	if dirty {
		s.dirty++
	} else {
		s.dirty--
	}
}
