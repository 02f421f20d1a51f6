package state

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// Replicas that know another floor are not equal.
func TestFingerprintCoversTheFloor(t *testing.T) {
	var a, b Store
	for _, s := range []*Store{&a, &b} {
		s.Init(Limits{Origins: 4, Keys: 100, ValueBytes: 1 << 20}, 1)
		o, _ := s.Add(7, 1, []byte("n"))
		s.Apply(o, &codec.Entry{Version: 3, Key: []byte("k")})
		s.Advance(o, 3, 0)
	}
	if a.Fingerprint() != b.Fingerprint() {
		t.Fatal("equal ones differ")
	}
	a.Advance(a.Find(7), 3, 2)
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("floor 2 and floor 0 have one fingerprint")
	}
}

// A run that leaves one version out is a gap.
func TestRunAboveMaxIsAGap(t *testing.T) {
	for from, want := range map[uint64]Status{4: OK, 5: OK, 6: Gap, 7: Gap} {
		var w codec.RunWriter
		w.Begin(nil, 1000, codec.RunHead{ID: 7, From: from})
		var r codec.Run
		if err := codec.ParseRun(w.End(from + 3)[codec.RecordBytes:], &r); err != nil {
			t.Fatal(err)
		}
		var s Store
		s.Init(Limits{Origins: 4, Keys: 100, ValueBytes: 1 << 20}, 1)
		o, _ := s.Add(7, 1, []byte("n"))
		s.Advance(o, 5, 0)
		var it codec.RunIter
		if a := s.ApplyRun(o, &r, &it); a.Status != want {
			t.Errorf("max 5, run from %d: %v, not %v", from, a.Status, want)
		}
	}
}
