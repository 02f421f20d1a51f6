package ring

// Handle names a slot of a [Slab]. 0 is no slot.
type Handle uint32

// Slab is a fixed number of byte slots of one size in one allocation that the
// collector never looks into. Its owner is one goroutine, which takes slots and
// puts them back; one other goroutine, to which handles travel, gives them
// back. Neither waits for the other.
type Slab struct {
	bytes []byte
	free  []Handle     // a stack: the slot that was put back last is still in the cache
	taken []bool       // by handle
	back  SPSC[Handle] // given back by the other side; has room for all slots
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
	s.back.Init(count)
	for i := range s.free {
		s.free[i] = Handle(count - i)
	}
}

// SlabBytes is the memory that Init asks for.
func SlabBytes(count, size int) int { return count*(size+5) + 1 + 4*powerOfTwo(count) }

// Get takes a free slot; false when there is none. Its bytes are whatever the
// last owner left. For the owner.
func (s *Slab) Get() (Handle, bool) {
	if len(s.free) == 0 && !s.collect() {
		return 0, false
	}
	h := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.taken[h] = true
	return h, true
}

// collect takes in what the other side gave back.
func (s *Slab) collect() bool {
	for h, ok := s.back.Pop(); ok; h, ok = s.back.Pop() {
		s.Put(h)
	}
	return len(s.free) > 0
}

// Put gives a slot back. It panics when h is not taken: two owners of one slot
// is the bug that must not be survived. For the owner.
func (s *Slab) Put(h Handle) {
	if !s.taken[h] {
		panic("ring: Put of a slot that is not taken")
	}
	s.taken[h] = false
	s.free = append(s.free, h)
}

// GiveBack is Put for the other side: the owner finds the slot when it runs out
// of free ones. It panics when more come back than there are.
func (s *Slab) GiveBack(h Handle) {
	if !s.back.Push(h) {
		panic("ring: GiveBack of a slot that is not taken")
	}
}

// Bytes is the slot's memory, as long and as wide as a slot. It is of whoever
// holds the handle, until Put or GiveBack.
func (s *Slab) Bytes(h Handle) []byte {
	at := (int(h) - 1) * s.size
	return s.bytes[at : at+s.size : at+s.size]
}

// Free is the number of free slots. For the owner.
func (s *Slab) Free() int {
	s.collect()
	return len(s.free)
}
