package content

// index finds numbers by a hash: open addressing with linear probing, at most
// three quarters full, and no marks of what was removed.
type index struct {
	slots []uint32 // 0 is empty
	used  int
}

func (x *index) find(hash uint64, is func(uint32) bool) uint32 {
	if x.used == 0 {
		return 0
	}
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if is(x.slots[i]) {
			return x.slots[i]
		}
	}
	return 0
}

// insert adds a number that is not there. hashOf gives the hashes of those that are.
func (x *index) insert(hash uint64, at uint32, hashOf func(uint32) uint64) {
	if x.used+1 > len(x.slots)*3/4 {
		old := x.slots
		x.slots = make([]uint32, max(16, 2*len(old)))
		for _, v := range old {
			if v != 0 {
				x.place(hashOf(v), v)
			}
		}
	}
	x.place(hash, at)
	x.used++
}

func (x *index) place(hash uint64, at uint32) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = at
}

// remove takes a number out and moves those behind it that now stand too late.
func (x *index) remove(hash uint64, is func(uint32) bool, hashOf func(uint32) uint64) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for !is(x.slots[i]) {
		if x.slots[i] == 0 {
			return
		}
		i = (i + 1) & mask
	}
	x.used--
	for j := i; ; {
		x.slots[i] = 0
		for {
			j = (j + 1) & mask
			if x.slots[j] == 0 {
				return
			}
			if home := hashOf(x.slots[j]) & mask; (j-home)&mask >= (j-i)&mask { // it may stand at i
				break
			}
		}
		x.slots[i] = x.slots[j]
		i = j
	}
}
