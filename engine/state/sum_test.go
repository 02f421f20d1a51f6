package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// sumAnew is what an origin sums up to, computed from the beginning.
func (s *Store) sumAnew(o Origin) uint64 {
	kept := s.sums[o]
	s.Unsum(o)
	sum, _ := s.Sum(o, &Budget{Words: 1 << 30})
	s.sums[o] = kept
	return sum
}

// holdSum fails unless what is kept of a sum is what the entries come to.
func (s *Store) holdSum(t interface{ Fatalf(string, ...any) }, o Origin, words int) {
	if sum, done := s.Sum(o, &Budget{Words: words}); done && sum != s.sumAnew(o) {
		t.Fatalf("origin %d: the sum is %x, from the beginning %x", o, sum, s.sumAnew(o))
	}
}

// forging is a replica that took what its owner wrote up to a version, then what somebody else
// wrote under its name, and what the owner wrote after that.
func (x *healPair) forging(r *rand.Rand, keys, writes int) (since uint64) {
	since = uint64(r.IntN(writes))
	until := since + 1 + uint64(r.IntN(writes-int(since)))
	entry := func(v uint64, what string) *codec.Entry {
		e := &codec.Entry{Version: v, Key: fmt.Appendf(nil, "k%d", r.IntN(keys)), Value: fmt.Append(nil, what, v)}
		if r.IntN(6) == 0 {
			e.Flags, e.Value = codec.EntryTombstone, nil
		}
		return e
	}
	for v := uint64(1); v <= uint64(writes); v++ {
		e := entry(v, "true")
		x.owner.Apply(x.o, e)
		switch {
		case v <= since || v > until:
			x.replica.Apply(x.p, e)
		case r.IntN(4) > 0:
			x.replica.Apply(x.p, entry(v, "forged"))
		}
		if v%7 == 0 {
			x.owner.Advance(x.o, v, 0)
			x.replica.Advance(x.p, v, 0)
			words := 1 + r.IntN(40)
			x.owner.Sum(x.o, &Budget{Words: words})
			x.replica.Sum(x.p, &Budget{Words: words})
		}
	}
	x.owner.Advance(x.o, uint64(writes), 0)
	x.replica.Advance(x.p, uint64(writes), 0)
	return since
}

// sweep heals all in (from, to] that differs.
func (x *healPair) sweep(r *rand.Rand, from, to uint64) (got Healed) {
	it := new(codec.RunIter)
	for from < to {
		step := codec.IntervalPull{From: from, To: to, Step: uint64(1 + r.IntN(64))}
		theirs := x.owner.Contents(x.o, &step, &Budget{Words: 1 + r.IntN(10000)})
		step.To, step.Step = theirs.To, codec.VersionMax
		if ours := x.replica.Contents(x.p, &step, &Budget{Words: 1 << 20}); ours == theirs {
			from = theirs.To
			continue
		}
		run := x.part(from, theirs.To, 0)
		h := x.replica.Heal(x.p, &run, it, true)
		if h.Alien != 0 {
			got.Alien = lower(got.Alien, h.Alien)
		}
		from = h.To
	}
	return got
}

// lives is what a reader sees of an origin.
func (s *Store) lives(id codec.OriginID) string {
	var b []byte
	s.Live(id, func(key, value []byte, m Meta) bool {
		b = fmt.Appendf(b, "%d %q=%q %d\n", m.Version, key, value, m.Flags)
		return true
	})
	return string(b)
}

