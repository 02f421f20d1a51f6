package state

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestWalksEnd: a walk shows each key that was there when it began, also one that is overwritten
// before it comes to it, and ends however much is written meanwhile.
func TestWalksEnd(t *testing.T) {
	const keys = 200 // more than a part
	for _, deleted := range []bool{false, true} {
		s := new(Store)
		s.Init(LimitsDefault(), 1)
		o, _ := s.Add(1, 1, []byte("a"))
		version := uint64(0)
		write := func(key string, flags codec.EntryFlags) {
			version++
			if st := s.Apply(o, &codec.Entry{Version: version, Key: []byte(key), Flags: flags}); st != OK {
				t.Fatal(st)
			}
			s.Advance(o, version, 0)
		}
		for i := range keys {
			write(fmt.Sprint("k", i), 0)
		}
		shown, n, last := map[string]int{}, 0, uint64(0)
		body := func(key, _ []byte, m Meta) bool {
			if m.Version <= last {
				t.Fatalf("version %d after %d", m.Version, last)
			}
			last = m.Version
			shown[string(key)]++
			write(string(key), 0)
			write(fmt.Sprint("new", n), 0)
			write(fmt.Sprint("k", keys-1-n%keys), 0) // before the walk comes to it
			write("hot", codec.EntryTombstone)
			n++
			return n < 10*keys
		}
		if deleted {
			s.Since([]byte("a"), 1, 0, body)
		} else {
			s.Range([]byte("a"), body)
		}
		if n >= 10*keys {
			t.Fatal("the walk follows what is written")
		}
		for i := range keys {
			if k := fmt.Sprint("k", i); shown[k] == 0 {
				t.Errorf("%s was not shown", k)
			}
		}
	}
}
