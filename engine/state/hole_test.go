package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// offer gives a replica what an owner has after `from`, in runs of a few entries.
func offer(t *testing.T, owner, replica *Store, from uint64) {
	t.Helper()
	var w codec.RunWriter
	var it codec.RunIter
	var c Cursor
	var e codec.Entry
	for o := owner.Find(7); from < owner.Max(o); {
		w.Begin(nil, 400, codec.RunHead{ID: 7, From: from, Max: owner.Max(o)})
		to := owner.Max(o)
		for owner.After(o, from, &c); c.Next(&e); {
			if !w.Entry(&e) {
				to = w.Last()
				break
			}
		}
		_, body, _ := codec.NextRecord(w.End(to))
		var run codec.Run
		if err := codec.ParseRun(body, &run); err != nil {
			t.Fatal(err)
		}
		if a := replica.ApplyRun(replica.Find(7), &run, &it); a.Status == Gap {
			t.Fatalf("a run from %d is a gap, seen is %d", from, replica.Seen(replica.Find(7)))
		}
		from = to
	}
}

// TestHoleKeepsTheRest: a replica that is full holds, of all keys that it has, the newest values;
// it forgets nothing else, says how far it is, and is equal when it has had room for the rest.
func TestHoleKeepsTheRest(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 50 {
		var owner, replica Store
		owner.Init(Limits{Origins: 4, Keys: 1000, ValueBytes: 1 << 20}, 1)
		replica.Init(Limits{Origins: 4, Keys: 100, ValueBytes: 1 << 20, KeysPerOrigin: 60}, 2)
		for _, s := range []*Store{&owner, &replica} {
			s.Add(7, 1, []byte("writer"))
		}
		o, r := owner.Find(7), replica.Find(7)
		newest, v := map[string]uint64{}, uint64(0)
		for range 20 {
			for range 1 + rnd.IntN(60) {
				v++
				e := codec.Entry{Version: v, Key: fmt.Append(nil, "key-", rnd.IntN(150)), Value: make([]byte, rnd.IntN(20))}
				if newest[string(e.Key)] != 0 && rnd.IntN(3) == 0 {
					e.Flags, e.Value = codec.EntryTombstone, nil
				}
				if st := owner.Apply(o, &e); st != OK {
					t.Fatal(st)
				}
				newest[string(e.Key)] = v
			}
			owner.Advance(o, v, 0)
			offer(t, &owner, &replica, replica.Seen(r))
			if seen := replica.Seen(r); seen != v {
				t.Fatalf("seed %d, round %d: seen %d of %d", seed, round, seen, v)
			}
			var e codec.Entry
			for key, version := range newest {
				if replica.Get(r, []byte(key), &e) && e.Flags&codec.EntryTombstone == 0 && e.Version != version {
					t.Fatalf("seed %d, round %d: %s is of version %d, not %d", seed, round, key, e.Version, version)
				}
			}
			full := replica.AppendFullAt(nil, 1000, r)
			if (len(full) > 0) != (replica.Max(r) < v) {
				t.Fatalf("seed %d, round %d: max is %d of %d, and it says %d bytes", seed, round, replica.Max(r), v, len(full))
			}
		}
		replica.SetLimits(Limits{Keys: 400, ValueBytes: 4 << 20})
		for {
			if again, _ := replica.Refill(); again == 0 {
				break
			}
			offer(t, &owner, &replica, replica.Max(r))
		}
		if replica.Fingerprint() != owner.Fingerprint() || replica.Keys(r) != owner.Keys(o) || replica.Holes() != 0 {
			t.Fatalf("seed %d, round %d: %d keys of %d, max %d of %d", seed, round, replica.Keys(r), owner.Keys(o), replica.Max(r), v)
		}
	}
}

// TestHolesAreTold: the record of holes is in the order of identifiers, ends below its limit, and
// has the one that it is for; an origin that is removed has none.
func TestHolesAreTold(t *testing.T) {
	var s Store
	s.Init(Limits{Origins: 100, Keys: 10, ValueBytes: 1 << 20, KeysPerOrigin: 1}, 1)
	var it codec.RunIter
	for id := codec.OriginID(90); id > 0; id-- {
		o, _ := s.Add(id, 1, fmt.Append(nil, id))
		var w codec.RunWriter
		w.Begin(nil, 400, codec.RunHead{ID: id, Max: 3})
		for v := uint64(1); v <= 3; v++ {
			w.Entry(&codec.Entry{Version: v, Key: []byte{byte('a' + v)}})
		}
		_, body, _ := codec.NextRecord(w.End(3))
		var run codec.Run
		if err := codec.ParseRun(body, &run); err != nil {
			t.Fatal(err)
		}
		s.ApplyRun(o, &run, &it)
	}
	if s.Holes() != holesMax {
		t.Fatalf("%d holes", s.Holes())
	}
	for limit := range 2000 {
		b := s.AppendFullAt(nil, limit, s.Find(80))
		if len(b) > limit {
			t.Fatalf("%d bytes, limit %d", len(b), limit)
		}
		if len(b) == 0 {
			continue
		}
		_, body, _ := codec.NextRecord(b)
		l, err := codec.ParseFullAts(body)
		if err != nil || l.Through(80) != 3 {
			t.Fatalf("limit %d: %v, through %d", limit, err, l.Through(80))
		}
	}
	s.Remove(s.Find(80))
	if s.Holes() != holesMax-1 {
		t.Error("a removed origin has a hole")
	}
}

// TestAHoleIsTriedEverMoreRarely: an owner that goes on about its limits, a key out and two in, leaves
// room again and again that is not enough. Its log is not had once more each time: the first time
// after holePause, then after twice that, and so on, up to once in holePauseMost.
func TestAHoleIsTriedEverMoreRarely(t *testing.T) {
	const hour, step = 3600 * holePause, holePause / 10
	var owner, replica Store
	owner.Init(Limits{Origins: 4, Keys: 1 << 16, Tombstones: 1 << 16, ValueBytes: 64 << 20}, 1)
	replica.Init(Limits{Origins: 4, Keys: 64, Tombstones: 1 << 16, ValueBytes: 1 << 20, KeysPerOrigin: 60}, 2)
	for _, s := range []*Store{&owner, &replica} {
		s.Add(7, 1, []byte("writer"))
	}
	o, r := owner.Find(7), replica.Find(7)
	v, oldest, newest := uint64(0), 0, 0
	write := func(key int, flags codec.EntryFlags) {
		v++
		owner.Apply(o, &codec.Entry{Version: v, Key: fmt.Append(nil, "key-", key), Flags: flags})
	}
	for ; newest < 200; newest++ {
		write(newest, 0)
	}
	var tries []int64
	for now := int64(0); now < hour; now += step {
		replica.Tell(now)
		if now%(10*holePause) == 0 {
			for range 2 { // what has room comes and goes
				write(oldest, codec.EntryTombstone)
				write(newest, 0)
				oldest, newest = oldest+1, newest+1
			}
			owner.Advance(o, v, 0)
			offer(t, &owner, &replica, replica.Seen(r))
		}
		if again, _ := replica.Refill(); again != 0 {
			tries = append(tries, now)
			offer(t, &owner, &replica, replica.Max(r))
		}
	}
	pause := int64(holePause)
	last := int64(0)
	for i, at := range tries {
		if at-last < pause {
			t.Fatalf("try %d after %d ms, the pause is %d ms", i, (at-last)/1e6, pause/1e6)
		}
		last, pause = at, min(2*pause, holePauseMost)
	}
	if len(tries) < 30 {
		t.Fatalf("%d tries in an hour", len(tries))
	}
}
