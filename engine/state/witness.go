package state

import "github.com/quidnunc/quidnunc/codec"

// Witness is told by the writer what becomes of shared keys (codec.SharedPrefix), in the moment
// when it happens. Its methods may read the store; they must not write it, and key is good until
// they return.
type Witness interface {
	// Changed: the entry of a key in o's log is another one, or gone.
	Changed(o Origin, key []byte)
	// Removed: o is no origin any more. With true its entries stay on a shelf, readable by their
	// handle (Get, After, AppendGetOrigin, WasID), until Discard.
	Removed(o Origin) (keep bool)
}

// Attend makes w the witness of all changes from now on.
func (s *Store) Attend(w Witness) { s.witness = w }

func (s *Store) witnessed(o Origin, key []byte) {
	if s.witness != nil && codec.Shared(key) {
		s.witness.Changed(o, key)
	}
}

// Kinds is told by the writer what becomes of entries that are more than a key and its value
// (codec.EntryKinded): in the moment before readers see one, and in the moment after they see
// something else, so that what is known of an entry is known for as long as readers find it. Its
// method may read the store; it must not write it, and the entries are good until it returns.
type Kinds interface {
	// Kinded: a key of o's log has another entry. was or is has a kind. was has no version where
	// the key had none, and is is nil where it has none any more.
	Kinded(o Origin, was, is *codec.Entry)
}

// AttendKinds has k told of all entries with a kind from now on.
func (s *Store) AttendKinds(k Kinds) { s.kinds = k }

// saysKind tells Kinds of a new cell in place of an old one; 0 and nil: there is none. It is called
// twice, before and after readers see the new one.
func (s *Store) saysKind(o Origin, old cellRef, b []byte, seen bool) {
	if s.kinds == nil || !s.kinded {
		return
	}
	kinded := b != nil && cellFlags(b)&codec.EntryKinded != 0
	if kinded == seen || !kinded && (old == 0 || cellFlags(s.cells.at(old))&codec.EntryKinded == 0) {
		return
	}
	var was, is codec.Entry
	if old != 0 {
		readCell(s.cells.at(old), &was, s.now)
	}
	if b == nil {
		s.kinds.Kinded(o, &was, nil)
		return
	}
	readCell(b, &is, s.now)
	s.kinds.Kinded(o, &was, &is)
}

// Discard gives up the entries of a removed origin that a Witness has kept.
func (s *Store) Discard(o Origin) {
	if r := s.kept(o); r != nil && r.shelved {
		if r.shelved = false; !r.echoes {
			s.dies(o, r)
		}
	}
}

// WasID is ID for an origin on the shelf too.
func (s *Store) WasID(o Origin) codec.OriginID {
	if r := s.kept(o); r != nil {
		return codec.OriginID(r.id)
	}
	return 0
}

// kept returns the record of a handle whose entries are here, on the shelf or as an echo too; nil
// if they are not.
func (s *Store) kept(o Origin) *origin {
	if o == 0 || uint32(o) > s.made {
		return nil
	}
	if r := s.rec(o); r.here || r.shelved || r.echoes {
		return r
	}
	return nil
}
