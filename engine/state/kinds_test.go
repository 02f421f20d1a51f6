package state

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// teller notes what Kinds is told, and what a reader sees then.
type teller struct {
	s    *Store
	said []string
}

func (t *teller) Kinded(o Origin, was, is *codec.Entry) {
	text := fmt.Sprintf("%s %d", was.Key, was.Version)
	if is != nil {
		text = fmt.Sprintf("%s %d to %d", is.Key, was.Version, is.Version)
		if _, m, _ := t.s.AppendGetOrigin(nil, o, is.Key); m.Version != was.Version {
			text += fmt.Sprintf(", and readers see %d", m.Version)
		}
	}
	t.said = append(t.said, text)
}

// Kinds is told of every entry with a kind that comes, changes or goes, in order and of no other:
// before readers see the one that comes, and after they see what takes the place of one that goes.
func TestKindsAreTold(t *testing.T) {
	s, o := newStore(t, 1)
	k := &teller{s: s}
	s.AttendKinds(k)
	version := uint64(0)
	write := func(key string, flags codec.EntryFlags) {
		t.Helper()
		version++
		e := codec.Entry{Version: version, Key: []byte(key), Value: []byte("v"), Flags: flags}
		if flags&codec.EntryKinded != 0 {
			e.Kind = codec.KindContent
		}
		if flags&codec.EntryTombstone != 0 {
			e.Value = nil
		}
		if st := s.Apply(o, &e); st != OK {
			t.Fatal(st)
		}
	}
	write("a", 0)
	write("b", 0)
	write("a", codec.EntryKinded)
	write("a", codec.EntryKinded)
	write("c", codec.EntryKinded)
	write("a", 0)
	write("a", 0)
	write("c", codec.EntryTombstone)
	want := []string{"a 1 to 3", "a 3 to 4", "c 0 to 5", "a 4 to 6, and readers see 6", "c 5 to 8, and readers see 8"}
	if fmt.Sprint(k.said) != fmt.Sprint(want) {
		t.Errorf("told %q, want %q", k.said, want)
	}
}
