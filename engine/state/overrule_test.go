package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestOverruleLeavesWhatTheOwnerHolds: under versions of an owner's somebody wrote other keys, some
// of which were overwritten since. Once what the owner holds has come from itself, in any order and
// twice, nothing else is here, what was right was never touched, and the fingerprint and the sum
// are the owner's.
func TestOverruleLeavesWhatTheOwnerHolds(t *testing.T) {
	seed := rand.Uint64()
	for i := range uint64(200) {
		overruled(t, seed+i)
		if t.Failed() {
			t.Fatalf("seed %d", seed+i)
		}
	}
}

func overruled(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	x := &healPair{}
	for _, s := range []*Store{&x.owner, &x.replica} {
		s.Init(Limits{Origins: 4, Keys: 200, Tombstones: 200, ValueBytes: 1 << 16}, 1)
		s.PrintKeys()
	}
	x.o, _ = x.owner.Add(1, 1, []byte("owner"))
	x.p, _ = x.replica.Add(1, 1, []byte("owner"))
	writes := uint64(20 + r.IntN(200))
	key := func(k int) []byte { // some are reserved, so that what is forged has its place among them
		if k%6 == 0 {
			return fmt.Appendf(nil, "\x00k%d", k)
		}
		return fmt.Appendf(nil, "k%d", k)
	}
	list := make([]codec.Entry, writes+1)
	newest := map[string]uint64{}
	for v := uint64(1); v <= writes; v++ {
		e := codec.Entry{Version: v, Key: key(r.IntN(40)), Value: fmt.Append(nil, "true ", v)}
		if r.IntN(5) == 0 {
			e.Flags, e.Value = codec.EntryTombstone, nil
		}
		list[v] = e
		newest[string(e.Key)] = v
		x.owner.Apply(x.o, &e)
	}
	x.owner.Advance(x.o, writes, 0)
	forged := 0
	for v := uint64(1); v <= writes; v++ {
		e := list[v]
		if newest[string(e.Key)] == v && r.IntN(6) == 0 {
			e = codec.Entry{Version: v, Key: key(r.IntN(44)), Value: []byte("forged")}
			forged++
		}
		x.replica.ApplyAny(x.p, &e)
	}
	x.replica.Advance(x.p, writes, 0)
	x.replica.Sum(x.p, &Budget{Words: 1 << 20})
	evicted := 0
	for range 2 {
		for _, v := range r.Perm(int(writes)) {
			e := &list[v+1]
			if newest[string(e.Key)] != e.Version {
				continue
			}
			if _, was := x.replica.Overrule(x.p, e); was == Alien {
				evicted++
			}
		}
	}
	checkAccounts(t, &x.replica)
	ours, _ := x.replica.Sum(x.p, &Budget{Words: 1 << 20})
	theirs, _ := x.owner.Sum(x.o, &Budget{Words: 1 << 20})
	if ours != theirs || x.replica.KeyPrint() != x.owner.KeyPrint() || x.replica.KeyPrint() != x.replica.RecomputeKeys() || evicted > forged {
		t.Errorf("sums %x, %x; prints %x, %x, %x; %d forged, %d evicted", ours, theirs,
			x.replica.KeyPrint(), x.owner.KeyPrint(), x.replica.RecomputeKeys(), forged, evicted)
	}
}
