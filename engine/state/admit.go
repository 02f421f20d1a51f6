package state

import "github.com/quidnunc/quidnunc/codec"

// Who may take how much. A write that takes no more than what it replaces is always taken: a
// delete, an overwrite that is not larger. The rest is counted in the unit in which it is stored,
// bytes of cells, and in keys that are not deleted.
//
// A limit L is what the owners of keys hold themselves to (Admits). Replicas take a sixteenth more,
// for what several owners admitted at the same moment; and origins below an equal share of a
// sixteenth of L may go on beyond, which replicas take up to an eighth above L. What the owner of
// this store admitted is always taken.

// keptBytes is what is kept beyond ValueBytes beside its sixteenths, so that small limits keep
// something.
const keptBytes = 2 * cellPageBytes

// room is the room of one kind, in units of it.
type room struct {
	limit, kept int // what all may take; what is kept above that for each sixteenth
	all, own    int // taken by all, and by the origin that asks
	origins     int
}

// share is what each origin may have of the kept sixteenth.
func (m *room) share() int { return m.kept / m.origins }

// admits is how much more the origin may take as a writer; below 0: nothing.
func (m *room) admits() int {
	if free := m.limit - m.all; free >= m.kept {
		return free // more than any share: the usual case takes no division
	}
	return max(m.limit-m.all, min(m.share()-m.own, m.limit+2*m.kept-m.all))
}

// takes is how much more of the origin a replica takes.
func (m *room) takes() int {
	if free := m.limit - m.all; free >= m.kept {
		return free + m.kept
	}
	return max(m.limit+m.kept-m.all, min(2*m.share()-m.own, m.limit+2*m.kept-m.all))
}

func (s *Store) keyRoom(r *origin) room {
	l := &s.limits
	return room{
		limit: l.Keys, kept: max(l.Keys/16, s.order.len()), all: s.live - s.system, own: int(r.live) - int(r.system),
		origins: max(1, s.order.len()),
	}
}

func (s *Store) byteRoom(r *origin) room {
	l := &s.limits
	return room{
		limit: l.ValueBytes, kept: l.ValueBytes/16 + keptBytes/2, all: s.held, own: int(r.held) << 3,
		origins: max(1, s.order.len()),
	}
}

// SetOwner names the origin that the owner of this store writes. Its writes were admitted before
// (see Admits), so limits that all share do not refuse them. It begins to live with this call: see
// Denies.
func (s *Store) SetOwner(o Origin) { s.owner, s.owned = o, s.now }

// Owner is the origin that the owner of this store writes; 0: nobody does.
func (s *Store) Owner() Origin { return s.owner }

// Room is what an origin may still begin to write.
type Room struct {
	Keys  int // new keys
	Bytes int // of cells, see CellBytes
	Owned int // key and value bytes, by BytesPerOrigin
}

// Taken is what all entries take. While it stays the same, and limits do, nobody is admitted more
// or less than before but who wrote themselves.
type Taken struct {
	keys, held, bytes, origins int
}

// Taken returns what is taken.
func (s *Store) Taken() Taken { return Taken{s.live - s.system, s.held, s.bytes, s.order.len()} }

// Admits tells how much an origin may still take as a writer. What was admitted and is not written
// yet is for the caller to subtract.
func (s *Store) Admits(o Origin) (m Room) {
	r := s.at(o)
	if r == nil {
		return m
	}
	keys, bytes := s.keyRoom(r), s.byteRoom(r)
	if bytes.admits() < s.limits.ValueBytes/16 {
		s.fadeAll()
	}
	m.Keys = max(0, min(keys.admits(), s.limits.KeysPerOrigin-keys.own))
	m.Bytes, m.Owned = max(0, bytes.admits()), ValueBytesMax
	if l := s.limits.BytesPerOrigin; l > 0 {
		m.Owned = max(0, l-int(r.bytes))
	}
	return m
}

// CellBytes is what an entry with so many bytes of key and value and these flags takes of
// Limits.ValueBytes.
func CellBytes(keyAndValue int, flags codec.EntryFlags) int {
	return int(classBytes[classOf[(cellHeadBytes+optionalBytes(flags)+keyAndValue+7)>>3]])
}

