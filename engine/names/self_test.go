package names

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A node that renews is the same name under another identifier, and is in no hurry to
// renew again.
func TestSelfRenews(t *testing.T) {
	key, name := [2]uint64{1, 2}, []byte("a")
	var s Self
	s.Init(key, name, 7)
	if s.ID != codec.MakeOriginID(key, name, 7) || !s.Renewals.May(0) {
		t.Fatalf("%+v", s)
	}
	s.Renew(5, name, 9)
	if s.Gen != 9 || s.ID != codec.MakeOriginID(key, name, 9) || s.Renewals.May(6) {
		t.Errorf("%+v", s)
	}
}
