package state

// release is how far a store that is not used any more has let go of its memory.
type release uint8

const (
	kept     release = iota
	hidden           // readers find nothing
	leaving          // those who were at work are waited for
	released         // what held entries is gone
)

// Release lets go of the memory of a store that is not used any more: its writer calls nothing else
// from then on. Readers find nothing in it. What those that are at work read stays until they have
// left: false asks for another call.
func (s *Store) Release() (done bool) {
	if s.release == kept {
		s.release = hidden
		s.echoes.count.Store(0)
		s.bearers.made.Store(0)
		s.names.hide()
		s.ids.hide()
	}
	if s.release == hidden && s.epochs.over() { // one under way may have begun before
		s.release = leaving
		s.epochs.begin()
	}
	if s.release == leaving && s.epochs.over() {
		s.release = released
		s.origins, s.made, s.freed, s.dying, s.clearing = nil, 0, 0, 0, 0
		s.order, s.retired, s.sums, s.holes = order{}, retired{}, nil, nil
		s.proven, s.formers = nil, nil
		s.echoes.list, s.echoes.names = nil, index{}
		s.keys, s.log, s.cells = index{}, slab{}, arena{}
		s.keyed, s.bearers.ring, s.witness, s.kinds = keyPrints{}, nil, nil, nil
	}
	return s.release == released
}

// hide has searches find nothing.
func (x *index) hide() {
	nothing := &table{words: make([]uint64, 1)}
	for i := range x.dir {
		x.dir[i].Store(nothing)
	}
}