// HeldBy tells what the entry of an origin's key takes, of Limits.ValueBytes and of BytesPerOrigin,
// and whether it is not deleted. It is for readers that know that the origin was not removed.
func (s *Store) HeldBy(o Origin, key []byte) (bytes, owned int, live, ok bool) {
	pin := s.epochs.pin(hint(key))
	r := s.rec(o)
	if _, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key); cell != 0 {
		h := heldBy(s.cells.at(cell))
		bytes, owned, live, ok = int(h.cell), int(h.bytes), h.live, true
	}
	pin.Add(-1)
	return bytes, owned, live, ok
}

// CellBytes returns what the entries of an origin take of Limits.ValueBytes.
func (s *Store) CellBytes(o Origin) int { return int(s.rec(o).held) << 3 }

// admit tells whether a write of a key is within the limits.
func (s *Store) admit(w *write, o Origin, r *origin) Status {
	old := w.old != 0
	w.same, w.is = false, held{uint16(w.key) + w.value, classBytes[w.class], w.flags&codec.EntryTombstone == 0}
	switch {
	case w.is.live && !w.was.live && !s.keyFits(w, o, r):
		return TooMany
	case !w.is.live && !old && !s.tombstoneFits(o, r):
		if w.version <= max(r.floor, s.below) {
			return Old // collected: the key is not here, and nobody asks for its delete
		}
		return TooMany
	}
	if grows := w.is.cell > w.was.cell; grows && o != s.owner && !s.bytesFit(w, r) {
		return Full
	}
	if most := s.limits.BytesPerOrigin; most > 0 && w.is.bytes > w.was.bytes && int(r.bytes)+int(w.is.bytes-w.was.bytes) > most {
		return TooMany
	}
	return OK
}

// tombstonesMost is how many deleted keys owners leave others to remember: they keep to their share,
// which is never very small.
func (s *Store) tombstonesMost() int {
	return max(s.limits.Tombstones, 4*tombstonesLeast*s.order.len())
}

// tombstoneFits tells whether the delete of a key that is not here is remembered: while all entries
// are no more than twice what owners with the same limits have together (crowded). So those of them
// that heard nothing of each other for a while have room for what each other did meanwhile, whatever
// it was: each entry here stands for a key of which its owner has an entry, this or a newer one, or
// had one when it was heard of last.
func (s *Store) tombstoneFits(o Origin, r *origin) bool {
	fits := func() bool {
		m, most := s.keyRoom(r), s.limits.Keys+2*s.tombstonesMost()
		if m.all = s.entries - s.system - most; m.all < 0 || o == s.owner {
			return true
		}
		m.own = int(r.entries) - int(r.system) - most/m.origins
		return m.takes() > 0
	}
	return fits() || s.clearFor(fits)
}

// crowded tells whether the entries of all are more than there may be of keys and tombstones, some
// tombstones of the owner of this store among them. An owner may delete all that it has, and write
// as much again at once, before it hears who has the deletes: those go then, so that nobody needs
// room for more.
func (s *Store) crowded(r *origin) bool {
	return r.entries > r.live && s.entries-s.system > s.limits.Keys+s.tombstonesMost()
}

// bytesFit tells whether a replica has room for a cell in place of a smaller one, or of none.
func (s *Store) bytesFit(w *write, r *origin) bool {
	m := s.byteRoom(r)
	takes := m.takes()
	if !w.is.live || w.system {
		takes += s.limits.tombstoneBytes()
	}
	return int(w.is.cell)-int(w.was.cell) <= takes
}

// keyFits tells whether the origin may have one more key.
func (s *Store) keyFits(w *write, o Origin, r *origin) bool {
	if w.system {
		return r.system < SystemMax
	}
	m := s.keyRoom(r)
	return m.own < s.limits.KeysPerOrigin && (o == s.owner || m.takes() > 0)
}

// SetLimits changes the limits while the store is in use. Each may go up to four times what it was
// at Init, and down to anything: what is here stays. Origins does not change. It gives what the
// limits are now.
func (s *Store) SetLimits(l Limits) Limits {
	l = l.normal()
	l.Origins = s.limits.Origins
	l.Keys, l.Tombstones = min(l.Keys, s.most.Keys), min(l.Tombstones, s.most.Tombstones)
	l.ValueBytes, l.Staged = min(l.ValueBytes, s.most.ValueBytes), s.limits.Staged
	s.limits = l
	for i := range s.holes {
		s.holes[i].pause = 0 // there may be room at once
	}
	s.cells.limit = max(len(s.cells.meta), min(1+l.pages(), len(s.cells.pages)))
	return l
}
