package load

import "testing"

// TestWritesThatKeptAPlace: a write that waited for its owner's rate may stand under a lower version
// than Set gave, with the value that was written last and alike everywhere: nothing else may.
func TestWritesThatKeptAPlace(t *testing.T) {
	o := testOptions()
	o.Nodes, o.Keys = 3, 2
	is := func(node, owner int, version uint64, value string) uint64 {
		f := &fakeCluster{held: make([][]map[string]fakeEntry, o.Nodes)}
		d := newDriver(o, nil, testClock, newTracker(o.Nodes, 1, testClock))
		for i := range d.newest {
			d.newest[i] = written{version: 9, stamp: 5}
		}
		stamp(d.value, 5)
		for n := range f.held {
			f.held[n] = make([]map[string]fakeEntry, o.Nodes)
			for of := range f.held[n] {
				f.held[n][of] = map[string]fakeEntry{d.keys[0]: {string(d.value), 7}, d.keys[1]: {string(d.value), 9}}
			}
		}
		if value == "" {
			value = string(d.value)
		}
		f.held[node][owner][d.keys[0]] = fakeEntry{value, version}
		return compare(f, d).entries
	}
	for _, c := range []struct {
		node, owner int
		version     uint64
		value       string
		want        uint64
	}{
		{1, 1, 7, "", 0}, {1, 0, 6, "", 1}, {1, 0, 9, "", 1}, {2, 2, 10, "", 3}, {0, 2, 7, "old", 1}, {2, 2, 7, "old", 1},
	} {
		if n := is(c.node, c.owner, c.version, c.value); n != c.want {
			t.Errorf("%+v: %d entries differ", c, n)
		}
	}
}
