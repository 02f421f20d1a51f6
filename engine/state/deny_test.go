package state

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// young makes a store of an owner that begins to live now.
func young(l Limits) (s *Store, o Origin) {
	s = new(Store)
	s.Init(l, 1)
	s.Tell(7)
	o, _ = s.Add(1, 1, []byte("a"))
	s.SetOwner(o)
	return s, o
}

// denies tells whether the owner leaves a tombstone of a key that it does not have.
func denies(s *Store, o Origin, key string) bool {
	before, v := s.Tombstones(o), s.Max(o)+1
	if !s.Denies(&codec.Entry{Version: v, Key: []byte(key), Flags: codec.EntryTombstone}) {
		panic("the key is there")
	}
	s.Advance(o, v, 0)
	return s.Tombstones(o) > before
}

// TestDenials: a life that is young says of what it does not have that it is deleted, once for each
// key, and never of keys of the engine's own.
func TestDenials(t *testing.T) {
	s, o := young(LimitsDefault())
	if !denies(s, o, "k") || s.SpentDenials() != 0 {
		t.Error("a young life says nothing of what it does not have")
	}
	if denies(s, o, "k") || denies(s, o, "\x00zone") || denies(s, o, codec.SharedPrefix+"x") {
		t.Error("a second tombstone, or one of a reserved key")
	}
	s.Tell(7 + YoungFor - 1)
	if !denies(s, o, "l") {
		t.Error("not to the end of its youth")
	}
	s.Tell(7 + YoungFor)
	if denies(s, o, "m") {
		t.Error("a life that is not young denies")
	}
	if got := s.SpentDenials(); got != 5 {
		t.Errorf("denials up to %d are spent, want 5", got)
	}
}

// TestDenialsTakeNoRoom: denials leave room for all that may be admitted, whatever limit is near,
// and half of the tombstones to what is deleted.
func TestDenialsTakeNoRoom(t *testing.T) {
	for _, l := range []Limits{
		{Origins: 4, Keys: 1 << 12, ValueBytes: 1 << 20, Staged: 1 << 19},
		{Origins: 4, Keys: 1 << 12, ValueBytes: 1 << 20, BytesPerOrigin: 1 << 14, Staged: 1 << 13},
		{Origins: 4, Keys: 1 << 12, ValueBytes: 1 << 20, Tombstones: 64},
	} {
		s, o := young(l)
		value, n := make([]byte, 200), 0
		for k := 0; denies(s, o, fmt.Sprint("a key that is not there ", k)); k++ {
			n++
			v := s.Max(o) + 1
			if s.Apply(o, &codec.Entry{Version: v, Key: fmt.Append(nil, "key ", k), Value: value}) != OK {
				t.Fatalf("%+v: a write finds no room", l)
			}
			s.Advance(o, v, 0)
		}
		m := s.Admits(o)
		if n < 10 || m.Bytes < l.Staged-1000 || m.Owned < l.Staged-1000 || s.Tombstones(o) > s.TombstoneShare()/2 {
			t.Errorf("%+v: after %d denials %+v is left, %d tombstones of %d", l, n, m, s.Tombstones(o), s.TombstoneShare())
		}
	}
}
