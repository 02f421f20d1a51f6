package state

import "github.com/quidnunc/quidnunc/codec"

// Rename gives an origin another identifier and generation and keeps its entries, their versions and its handle: the
// owner goes on under a new generation. O(1), but for the place in the sorted order.
func (s *Store) Rename(o Origin, id codec.OriginID, gen uint64) Status {
	r := s.at(o)
	switch {
	case r == nil:
		return NoOrigin
	case id == 0:
		return Invalid
	case s.Find(id) != 0:
		return Exists
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print -= r.print()
	s.removeName(o, r)
	s.ids.remove(s.hashID(uint64(r.id)), uint32(o))
	s.order.remove(r.id)
	r.id, r.gen, r.older = id, gen, 0
	s.addName(o, r, s.Name(o))
	frag := s.hashID(uint64(id))
	s.ids.reserve(frag)
	s.ids.insert(frag, uint32(o))
	s.order.add(id, o)
	s.print += r.print()
	return OK
}