// TestWhatWasForgedIsEvicted: whatever somebody wrote under an owner's name, ahead of it or under
// versions that it has, sums differ, and after one sweep from where they were equal last, and one
// from the beginning to there, the replica holds what the owner holds, and nothing else.
func TestWhatWasForgedIsEvicted(t *testing.T) {
	seed, differed := rand.Uint64(), 0
	for n := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, n))
		x := newHealPair(300)
		writes := 1 + r.IntN(800)
		since := x.forging(r, 1+r.IntN(300), writes)
		equal := func() bool {
			x.owner.holdSum(t, x.o, 1<<20)
			x.replica.holdSum(t, x.p, 1<<20)
			a, _ := x.owner.Sum(x.o, &Budget{Words: 1 << 20})
			b, _ := x.replica.Sum(x.p, &Budget{Words: 1 << 20})
			return a == b
		}
		if equal() {
			continue // the owner wrote all of those keys again
		}
		differed++
		was, edits := x.replica.lives(1), x.replica.Edits(x.p)
		h := x.sweep(r, since, uint64(writes))
		if x.replica.lives(1) != was && x.replica.Edits(x.p) == edits {
			t.Fatalf("seed %d/%d: what lives changed, and no edit is counted", seed, n)
		}
		x.sweep(r, 0, since)
		if !equal() || x.owner.Keys(x.o) != x.replica.Keys(x.p) {
			t.Fatalf("seed %d/%d: %d and %d keys", seed, n, x.owner.Keys(x.o), x.replica.Keys(x.p))
		}
		if h.Alien != 0 && h.Alien <= since {
			t.Fatalf("seed %d/%d: the first alien at %d, forged since %d", seed, n, h.Alien, since)
		}
		whole := codec.IntervalPull{To: uint64(writes), Step: codec.VersionMax}
		a := x.owner.Contents(x.o, &whole, &Budget{Words: 1 << 20})
		if b := x.replica.Contents(x.p, &whole, &Budget{Words: 1 << 20}); a != b {
			t.Fatalf("seed %d/%d: %+v and %+v", seed, n, a, b)
		}
	}
	if differed < 100 {
		t.Errorf("seed %d: only %d of 300 differed", seed, differed)
	}
}

// TestSumDependsOnEverythingButAges: a sum changes with each part of an entry that replicas hold
// alike.
func TestSumDependsOnEverythingButAges(t *testing.T) {
	base := codec.Entry{Version: 7, Key: []byte("k"), Value: []byte("v"), Flags: codec.EntryTTL | codec.EntryStamp, TTL: 10, Stamp: 3}
	leased := codec.Entry{Version: 7, Key: []byte("k"), Value: []byte("v"), Flags: codec.EntryLeased, Lease: 4}
	of := func(e codec.Entry, f func(e *codec.Entry)) uint64 {
		if f != nil {
			f(&e)
		}
		s := new(Store)
		s.Init(Limits{Origins: 2, Keys: 10, ValueBytes: 1 << 14}, 1)
		o, _ := s.Add(1, 1, []byte("n"))
		if st := s.Apply(o, &e); st != OK {
			t.Fatal(st)
		}
		s.Advance(o, e.Version, 0)
		sum, done := s.Sum(o, &Budget{Words: 100})
		if !done || e.Flags&codec.EntryTombstone == 0 && sum == 0 {
			t.Fatal(sum, done)
		}
		return sum
	}
	if of(base, nil) != of(base, func(e *codec.Entry) { e.Age = 5 }) {
		t.Error("a sum depends on an age")
	}
	seen := map[uint64]int{of(base, nil): -1, of(leased, nil): -2}
	for i, f := range []func(e *codec.Entry){
		func(e *codec.Entry) { e.Version++ },
		func(e *codec.Entry) { e.Key = []byte("l") },
		func(e *codec.Entry) { e.Value = []byte("w") },
		func(e *codec.Entry) { e.Value = nil },
		func(e *codec.Entry) { e.Key, e.Value = []byte("kv"), nil },
		func(e *codec.Entry) { e.TTL++ },
		func(e *codec.Entry) { e.Stamp++ },
		func(e *codec.Entry) { e.Flags |= codec.EntryKinded; e.Kind = codec.KindFree },
		func(e *codec.Entry) { *e = leased; e.Lease++ },
	} {
		sum := of(base, f)
		if j, there := seen[sum]; there {
			t.Errorf("change %d gives the sum of %d", i, j)
		}
		seen[sum] = i
	}
}

func TestSumAllocatesNothing(t *testing.T) {
	s := new(Store)
	s.Init(Limits{Origins: 2, Keys: 1000, ValueBytes: 1 << 18}, 1)
	o, _ := s.Add(1, 1, []byte("n"))
	e := codec.Entry{Value: []byte("value")}
	keys := make([][]byte, 100)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "k%d", i)
	}
	write := func() {
		e.Version++
		e.Key = keys[e.Version%100]
		s.Apply(o, &e)
		s.Advance(o, e.Version, 0)
	}
	for range 1000 {
		write()
	}
	if n := testing.AllocsPerRun(1000, func() {
		write()
		b := Budget{Words: 50}
		s.Sum(o, &b)
	}); n != 0 {
		t.Error(n, "allocations")
	}
}

