package content

import "testing"

// Short values need none of the room of contents, have some of their own, and give it back.
func TestShortValuesHaveTheirOwnRoom(t *testing.T) {
	released := 0
	var x Table
	x.Init(Limits{Bytes: 100, Each: -1, Keep: keep}, 7, func([]byte) { released++ })
	add := func(n, of int) bool { return x.AddShort(&Sum{byte(n), byte(n >> 8)}, make([]byte, of), 0) }
	taken := 0
	for add(taken, 1000) {
		taken++
	}
	if want := (shortLeast + 100/16) / 1000; taken != want {
		t.Errorf("%d are taken, want %d", taken, want)
	}
	if !add(0, 1000) || released != 1 {
		t.Error("one that is here needs room")
	}
	if s := x.Stats(); s.Bytes != 0 || s.Here != taken {
		t.Errorf("%+v", s)
	}
	for n := range taken {
		x.Refer(&Entry{Origin: 3, Key: []byte{byte(n)}, Version: uint64(n + 1), Sum: Sum{byte(n)}, Length: 1000}, 0)
	}
	for range 3 {
		x.Sweep(2*keep, 1000, func(*Ref) bool { return false })
	}
	x.Sweep(5*keep, 1000, all)
	if s := x.Stats(); s != (Stats{}) || x.short != 0 || released != taken+1 {
		t.Errorf("%+v, %d bytes of short ones, %d released of %d", s, x.short, released, taken+1)
	}
}
