package state

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestAmendKeepsThePlace: what is written again above Max is found under its first version, in the
// order of the first versions, with its newest bytes; what was published is left to Apply.
func TestAmendKeepsThePlace(t *testing.T) {
	var s Store
	s.Init(Limits{Origins: 2, Keys: 1000, ValueBytes: 1 << 20}, 1)
	o, _ := s.Add(1, 1, []byte("o"))
	for v := range uint64(300) {
		s.Apply(o, &codec.Entry{Version: v + 1, Key: fmt.Append(nil, v+1)})
	}
	s.Advance(o, 100, 0)
	for v := range uint64(300) {
		e := codec.Entry{Version: 1000 + v, Key: fmt.Append(nil, v+1), Value: make([]byte, v)}
		want := OK
		if v < 100 {
			want = Old
		}
		if v%7 == 0 {
			e.Flags, e.Value = codec.EntryTombstone, nil
		}
		if status := s.Amend(o, &e); status != want || want == OK && e.Version != v+1 {
			t.Fatalf("key %d: %v, version %d", v+1, status, e.Version)
		}
	}
	var c Cursor
	var e codec.Entry
	v := uint64(0)
	for s.After(o, 0, &c); c.Next(&e); {
		if v++; e.Version != v || v > 100 && (v-1)%7 != 0 && len(e.Value) != int(v-1) {
			t.Fatalf("entry %d has version %d and %d bytes", v, e.Version, len(e.Value))
		}
	}
	if v != 300 || s.Stats().Entries != 300 || s.Tombstones(o) != 28 {
		t.Errorf("%d entries, %+v, %d tombstones", v, s.Stats(), s.Tombstones(o))
	}
	checkLog(t, &s, o)
}

// TestKinded: that an entry is more than a key and its value is known by whatever way it came, and
// stays known.
func TestKinded(t *testing.T) {
	plain := codec.Entry{Version: 1, Key: []byte("k")}
	kinded := codec.Entry{Version: 2, Key: []byte("k"), Flags: codec.EntryKinded, Kind: codec.KindContent}
	ways := map[string]func(s *Store, o Origin, e codec.Entry){
		"apply": func(s *Store, o Origin, e codec.Entry) { s.Apply(o, &e) },
		"amend": func(s *Store, o Origin, e codec.Entry) {
			s.Apply(o, &codec.Entry{Version: 2, Key: e.Key})
			e.Version = 3
			s.Amend(o, &e)
		},
	}
	for way, do := range ways {
		var s Store
		s.Init(Limits{Origins: 2, Keys: 1000, ValueBytes: 1 << 20}, 1)
		o, _ := s.Add(1, 1, []byte("o"))
		if s.Apply(o, &plain); s.Kinded() {
			t.Errorf("%s: nothing of a kind is here", way)
		}
		if do(&s, o, kinded); !s.Kinded() {
			t.Errorf("%s: it is not known", way)
		}
		if s.Apply(o, &codec.Entry{Version: 9, Key: kinded.Key}); !s.Kinded() {
			t.Errorf("%s: it is forgotten", way)
		}
	}
}
