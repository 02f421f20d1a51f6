package state

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

var churnWrites = flag.Int("churn.writes", 1_000_000, "writes of the churn test; a tenth as many keys come and go")

// TestChurnEndsWhereItBegan: keys come, are overwritten, are deleted or end, all of them distinct,
// in a store whose limits are twice what lives. Nothing is refused, memory does not grow, and what
// is left is what a model has.
func TestChurnEndsWhereItBegan(t *testing.T) {
	const live, batch = 2000, 500
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var s Store
	s.Init(Limits{Origins: 4, Keys: 2 * live, Tombstones: live, ValueBytes: 2 * live * CellBytes(12+32, codec.EntryTTL)}, seed)
	o, _ := s.Add(1, 1, []byte("owner"))
	s.SetOwner(o)
	var keys [live]uint64 // that live: the model
	var key [12]byte
	value := make([]byte, 32)
	next, version, deletes, flat := uint64(0), uint64(0), 0, 0
	put := func(k uint64, flags codec.EntryFlags) {
		binary.LittleEndian.PutUint64(key[:], k)
		version++
		e := codec.Entry{Version: version, Key: key[:], Flags: flags}
		if flags&codec.EntryTTL != 0 {
			e.TTL = 1000
		}
		if flags&codec.EntryTombstone == 0 {
			e.Value = value[:8+rng.IntN(24)]
			binary.LittleEndian.PutUint64(e.Value, k^version)
		}
		if st := s.Apply(o, &e); st != OK {
			t.Fatalf("write %d: %v; %+v", version, st, s.Stats())
		}
	}
	for i := range keys {
		keys[i] = next
		put(next, 0)
		next++
	}
	for n := range *churnWrites {
		i := rng.IntN(live)
		if n%10 == 0 { // it ends, and another one comes
			put(keys[i], codec.EntryTombstone)
			keys[i] = next
			next++
			deletes++
		}
		put(keys[i], codec.EntryTTL*codec.EntryFlags(keys[i]&1))
		if n%batch == 0 {
			s.Advance(o, version, s.Floor(o))
			s.Collect(o, version)
			s.Tidy(64)
		}
		if n == *churnWrites/4 {
			flat = s.Footprint()
		}
	}
	s.Advance(o, version, s.Floor(o))
	s.Collect(o, version)
	for s.Tidy(1 << 16) {
	}
	st := s.Stats()
	t.Logf("%d writes, %d deletes: %d bytes mapped, %d at a quarter", version, deletes, st.Footprint, flat)
	if st.LiveKeys != live || st.Entries != live || s.Tombstones(o) != 0 || st.Footprint > flat+flat/20 {
		t.Errorf("%+v, footprint %d at a quarter", st, flat)
	}
	var e codec.Entry
	for _, k := range keys {
		binary.LittleEndian.PutUint64(key[:], k)
		if !s.Get(o, key[:], &e) || binary.LittleEndian.Uint64(e.Value) != k^e.Version {
			t.Fatalf("key %d: %+v", k, e)
		}
	}
	checkLog(t, &s, o)
}
