package ring

// Handle names a slot of a [Slab]. 0 is no slot.
type Handle uint32

// Slab is a fixed number of byte slots of one size in one allocation that the
// collector never looks into. One goroutine at a time may use it; handles may
// travel.
type Slab struct {
	bytes []byte
	free  []Handle // a stack: the slot that was put back last is still in the cache
	taken []bool   // by handle
	size  int
}

// Init asks for count slots of size bytes, all free. It is the only call that
// allocates.
func (s *Slab) Init(count, size int) {
	*s = Slab{
		bytes: make([]byte, count*size),
		free:  make([]Handle, count),
		taken: make([]bool, count+1),
		size:  size,
	}
	for i := range s.free {
		s.free[i] = Handle(count - i)
	}
}

// SlabBytes is the memory that Init asks for.
func SlabBytes(count, size int) int { return count*(size+5) + 1 }

// Get takes a free slot; false when there is none. Its bytes are whatever the
// last owner left.
func (s *Slab) Get() (Handle, bool) {
	if len(s.free) == 0 {
		return 0, false
	}
	h := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.taken[h] = true
	return h, true
}

// Put gives a slot back. It panics when h is not taken: two owners of one slot
// is the bug that must not be survived.
func (s *Slab) Put(h Handle) {
	if !s.taken[h] {
		panic("ring: Put of a slot that is not taken")
	}
	s.taken[h] = false
	s.free = append(s.free, h)
}

// Bytes is the slot's memory, as long and as wide as a slot. It is the owner's
// until Put.
func (s *Slab) Bytes(h Handle) []byte {
	at := (int(h) - 1) * s.size
	return s.bytes[at : at+s.size : at+s.size]
}

// Free is the number of free slots.
func (s *Slab) Free() int { return len(s.free) }
