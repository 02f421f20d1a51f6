package load

import "testing"

// Many nodes have few keys each by default, and never none, so that writing them all once takes
// seconds and not minutes; the usual sizes have what they had.
func TestKeysOfManyNodes(t *testing.T) {
	f := func(nodes, want int) {
		t.Helper()
		o := Defaults()
		o.Nodes = nodes
		if o.SetMany(); o.Keys != want {
			t.Errorf("%d nodes have %d keys, want %d", nodes, o.Keys, want)
		}
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
	}
	f(2, 100)
	f(16, 100)
	f(100, 100)
	f(128, 64)
	f(256, 16)
	f(nodesMax, 1)
}
