package share

// Order is an order of values that an embedder brings: of two claims under it in one epoch
// the one with the higher value wins, whoever made it when.
type Order struct {
	ID      uint32 // what claims call it, not 0
	Compare func(a, b []byte) int
}

// Orders are the orders that this member knows.
type Orders []Order

// find gives the comparison of an order; nil: it is not known here.
func (l Orders) find(id uint32) func(a, b []byte) int {
	for i := range l {
		if l[i].ID == id {
			return l[i].Compare
		}
	}
	return nil
}

// Knows tells whether claims under an order can be judged here.
func (l Orders) Knows(id uint32) bool { return id == 0 || l.find(id) != nil }

// Compare is Claim.Compare where c comes with the value x and d with y: claims under one
// order compare by their values first. Of an order that is not known here stamp and author
// decide, as of values that are equal in it.
func (l Orders) Compare(c *Claim, x []byte, d *Claim, y []byte) int {
	if c.Order != 0 && c.Order == d.Order && c.Epoch == d.Epoch && !c.Deleted && !d.Deleted {
		if f := l.find(c.Order); f != nil {
			if o := f(x, y); o != 0 {
				return o
			}
		}
	}
	return c.Compare(d)
}