// BenchmarkSum is the cost of keeping a sum beside writes: one after each 100.
func BenchmarkSum(b *testing.B) {
	for _, every := range []int{0, 100, 1} {
		b.Run(fmt.Sprint("after ", every, " writes"), func(b *testing.B) {
			s := new(Store)
			s.Init(Limits{Origins: 2, Keys: 20_000, ValueBytes: 1 << 24}, 1)
			o, _ := s.Add(1, 1, []byte("n"))
			e := codec.Entry{Key: make([]byte, 16), Value: make([]byte, 100)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e.Version++
				k := mix(e.Version) % 10_000
				e.Key[0], e.Key[1], e.Key[2] = byte(k)|1, byte(k>>8), byte(k>>16)
				s.Apply(o, &e)
				s.Advance(o, e.Version, 0)
				if every > 0 && i%every == 0 {
					s.Sum(o, &Budget{Words: 1 << 20})
				}
			}
		})
	}
}

// TestEditsAreCounted: whatever changes the entries that live up to a version which was summed up
// is counted, or moves Max: what is dropped and what is healed; what follows in the log, and
// deletes that are collected, are no edits.
func TestEditsAreCounted(t *testing.T) {
	s := new(Store)
	s.Init(Limits{Origins: 2, Keys: 100, ValueBytes: 1 << 16}, 1)
	o, _ := s.Add(5, 1, []byte("n"))
	write := func(v uint64, key, value string) {
		e := codec.Entry{Version: v, Key: []byte(key), Value: []byte(value)}
		if value == "" {
			e.Flags |= codec.EntryTombstone
		}
		if st := s.Apply(o, &e); st != OK {
			t.Fatal(st)
		}
		s.Advance(o, v, 0)
	}
	f := func(what string, edit bool, do func()) {
		t.Helper()
		s.Sum(o, &Budget{Words: 1 << 10})
		was := s.Edits(o)
		if do(); (s.Edits(o) != was) != edit {
			t.Errorf("%s: %d edits", what, s.Edits(o)-was)
		}
	}
	write(1, "a", "1")
	write(2, "b", "2")
	f("the log goes on", false, func() { write(3, "c", "3"); write(4, "a", "4"); write(5, "c", "") })
	f("deletes are collected", false, func() { s.Advance(o, 5, 5); s.Tidy(100) })
	f("an entry is dropped", true, func() { s.drop(o, s.rec(o), s.cellAt(s.rec(o), 2)) })
	f("the sum is forgotten", true, func() { s.Unsum(o) })
	if want := "4 \"a\"=\"4\" 0\n"; s.lives(5) != want {
		t.Errorf("%s, want %s", s.lives(5), want)
	}
	if s.Live(6, func(_, _ []byte, _ Meta) bool { t.Error("somebody else's entry"); return false }) {
		t.Error("an origin that is not here")
	}
}

// TestLiveIsOneLife: what a member wrote in a former life, which readers by name still see, is none
// of its log's.
func TestLiveIsOneLife(t *testing.T) {
	s := new(Store)
	s.Init(Limits{Origins: 4, Keys: 1000, ValueBytes: 1 << 18}, 1)
	o, _ := s.Add(5, 1, []byte("n"))
	for v := uint64(1); v <= 300; v++ {
		s.Apply(o, &codec.Entry{Version: v, Key: fmt.Appendf(nil, "k%d", v%200), Value: make([]byte, v)})
		s.Advance(o, v, 0)
	}
	s.Echo(o, false)
	s.Remove(o)
	o, _ = s.Add(6, 2, []byte("n"))
	s.Apply(o, &codec.Entry{Version: 301, Key: []byte("new"), Value: []byte("v")})
	s.Advance(o, 301, 0)
	if s.lives(6) != "301 \"new\"=\"v\" 0\n" || s.lives(5) != "" {
		t.Errorf("%q, %q", s.lives(6), s.lives(5))
	}
	n, by := 0, 0
	s.Range([]byte("n"), func(_, _ []byte, _ Meta) bool { n++; return true })
	s.Live(6, func(_, _ []byte, _ Meta) bool { by++; return true })
	if n <= by {
		t.Errorf("readers see %d entries, %d of this life: the test shows nothing", n, by)
	}
}
