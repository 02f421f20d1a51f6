package state

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestBulk overwrites many keys at random, so that logs have many segments, and compares with a
// map.
func TestBulk(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := new(Store)
	s.Init(Limits{Origins: 4, Keys: 1 << 16, ValueBytes: 16 << 20}, seed)
	o, _ := s.Add(7, 1, []byte("bulk"))
	newest := map[uint32]uint64{}
	var key [4]byte
	version := uint64(0)
	for round := range 12 {
		for range 20000 {
			k := rnd.Uint32N(12000)
			if round >= 6 { // most overwrites on few keys
				k = min(k, rnd.Uint32N(12000), rnd.Uint32N(12000))
			}
			binary.LittleEndian.PutUint32(key[:], k)
			version++
			if status := s.Apply(o, &codec.Entry{Version: version, Key: key[:], Value: key[:k%4]}); status != OK {
				t.Fatalf("seed %d: %v", seed, status)
			}
			newest[k] = version
		}
		s.Advance(o, version, 0)
		checkLog(t, s, o)
		var c Cursor
		var e codec.Entry
		n, from := 0, uint64(0)
		for s.After(o, 0, &c); c.Next(&e); n++ {
			if e.Version <= from || newest[binary.LittleEndian.Uint32(e.Key)] != e.Version {
				t.Fatalf("seed %d: entry %+v", seed, e)
			}
			from = e.Version
		}
		if n != len(newest) || s.Entries(o) != n {
			t.Fatalf("seed %d: %d entries of %d", seed, n, len(newest))
		}
		for range 100 {
			v := rnd.Uint64N(version)
			s.After(o, v, &c)
			if c.Next(&e) && e.Version <= v {
				t.Fatalf("seed %d: version %d after %d", seed, e.Version, v)
			}
		}
	}
	stats := s.Stats()
	if stats.Merged == 0 || stats.LogBytes > 8*3*len(newest) {
		t.Fatalf("seed %d: no compaction: %+v", seed, stats)
	}
	used := s.cells.used
	s.Remove(o)
	for s.Tidy(100) {
	}
	after := s.Stats()
	if after.Entries != 0 || after.LogBytes != 0 || s.cells.used != 0 || s.keys.live != 0 || after.Footprint > stats.Footprint {
		t.Fatalf("seed %d: left behind: %+v, cells %d before", seed, after, used)
	}
}

func TestIndexGrows(t *testing.T) {
	var x index
	x.init(1 << 17)
	rnd := rand.New(rand.NewPCG(1, 2))
	frags := make([]uint32, 100000)
	for i := range frags {
		frags[i] = rnd.Uint32()
		x.reserve(frags[i])
		x.insert(frags[i], uint32(i+1))
	}
	for i, frag := range frags {
		if !x.has(frag, uint32(i+1)) {
			t.Fatalf("lost %d", i)
		}
		if i%3 == 0 {
			x.remove(frag, uint32(i+1))
		}
	}
	for i, frag := range frags {
		if x.has(frag, uint32(i+1)) != (i%3 != 0) {
			t.Fatalf("%d after removal", i)
		}
	}
	load := float64(8*100000) / float64(x.bytes)
	if load < 0.6 {
		t.Errorf("load %.2f", load)
	}
	for range 300000 { // churn: deleted words do not pile up
		i := rnd.IntN(len(frags))
		if x.has(frags[i], uint32(i+1)) {
			x.remove(frags[i], uint32(i+1))
		}
		frags[i] = rnd.Uint32()
		x.reserve(frags[i])
		x.insert(frags[i], uint32(i+1))
	}
	if x.bytes > 8*100000*2 {
		t.Errorf("%d bytes after churn", x.bytes)
	}
}

func (x *index) has(frag, ref uint32) bool {
	t := x.table(frag)
	for i := t.home(frag); ; i++ {
		at, found := t.next(i, frag)
		if found == 0 || found == ref {
			return found == ref
		}
		i = at
	}
}

// TestIndexOfEqualFingerprints: the worst that a flood could do costs time, not correctness.
func TestIndexOfEqualFingerprints(t *testing.T) {
	var x index
	x.init(1 << 17)
	for i := range uint32(5000) {
		x.reserve(0xabcdef01)
		x.insert(0xabcdef01, i+1)
	}
	for i := range uint32(5000) {
		if !x.has(0xabcdef01, i+1) {
			t.Fatalf("lost %d", i)
		}
	}
}

func TestSizes(t *testing.T) {
	f := func(name string, v any, want uintptr) {
		if got := reflect.TypeOf(v).Size(); got != want {
			t.Errorf("%s has %d bytes, the documentation says %d", name, got, want)
		}
	}
	f("origin", origin{}, originBytes)
	f("page", cellPage{}, cellPageMetaBytes-8)
	if size := int(reflect.TypeOf(Store{}).Size()); size > storeBytes {
		t.Errorf("store has %d bytes, the footprint counts %d", size, storeBytes)
	}
}
