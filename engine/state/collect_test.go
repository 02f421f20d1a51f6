package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestDeletesEnd: keys of ever new names, written and deleted, in an owner and in a replica that
// takes its runs, with limits of twice the live set. Neither is ever full, and their memory is
// flat.
func TestDeletesEnd(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	const live = 2000
	rounds := 400000
	if testing.Short() {
		rounds = 40000
	}
	var owner, replica Store
	var o, p Origin
	for _, x := range []struct {
		s *Store
		o *Origin
	}{{&owner, &o}, {&replica, &p}} {
		x.s.Init(Limits{Origins: 4, Keys: 2 * live, ValueBytes: 2 * live * 100}, seed)
		*x.o, _ = x.s.Add(1, 1, []byte("owner"))
	}
	owner.SetOwner(o)
	var w codec.RunWriter
	var run codec.Run
	var it codec.RunIter
	v, first, footprint := uint64(0), 0, 0
	for k := range rounds {
		write := func(key int, flags codec.EntryFlags) {
			v++
			e := codec.Entry{Version: v, Key: fmt.Appendf(nil, "session/%d", key), Flags: flags}
			if flags == 0 {
				e.Value = make([]byte, rnd.IntN(60))
			}
			if status := owner.Apply(o, &e); status != OK {
				t.Fatalf("seed %d, key %d: %v: %+v", seed, k, status, owner.Stats())
			}
		}
		if write(k, 0); k-first >= live {
			write(first, codec.EntryTombstone)
			first++
		}
		if k%10 == 0 {
			owner.Advance(o, v, owner.Floor(o))
			relay(t, &owner, o, &replica, p, &w, &run, &it)
			owner.Collect(o, replica.Max(p)) // it has acknowledged so much
		}
		if k == rounds/2 {
			footprint = owner.Footprint()
		}
	}
	for range 1000 {
		owner.Advance(o, v, owner.Floor(o))
		owner.Collect(o, replica.Max(p))
		owner.Tidy(1000)
		relay(t, &owner, o, &replica, p, &w, &run, &it)
		replica.Tidy(1000)
	}
	if n, m := owner.Tombstones(o), replica.Tombstones(p); n != 0 || m != 0 {
		t.Errorf("seed %d: %d and %d tombstones left", seed, n, m)
	}
	if a, b := owner.Stats(), replica.Stats(); a.LiveKeys != live || b.LiveKeys != live || a.Entries != live || owner.Fingerprint() != replica.Fingerprint() || replica.Dirty(p) {
		t.Errorf("seed %d: owner %+v, replica %+v", seed, a, b)
	}
	if is := owner.Footprint(); is > footprint+footprint/20 {
		t.Errorf("seed %d: footprint %d, half way %d", seed, is, footprint)
	}
	checkLog(t, &owner, o)
	checkLog(t, &replica, p)
}

// relay brings a replica up to what another has, in one run.
func relay(t *testing.T, from *Store, o Origin, to *Store, p Origin, w *codec.RunWriter, run *codec.Run, it *codec.RunIter) {
	t.Helper()
	head := codec.RunHead{ID: from.ID(o), From: to.Max(p), Floor: from.Floor(o), Max: from.Max(o), Dirty: from.Dirty(o)}
	if !w.Begin(nil, codec.RecordBodyMax, head) {
		t.Fatal("no room for a run")
	}
	var c Cursor
	var e codec.Entry
	top := from.Max(o)
	for from.After(o, head.From, &c); c.Next(&e) && e.Version <= top; {
		if !w.Entry(&e) {
			top = w.Last()
			break
		}
	}
	_, body, _ := codec.NextRecord(w.End(top))
	if err := codec.ParseRun(body, run); err != nil {
		t.Fatal(err)
	}
	if a := to.ApplyRun(p, run, it); a.Status != OK {
		t.Fatalf("%+v", a)
	}
}

// TestSleeperIsDirty: a replica that slept below the floor says that it may hold what was deleted,
// and so does whoever was fed by it; a blank one that the owner fed does not. What the owner holds,
// compared, makes them clean.
func TestSleeperIsDirty(t *testing.T) {
	var owner, sleeper, blank, fed Store
	var w codec.RunWriter
	var run codec.Run
	var it codec.RunIter
	handles := map[*Store]Origin{}
	for _, s := range []*Store{&owner, &sleeper, &blank, &fed} {
		s.Init(Limits{Origins: 4, Keys: 100, ValueBytes: 1 << 20}, 1)
		handles[s], _ = s.Add(1, 1, []byte("owner"))
	}
	o := handles[&owner]
	for v := range uint64(10) {
		owner.Apply(o, &codec.Entry{Version: v + 1, Key: fmt.Append(nil, v)})
	}
	owner.Advance(o, 10, 0)
	relay(t, &owner, o, &sleeper, handles[&sleeper], &w, &run, &it)
	owner.Apply(o, &codec.Entry{Version: 11, Key: []byte("3"), Flags: codec.EntryTombstone})
	owner.Apply(o, &codec.Entry{Version: 12, Key: []byte("new")})
	owner.Advance(o, 12, 0)
	owner.Collect(o, 12)
	for owner.Tidy(100) {
	}
	for _, s := range []*Store{&sleeper, &blank} {
		relay(t, &owner, o, s, handles[s], &w, &run, &it)
	}
	if !sleeper.Dirty(handles[&sleeper]) || sleeper.Fingerprint() == owner.Fingerprint() {
		t.Error("the sleeper is clean")
	}
	relay(t, &sleeper, handles[&sleeper], &fed, handles[&fed], &w, &run, &it)
	if !fed.Dirty(handles[&fed]) || fed.Fingerprint() == owner.Fingerprint() {
		t.Error("who was fed by the sleeper alone is clean")
	}
	for _, s := range []*Store{&sleeper, &fed} { // each compares with the owner
		p := handles[s]
		b := Budget{Words: 100, Drops: 10}
		x := owner.Interval(o, &codec.IntervalPull{To: owner.Floor(o), Step: 100}, &b)
		if m := s.Mend(p, &x, &b); m.Removed != 1 || m.To != x.To || s.Lives(p, []byte("3")) || s.Keys(p) != 10 {
			t.Errorf("%+v, %d left", m, s.Keys(p))
		}
		if s.Repaired(p); s.Dirty(p) || s.Fingerprint() != owner.Fingerprint() || s.DirtyOrigins() != 0 {
			t.Error("still not equal")
		}
		checkLog(t, s, p)
	}
	if blank.Dirty(handles[&blank]) || blank.Fingerprint() != owner.Fingerprint() {
		t.Error("the blank one is dirty")
	}
}
