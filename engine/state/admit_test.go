package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// full is a store that others have filled with values of one size.
func full(t *testing.T, l Limits, size int) (s *Store, o Origin, keys int) {
	t.Helper()
	s = new(Store)
	s.Init(l, 1)
	o, _ = s.Add(1, 1, []byte("greedy"))
	for ; ; keys++ {
		e := codec.Entry{Version: s.Last(o) + 1, Key: fmt.Appendf(nil, "key/%d", keys), Value: make([]byte, size)}
		switch status := s.Apply(o, &e); status {
		case OK:
		case Full, TooMany:
			return s, o, keys
		default:
			t.Fatal(status)
		}
	}
}

// TestShrinkingNeedsNoRoom: in a full store every delete and every overwrite that is not larger is
// taken, in any order, and afterwards there is room for as much as before.
func TestShrinkingNeedsNoRoom(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, l := range []Limits{
		{Origins: 4, Keys: 100000, ValueBytes: 1 << 20}, {Origins: 4, Keys: 100000, ValueBytes: 4 << 10}, {Origins: 4, Keys: 3000, ValueBytes: 64 << 20},
	} {
		for _, size := range []int{0, 1, 100, 700} {
			s, o, keys := full(t, l, size)
			for _, k := range rnd.Perm(keys) {
				e := codec.Entry{Version: s.Last(o) + 1, Key: fmt.Appendf(nil, "key/%d", k), Value: make([]byte, rnd.IntN(size+1))}
				if status := s.Apply(o, &e); status != OK {
					t.Fatalf("seed %d, %+v, %d keys of %d bytes: made smaller: %v", seed, l, keys, size, status)
				}
				if rnd.IntN(2) == 0 {
					continue
				}
				e = codec.Entry{Version: s.Last(o) + 1, Key: e.Key, Flags: codec.EntryTombstone}
				if status := s.Apply(o, &e); status != OK {
					t.Fatalf("seed %d, %+v, %d keys of %d bytes: deleted: %v", seed, l, keys, size, status)
				}
			}
		}
	}
}

// TestWhatIsAdmittedFits: an owner that writes what Admits leaves room for is never refused,
// whatever sizes came before.
func TestWhatIsAdmittedFits(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, bytes := range []int{16 << 10, 64 << 10, 1 << 20, 4 << 20} {
		var s Store
		s.Init(Limits{Origins: 4, Keys: 1 << 16, Tombstones: 64, ValueBytes: bytes}, seed)
		o, _ := s.Add(1, 1, []byte("owner"))
		s.SetOwner(o)
		sizes, refused := map[int]int{}, 0 // cell bytes by key
		for phase := range 24 {
			most := 1 + rnd.IntN(700)
			for range max(2000, bytes/100) {
				k := rnd.IntN(max(100, bytes/(20+most/2)))
				e := codec.Entry{Version: s.Last(o) + 1, Key: fmt.Appendf(nil, "%d", k), Value: make([]byte, rnd.IntN(most))}
				if rnd.IntN(4) == 0 {
					e.Value = nil
				}
				cell := CellBytes(len(e.Key)+len(e.Value), 0)
				if more := cell - sizes[k]; more > 0 && more > s.Admits(o).Bytes {
					refused++
					continue
				}
				if status := s.Apply(o, &e); status != OK {
					t.Fatalf("seed %d, %d bytes, phase %d: %v with %d left and %d pages: %+v", seed, bytes, phase, status, s.Admits(o).Bytes, s.cells.spare(), s.Stats())
				}
				sizes[k] = cell
			}
		}
		if refused == 0 {
			t.Errorf("seed %d, %d bytes: the limit was not reached", seed, bytes)
		}
	}
}

// TestNobodyLocksOthersOut: whoever takes all that the limits allow leaves each other origin a
// share.
func TestNobodyLocksOthersOut(t *testing.T) {
	l := Limits{Origins: 8, Keys: 1600, ValueBytes: 1 << 20}
	for _, size := range []int{10, 700} {
		s, greedy, keys := full(t, l, size)
		if m := s.Admits(greedy); m.Keys > 0 && m.Bytes > CellBytes(size, 0) {
			t.Errorf("size %d: after %d keys the greedy one is still told %+v", size, keys, m)
		}
		for i := range 4 {
			o, status := s.Add(codec.OriginID(10+i), 1, fmt.Appendf(nil, "modest-%d", i))
			if status != OK {
				t.Fatal(status)
			}
			for k := range 10 {
				e := codec.Entry{Version: uint64(k + 1), Key: fmt.Appendf(nil, "%d", k), Value: make([]byte, size)}
				if m := s.Admits(o); m.Keys < 1 || m.Bytes < CellBytes(len(e.Key)+size, 0) {
					t.Fatalf("size %d: origin %d is told %+v for its key %d", size, i, m, k)
				}
				if status := s.Apply(o, &e); status != OK {
					t.Fatalf("size %d: origin %d, key %d: %v", size, i, k, status)
				}
			}
		}
	}
}

