package state

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
)

// An entry may be sent with a reference in the place of its key (codec.EntryByRef): the version
// that it took the place of. A version names one write for ever, so whoever still holds that write
// knows the key, and whoever does not knows that it does not.

// formers is which version the owner's writes of late replaced, for as many of them as it has
// entries, up to formersMost. Each takes 16 bytes; what another write displaced is sent with its
// key.
type formers []former

type former struct {
	version uint64
	tag     uint32 // of the owner
	below   uint32 // how many versions below it that was; 0: nothing, or a delete
}

const (
	formersLeast = 1 << 5
	formersMost  = 1 << 11
	formerBytes  = 16
)

func (f formers) slot(v uint64) *former { return &f[v&uint64(len(f)-1)] }

// grow makes room for as many writes as there are entries.
func (f *formers) grow(entries int) {
	if entries <= len(*f) || len(*f) == formersMost {
		return
	}
	was := *f
	*f = make(formers, min(max(formersLeast, 1<<bits.Len(uint(entries-1))), formersMost))
	for i := range was {
		*f.slot(was[i].version) = was[i]
	}
}

// noteFormer takes the cell that a write of the owner replaces. Deletes are not referred to: others
// may have collected them.
func (s *Store) noteFormer(w *write, r *origin) {
	s.formers.grow(int(r.entries) + 1)
	below := uint64(0)
	if w.old != 0 {
		if old := s.cells.at(w.old); cellFlags(old)&codec.EntryTombstone == 0 {
			below = w.version - cellVersion(old)
		}
	}
	if below>>32 != 0 {
		below = 0
	}
	*s.formers.slot(w.version) = former{w.version, r.tag, uint32(below)}
}

// Former is how many versions below its own the owner's write with this version found the entry
// that it replaced; 0: it is a new key, or that is not known any more. A replica that held the log
// as it was at that time resolves a reference to it; in a precise cluster nobody holds it so.
func (s *Store) Former(v uint64) (below uint32) {
	if len(s.formers) == 0 || s.keyed.on {
		return 0
	}
	if x := s.formers.slot(v); x.version == v && x.tag == s.rec(s.owner).tag {
		return x.below
	}
	return 0
}

// named tells whether an entry has a key, or is given one: see nameIt.
func (s *Store) named(r *origin, e *codec.Entry) bool {
	return e.Flags&codec.EntryByRef == 0 || s.nameIt(r, e)
}

// nameIt gives an entry that came with a reference its key, if the entry that it refers to is here,
// and is for sure what the writer of the log means. The key is good until the next one that is
// named.
func (s *Store) nameIt(r *origin, e *codec.Entry) bool {
	if uint64(e.Ref) >= e.Version || e.Ref == 0 || e.Kind == codec.KindLease {
		return false
	}
	v := e.Version - uint64(e.Ref)
	cell := s.cellAt(r, v)
	if cell == 0 || !s.proven[originOf(r.tag)].sure(v) {
		return false
	}
	b := s.cells.at(cell)
	at, n, _ := cellSizes(b)
	if n+len(e.Value) > codec.EntryBytesMax || cellFlags(b)&codec.EntryTombstone != 0 {
		return false
	}
	e.Key = s.name[:copy(s.name[:], b[at:at+n])]
	e.Flags, e.Ref = e.Flags&^codec.EntryByRef, 0
	return true
}
