package state

import (
	"github.com/dgryski/go-farm"

	"github.com/quidnunc/quidnunc/codec"
)

// keyPrints is the fingerprint of precise mode: of every entry by origin, key and version, whatever
// Max is. It is kept only if PrintKeys was called, since it costs each write a hash of its key.
type keyPrints struct {
	on     bool
	choked int64 // until then: an entry was refused for want of room
	sum    uint64
	by     []uint64 // by origin: the sum over its entries, which a new identifier does not change
}

// PrintKeys makes the store keep KeyPrint. It is called after Init, before there are origins.
func (s *Store) PrintKeys() { s.keyed = keyPrints{on: true} }

// Keyed tells whether it does: then entries may be here beyond Max, which may stay below a floor until
// all is the same.
func (s *Store) Keyed() bool { return s.keyed.on }

// KeyPrint is the sum over all origins of a hash of the identifier and of (key, version) of every
// entry, tombstones included. Two replicas with equal ones hold the same entries of the same
// origins, but for a chance of 2^-64; they may have learned of them in any order, so their Max may
// differ.
func (s *Store) KeyPrint() uint64 { return s.keyed.sum }

// OriginPrint is the part of KeyPrint that is of one origin.
func (s *Store) OriginPrint(o Origin) uint64 { return originPrint(s.rec(o).id, s.keyed.by[o]) }

// RecomputeKeys computes KeyPrint from scratch, for tests and audits: O(entries).
func (s *Store) RecomputeKeys() (print uint64) {
	var c Cursor
	var e codec.Entry
	for o := s.FirstAtOrAfter(0); o != 0; o = s.Following(o) {
		sum := uint64(0)
		for s.After(o, 0, &c); c.Next(&e); {
			sum += keyPrint(e.Key, e.Version)
		}
		print += originPrint(s.rec(o).id, sum)
	}
	return print
}

func keyPrint(key []byte, version uint64) uint64 { return mix(farm.Fingerprint64(key) ^ mix(version)) }

func originPrint(id, sum uint64) uint64 { return mix(mix(id) ^ sum) }

// add begins the print of a new origin.
func (p *keyPrints) add(o Origin, id uint64) {
	if !p.on {
		return
	}
	for int(o) >= len(p.by) {
		p.by = append(p.by, 0)
	}
	p.by[o] = 0
	p.sum += originPrint(id, 0)
}

// remove takes an origin out; add or rename puts it back.
func (p *keyPrints) remove(o Origin, id uint64) {
	if p.on {
		p.sum -= originPrint(id, p.by[o])
	}
}

func (p *keyPrints) rename(o Origin, id uint64) {
	if p.on {
		p.sum += originPrint(id, p.by[o])
	}
}

// printKey notes that the cell b takes the place of the old one, if any.
func (s *Store) printKey(w *write, o Origin, r *origin, b []byte) {
	p := &s.keyed
	p.sum -= originPrint(r.id, p.by[o])
	at, n, _ := cellSizes(b)
	key := b[at : at+n]
	if w.old != 0 {
		p.by[o] -= keyPrint(key, cellVersion(s.cells.at(w.old)))
	}
	p.by[o] += keyPrint(key, cellVersion(b))
	p.sum += originPrint(r.id, p.by[o])
}

// unprintKey notes that an entry is gone.
func (s *Store) unprintKey(o Origin, r *origin, key []byte, version uint64) {
	p := &s.keyed
	p.sum -= originPrint(r.id, p.by[o])
	p.by[o] -= keyPrint(key, version)
	p.sum += originPrint(r.id, p.by[o])
}