// TestKeysAreLiveKeys: deleted keys are remembered beside Limits.Keys, up to twice what
// both limits allow together.
func TestKeysAreLiveKeys(t *testing.T) {
	var s Store
	s.Init(Limits{Origins: 4, Keys: 100, Tombstones: 80, ValueBytes: 1 << 20}, 1)
	o, _ := s.Add(1, 1, []byte("o"))
	v := uint64(0)
	write := func(key string, flags codec.EntryFlags) Status {
		v++
		return s.Apply(o, &codec.Entry{Version: v, Key: []byte(key), Flags: flags})
	}
	if m := s.Admits(o); m.Keys != 100 {
		t.Errorf("an empty store admits %d keys", m.Keys)
	}
	for k := range 100 {
		if status := write(fmt.Sprint("live/", k), 0); status != OK {
			t.Fatalf("key %d: %v", k, status)
		}
	}
	for k := range 2*(100+80) - 100 + 6 { // of keys that never came here
		if status := write(fmt.Sprint("gone/", k), codec.EntryTombstone); status != OK {
			t.Fatalf("tombstone %d: %v", k, status)
		}
	}
	if status := write("one more", codec.EntryTombstone); status != TooMany {
		t.Errorf("a tombstone above all limits: %v", status)
	}
	for k := range 100 {
		if status := write(fmt.Sprint("live/", k), codec.EntryTombstone); status != OK {
			t.Fatalf("delete %d: %v", k, status)
		}
	}
	for k := range 50 {
		if status := write(fmt.Sprint("live/", k), 0); status != OK {
			t.Fatalf("again %d: %v", k, status)
		}
	}
}

// TestReservedKeysHaveRoom: the engine's own keys are written where others left no room, and are
// bounded.
func TestReservedKeysHaveRoom(t *testing.T) {
	for _, size := range []int{10, 700} {
		s, o, _ := full(t, Limits{Origins: 4, Keys: 100, ValueBytes: 64 << 10}, size)
		n := 0
		for ; ; n++ {
			e := codec.Entry{Version: s.Last(o) + 1, Key: fmt.Appendf(nil, "\x00tag/%d", n), Value: make([]byte, 8)}
			if s.Apply(o, &e) != OK {
				break
			}
		}
		if n < 16 || n > SystemMax {
			t.Errorf("values of %d: %d reserved keys fit", size, n)
		}
	}
}

// TestLimitsCanBeRaised: a store that is full takes more at once when its limits are raised.
func TestLimitsCanBeRaised(t *testing.T) {
	l := Limits{Origins: 4, Keys: 1000, ValueBytes: 256 << 10}
	for _, size := range []int{10, 700} {
		s, o, keys := full(t, l, size)
		s.SetLimits(Limits{Keys: 4000, ValueBytes: 1 << 20})
		more := 0
		for ; ; more++ {
			e := codec.Entry{Version: s.Last(o) + 1, Key: fmt.Appendf(nil, "more/%d", more), Value: make([]byte, size)}
			if s.Apply(o, &e) != OK {
				break
			}
		}
		if more < 5*keys/2 {
			t.Errorf("values of %d: %d keys, and after four times the limits %d more", size, keys, more)
		}
	}
}

// TestPagesServeAnySize: where small values left each page a few cells, those move together, and
// the pages serve large values. Readers meanwhile see each key.
func TestPagesServeAnySize(t *testing.T) {
	pagesServeAnySize(t, rand.Uint64())
	pagesServeAnySize(t, 3045860944290548092) // a page was empty an attempt too late
}

func pagesServeAnySize(t *testing.T, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 0))
	var s Store
	s.Init(Limits{Origins: 4, Keys: 1 << 20, Tombstones: 64, ValueBytes: 4 << 20}, seed)
	o, _ := s.Add(1, 1, []byte("owner"))
	s.SetOwner(o)
	write := func(key string, size int) {
		e := codec.Entry{Version: s.Last(o) + 1, Key: []byte(key), Value: make([]byte, size)}
		if status := s.Apply(o, &e); status != OK {
			t.Fatalf("seed %d: %q with %d bytes: %v: %+v", seed, key, size, status, s.Stats())
		}
	}
	keys := 0
	for ; s.Admits(o).Bytes >= CellBytes(30, 0); keys++ {
		write(fmt.Sprint(keys), 20)
	}
	for _, k := range rnd.Perm(keys)[:keys*9/10] {
		write(fmt.Sprint(k), 0)
	}
	large := 0
	for ; s.Admits(o).Bytes >= CellBytes(720, 0); large++ {
		write(fmt.Sprint("large/", large), 700)
	}
	s.Advance(o, s.Last(o), 0)
	n := 0
	s.Range([]byte("owner"), func(key, _ []byte, _ Meta) bool {
		if _, _, ok := s.AppendGet(nil, []byte("owner"), key); !ok {
			t.Fatalf("seed %d: %q is lost", seed, key)
		}
		n++
		return true
	})
	if n != keys+large || s.Stats().Cells == 0 {
		t.Errorf("seed %d: %d keys of %d, %d cells moved", seed, n, keys+large, s.Stats().Cells)
	}
	checkLog(t, &s, o)
}
