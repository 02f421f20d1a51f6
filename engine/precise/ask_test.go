package precise

import "testing"

// TestAllOfAnOriginIsAskedOnce: whoever asks for all of an origin asks for no write of it besides, in
// whichever order the two were found, and for what it asked before of others.
func TestAllOfAnOriginIsAskedOnce(t *testing.T) {
	all, one, other := item{ID: 7}, item{ID: 7, Version: 3}, item{ID: 8, Version: 3}
	for _, asks := range [][]item{{all, one, other}, {other, one, all}, {one, all, one, other, other}} {
		var l list
		l.Init(8)
		l.Reset(1, -1)
		for _, it := range asks {
			l.ask(it)
		}
		l.sortByName()
		if len(l.items) != 2 || l.items[0] != all || l.items[1] != other {
			t.Errorf("%v: asks for %v", asks, l.items)
		}
	}
}
