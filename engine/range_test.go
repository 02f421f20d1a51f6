package engine_test

import (
	"fmt"
	"testing"
)

// TestRangeEndsThoughItWrites: the body of a walk may write the key that it sees, and new ones: the
// walk ends all the same, and has shown each key that was there.
func TestRangeEndsThoughItWrites(t *testing.T) {
	e := startOne(t, "a", nil)
	const keys = 50
	for i := range keys {
		set(t, e, fmt.Sprint("k", i), "old")
	}
	shown := map[string]int{}
	n := 0
	for key, entry := range e.Range("a") {
		k := string(key)
		if shown[k]++; string(entry.Value) == "old" {
			set(t, e, k, "new")
		}
		set(t, e, k, "newer")
		set(t, e, fmt.Sprint("new", n), "")
		e.Stats() // what was written is in the log
		if n++; n > 10*keys {
			t.Fatal("the walk follows what it writes")
		}
	}
	for i := range keys {
		if shown[fmt.Sprint("k", i)] == 0 {
			t.Errorf("k%d was not shown", i)
		}
	}
}
