package state

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// successor makes a store that has a life of a member, and shows what the life before wrote under
// "k" and "other".
func successor(t *testing.T) (s *Store, o Origin) {
	t.Helper()
	s = new(Store)
	s.Init(LimitsDefault(), 1)
	s.Tell(1)
	was, _ := s.Add(1, 1, []byte("a"))
	for i, key := range []string{"k", "other"} {
		if st := s.Apply(was, &codec.Entry{Version: uint64(i + 1), Key: []byte(key), Value: []byte("former")}); st != OK {
			t.Fatal(st)
		}
	}
	s.Advance(was, 2, 0)
	s.Echo(was)
	s.Remove(was)
	o, _ = s.Add(2, 2, []byte("a"))
	return s, o
}

// shows are the keys that readers find, one by one and in a walk.
func shows(t *testing.T, s *Store) (keys string) {
	t.Helper()
	walked := ""
	s.Range([]byte("a"), func(key, _ []byte, _ Meta) bool { walked += string(key) + " "; return true })
	for _, key := range []string{"k", "other"} {
		if _, _, ok := s.AppendGet(nil, []byte("a"), []byte(key)); ok {
			keys += key + " "
		}
	}
	if walked != keys {
		t.Errorf("a walk finds %q, reads find %q", walked, keys)
	}
	return keys
}

// TestFormerLivesStaySilent: of what the present life has said something, nothing of a former life
// is shown ever again, whatever becomes of what was said: collected as a tombstone, or dropped
// because the owner does not have it.
func TestFormerLivesStaySilent(t *testing.T) {
	s, o := successor(t)
	if got := shows(t, s); got != "k other " {
		t.Fatalf("before: %q", got)
	}
	s.Apply(o, &codec.Entry{Version: 3, Key: []byte("k"), Flags: codec.EntryTombstone})
	s.Advance(o, 3, 3)
	for s.Clear(1 << 10) {
	}
	if s.Tombstones(o) != 0 {
		t.Fatal("the tombstone is still there")
	}
	if got := shows(t, s); got != "other " {
		t.Errorf("after its delete was collected readers find %q", got)
	}
	s.Apply(o, &codec.Entry{Version: 4, Key: []byte("other"), Value: []byte("v")})
	s.Advance(o, 9, 9)
	if m := s.Mend(o, &codec.Interval{From: 0, To: 9}, &Budget{Words: 100, Drops: 9}); m.Removed != 1 {
		t.Fatalf("%+v", m)
	}
	if got := shows(t, s); got != "" {
		t.Errorf("after a key was mended readers find %q", got)
	}
	for now := int64(2); s.Tidy(1<<10) || now < 4*echoFor; now += echoFor {
		s.Tell(now)
	}
	if s.held != 0 || s.entries != 0 {
		t.Errorf("%d bytes of cells and %d entries are left", s.held, s.entries)
	}
}
