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
	s.Echo(was, false)
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

// TestEchoesOfOneBootEndWhenAllIsHere: a member that takes a new life goes on with all that it has.
// Once all of that is here, readers find nothing else: what the former life had beside was made up.
// Of a life of another boot they find the rest as before.
func TestEchoesOfOneBootEndWhenAllIsHere(t *testing.T) {
	for _, boots := range [][]bool{{true}, {true, true}, {false}, {true, false}, {false, true}} {
		s := new(Store)
		s.Init(LimitsDefault(), 1)
		s.Tell(1)
		o, _ := s.Add(1, 1, []byte("a"))
		s.Apply(o, &codec.Entry{Version: 1, Key: []byte("k"), Value: []byte("made up")})
		s.Apply(o, &codec.Entry{Version: 2, Key: []byte("other"), Value: []byte("v")})
		s.Advance(o, 2, 0)
		want := "other "
		for i, same := range boots {
			s.Echo(o, same)
			s.Remove(o)
			o, _ = s.Add(codec.OriginID(2+i), uint64(2+i), []byte("a"))
			if !same {
				want = "k other "
			}
		}
		rest := func() {
			for range 100 {
				s.Tidy(1 << 10)
			}
		}
		rest()
		s.Apply(o, &codec.Entry{Version: 3, Key: []byte("other"), Value: []byte("v")})
		s.Advance(o, 3, 0)
		s.Prove(o, 2)
		rest()
		if got := shows(t, s); got != "k other " {
			t.Errorf("%v, with a part of the new life: %q", boots, got)
		}
		s.Prove(o, 3)
		rest()
		if got := shows(t, s); got != want {
			t.Errorf("%v, with all of the new life: %q, want %q", boots, got, want)
		}
	}
}
