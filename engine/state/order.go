package state

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
)

// order keeps the origins sorted by identifier, for digest windows. An insertion moves 12 bytes for
// each origin behind it: 3 µs at 10,000 origins.
type order struct {
	ids     []codec.OriginID
	origins []Origin
	hint    int // where Following was last: a walk does not search
}

func (d *order) len() int { return len(d.ids) }

func (d *order) add(id codec.OriginID, o Origin) {
	i, _ := slices.BinarySearch(d.ids, id)
	d.ids = slices.Insert(d.ids, i, id)
	d.origins = slices.Insert(d.origins, i, o)
}

func (d *order) remove(id codec.OriginID) {
	if i, ok := slices.BinarySearch(d.ids, id); ok {
		d.ids = slices.Delete(d.ids, i, i+1)
		d.origins = slices.Delete(d.origins, i, i+1)
	}
}

func (d *order) mapped() int { return cap(d.ids)*8 + cap(d.origins)*4 }

// FirstAtOrAfter returns the origin with the lowest identifier that is not below id, or 0.
func (s *Store) FirstAtOrAfter(id codec.OriginID) Origin {
	d := &s.order
	i, _ := slices.BinarySearch(d.ids, id)
	if i == len(d.ids) {
		return 0
	}
	d.hint = i
	return d.origins[i]
}

// Following returns the origin with the next higher identifier, or 0. In a walk it costs a few
// nanoseconds, otherwise a binary search.
func (s *Store) Following(o Origin) Origin {
	d := &s.order
	i := d.hint
	if i >= len(d.ids) || d.origins[i] != o {
		i, _ = slices.BinarySearch(d.ids, s.ID(o))
	}
	if i+1 >= len(d.ids) {
		return 0
	}
	d.hint = i + 1
	return d.origins[i+1]
}
