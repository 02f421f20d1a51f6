package state

import "github.com/quidnunc/quidnunc/codec"

// leases tells whether the entry of the key of a lease is one that lives.
func leases(e *codec.Entry) bool {
	return e.Kind == codec.KindLease && e.Flags&(codec.EntryTTL|codec.EntryTombstone) == codec.EntryTTL
}

// leased gives what lives by a lease the time to live of that. It is for readers, and needs a pin.
// Where the lease has ended or is not here, nobody knows how long it would live: it has ended.
func (s *Store) leased(r *origin, m *Meta) {
	var room [codec.LeaseKeyBytesMax]byte
	key := codec.AppendLeaseKey(room[:0], m.Lease)
	hint := m.Flags&codec.EntryTTL != 0
	m.Flags |= codec.EntryTTL
	_, _, cell := s.findKey(r.tag, s.hash(r.tag, key), key)
	if cell == 0 && hint {
		return
	}
	m.TTL, m.Born = 0, 0
	if cell == 0 {
		return
	}
	var e codec.Entry
	b := s.cells.at(cell)
	if readCell(b, &e, 0); leases(&e) {
		m.TTL, m.Born = e.TTL, cellBorn(b)
	}
}

// Lease makes lease a view of the entry of a lease, which may be a tombstone. It is for the writer;
// the view is good until the next write.
func (s *Store) Lease(o Origin, number uint32, lease *codec.Entry) bool {
	var room [codec.LeaseKeyBytesMax]byte
	return s.Get(o, codec.AppendLeaseKey(room[:0], number), lease)
}

// Hint has an entry that lives by a lease tell how old that is, for somebody who may not have it. A
// lease that was deleted has nothing to tell.
func Hint(e, lease *codec.Entry) {
	if Bare(e); leases(lease) {
		e.Flags, e.TTL, e.Age = e.Flags|codec.EntryTTL, lease.TTL, lease.Age
	}
}

// Bare takes the hint from an entry that lives by a lease: who has that needs none, and replicas
// hold different ones.
func Bare(e *codec.Entry) {
	if e.Flags&codec.EntryLeased != 0 {
		e.Flags, e.TTL, e.Age = e.Flags&^codec.EntryTTL, 0, 0
	}
}
