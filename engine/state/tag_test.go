package state

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A tag names one origin and never the next one that has its handle.
func TestTagOutlivesNoOrigin(t *testing.T) {
	var s Store
	s.Init(Limits{Origins: 4, Keys: 100, ValueBytes: 1 << 20}, 1)
	a, _ := s.Add(7, 1, []byte("n"))
	tag := s.Tag(a)
	s.Apply(a, &codec.Entry{Version: 1, Key: []byte("k"), Flags: codec.EntryKinded, Kind: 200})
	s.Advance(a, 1, 0)
	if _, meta, ok := s.AppendGet(nil, []byte("n"), []byte("k")); !ok || meta.Tag != tag || meta.Kind != 200 {
		t.Errorf("%+v, want tag %d and kind 200", meta, tag)
	}
	s.Rename(a, 8, 2)
	if s.Tagged(tag) != a {
		t.Error("a new life of the same origin has another tag")
	}
	s.Remove(a)
	if s.Tagged(tag) != 0 {
		t.Error("the tag of an origin that is gone")
	}
	b, _ := s.Add(9, 1, []byte("m"))
	if s.Tagged(tag) != 0 || s.Tagged(s.Tag(b)) != b {
		t.Error("a tag names another origin")
	}
}
