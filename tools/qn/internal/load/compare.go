package load

import "fmt"

// difference is how the replicas differ from what was written.
type difference struct {
	entries uint64
	first   string
}

func (d *difference) add(format string, args ...any) {
	if d.entries == 0 {
		d.first = fmt.Sprintf(format, args...)
	}
	d.entries++
}

// compare reads every entry of every origin on every node, the owner included, and holds it against
// what the generator wrote last: key, version and value. A write that waited for the rate of its
// owner may have kept the place of an earlier one of its key: its version is then lower than Set
// gave, and the same everywhere. It trusts no digest and no fingerprint.
func compare(c cluster, d *driver) (diff difference) {
	slot := make(map[string]int, len(d.keys))
	for i, key := range d.keys {
		slot[key] = i
	}
	seen, kept := make([]bool, len(d.keys)), make([]uint64, len(d.keys))
	want := make([]byte, len(d.value))
	for owner := range d.nodes {
		newest := d.newest[owner*len(d.keys):][:len(d.keys)]
		clear(kept)
		for at := range d.nodes {
			node := (owner + at) % d.nodes // the owner first
			clear(seen)
			c.origin(node, owner, func(key string, value []byte, version uint64) {
				i, ok := slot[key]
				if !ok || newest[i].version == 0 {
					diff.add("node %d has %q of node %d, which was never written", node, key, owner)
					return
				}
				seen[i] = true
				copy(want, d.value)
				stamp(want, newest[i].stamp)
				if kept[i] == 0 {
					kept[i] = version
				}
				if version > newest[i].version || version != kept[i] || string(value) != string(want) {
					diff.add("node %d has version %d of %q of node %d, want %d", node, version, key, owner, min(kept[i], newest[i].version))
				}
			})
			for i, ok := range seen {
				if !ok && newest[i].version != 0 {
					diff.add("node %d lacks %q of node %d", node, d.keys[i], owner)
				}
			}
		}
	}
	return diff
}
