package active

// Slab keeps parts by their places. It grows by few at a time and moves none.
type Slab[T any] struct{ pieces []*[piece]T }

const piece = 8

// At is the part of a place, a zero value at first.
func (s *Slab[T]) At(place uint32) *T {
	for int(place/piece) >= len(s.pieces) {
		s.pieces = append(s.pieces, new([piece]T))
	}
	return &s.pieces[place/piece][place%piece]
}
