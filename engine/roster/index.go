package roster

import "github.com/quidnunc/quidnunc/codec"

// Index finds handles by origin id: open addressing over the id's own bits, which are
// a keyed hash already. It is ready after Init.
type Index struct {
	ids     []codec.OriginID
	handles []uint32
	n       int
}

// Init empties it.
func (t *Index) Init() {
	t.ids, t.handles, t.n = make([]codec.OriginID, 32), make([]uint32, 32), 0
}

// Find gives the handle of an id; 0: none.
func (t *Index) Find(id codec.OriginID) uint32 {
	mask := uint64(len(t.ids) - 1)
	for i := uint64(id) & mask; t.ids[i] != 0; i = (i + 1) & mask {
		if t.ids[i] == id {
			return t.handles[i]
		}
	}
	return 0
}

// Put gives an id a handle.
func (t *Index) Put(id codec.OriginID, p uint32) {
	if 2*(t.n+1) > len(t.ids) {
		old := *t
		t.ids, t.handles, t.n = make([]codec.OriginID, 2*len(old.ids)), make([]uint32, 2*len(old.ids)), 0
		for i, oid := range old.ids {
			if oid != 0 {
				t.Put(oid, old.handles[i])
			}
		}
	}
	mask := uint64(len(t.ids) - 1)
	i := uint64(id) & mask
	for t.ids[i] != 0 && t.ids[i] != id {
		i = (i + 1) & mask
	}
	if t.ids[i] == 0 {
		t.n++
	}
	t.ids[i], t.handles[i] = id, p
}

// Remove takes an id out and closes the hole by moving later ones back.
func (t *Index) Remove(id codec.OriginID) {
	mask := uint64(len(t.ids) - 1)
	i := uint64(id) & mask
	for t.ids[i] != id {
		if t.ids[i] == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.n--
	for j := i; ; {
		j = (j + 1) & mask
		if t.ids[j] == 0 {
			break
		}
		home := uint64(t.ids[j]) & mask
		if (j-home)&mask >= (j-i)&mask {
			t.ids[i], t.handles[i] = t.ids[j], t.handles[j]
			i = j
		}
	}
	t.ids[i], t.handles[i] = 0, 0
}
