package share

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

const (
	testWall  = sched.Wall(1_000_000 * sched.Second)
	testBound = 500 * sched.Millisecond
)

// replica is a store with an index over it.
type replica struct {
	store   state.Store
	index   Index
	version map[state.Origin]uint64
}

func newReplica(t interface{ Fatal(...any) }, origins int) *replica {
	r := &replica{version: make(map[state.Origin]uint64)}
	r.store.Init(state.Limits{Origins: origins, Keys: 1 << 17, ValueBytes: 1 << 26}, 1)
	for i := range origins {
		if _, st := r.store.Add(codec.OriginID(i+1), 1, fmt.Appendf(nil, "n%d", i)); st != state.OK {
			t.Fatal(st)
		}
	}
	r.index.Init(&r.store, [2]uint64{1, 2}, testBound, func(name []byte) Author {
		n, _ := strconv.Atoi(string(name[1:]))
		return Author(n + 1)
	})
	r.index.Use(testOrders)
	return r
}

// testOrders has one that compares the last bytes.
var testOrders = Orders{{ID: 1, Compare: func(a, b []byte) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) - len(b)
	}
	return int(a[len(a)-1]) - int(b[len(b)-1])
}}}

func logKey(key string) []byte { return append([]byte(codec.SharedPrefix), key...) }

// write puts a claim, or with c nil a withdrawal, into the log of an origin by id.
func (r *replica) write(t interface{ Fatal(...any) }, id codec.OriginID, key string, c *Claim, value string) Change {
	return r.writeAt(t, id, key, c, value, testWall)
}

func (r *replica) writeAt(t interface{ Fatal(...any) }, id codec.OriginID, key string, c *Claim, value string, wall sched.Wall) Change {
	o := r.store.Find(id)
	r.version[o]++
	e := codec.Entry{Version: r.version[o], Key: logKey(key), Flags: codec.EntryTombstone}
	if c != nil {
		e.Flags, e.Value = 0, append(c.Append(nil, Author(id)), value...)
	}
	if st := r.store.Apply(o, &e); st != state.OK {
		t.Fatal(st)
	}
	r.store.Advance(o, e.Version, 0)
	what, _ := r.index.Changed(o, &e, wall)
	return what
}

func (r *replica) get(key string) (string, bool) {
	v, _, _, ok := r.index.AppendGet(nil, logKey(key))
	return string(v), ok
}

// TestIndexIsAFunctionOfTheLogs: logs that hold the same give the same winner, whatever the order
// in which their claims came, what was overwritten on the way, and what was withdrawn.
func TestIndexIsAFunctionOfTheLogs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const origins = 4
		a, b := newReplica(t, origins), newReplica(t, origins)
		type held struct {
			c     *Claim
			value string
		}
		final := make(map[codec.OriginID]held)
		for i := range rapid.IntRange(1, 12).Draw(t, "writes") {
			id := codec.OriginID(rapid.IntRange(1, origins).Draw(t, "origin"))
			var h held
			if rapid.IntRange(0, 4).Draw(t, "withdraws") > 0 {
				c := anyClaim(t)
				if h.c = &c; !c.Deleted {
					h.value = fmt.Sprint("v", i%3)
				}
			}
			a.write(t, id, "k", h.c, h.value)
			final[id] = h
		}
		ids := rapid.Permutation([]codec.OriginID{1, 2, 3, 4}).Draw(t, "order")
		for _, id := range ids {
			if h, ok := final[id]; ok {
				b.write(t, id, "k", h.c, h.value)
			}
		}
		va, oka := a.get("k")
		vb, okb := b.get("k")
		if va != vb || oka != okb || a.index.Owner(logKey("k")) != b.index.Owner(logKey("k")) {
			t.Fatalf("%q %v at %d, %q %v at %d", va, oka, a.index.Owner(logKey("k")), vb, okb, b.index.Owner(logKey("k")))
		}
		best := codec.OriginID(0)
		for id, h := range final {
			if h.c == nil {
				continue
			}
			if best == 0 || better(h.c, h.value, id, final[best].c, final[best].value, best) {
				best = id
			}
		}
		if got := a.ownerID("k"); got != best {
			t.Fatalf("winner %d, want %d", got, best)
		}
	})
}

func better(c *Claim, v string, id codec.OriginID, d *Claim, w string, other codec.OriginID) bool {
	if o := testOrders.Compare(c, []byte(v), d, []byte(w)); o != 0 {
		return o > 0
	}
	if s := Settle(c.Deleted, []byte(v), d.Deleted, []byte(w)); s != 0 {
		return s > 0
	}
	return id < other
}

// TestChanges: what the index says of each change.
func TestChanges(t *testing.T) {
	r := newReplica(t, 3)
	f := func(want, got Change) {
		t.Helper()
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	stamp := func(n Stamp) *Claim { return &Claim{Stamp: n, Author: 1} }
	by := func(id codec.OriginID, n Stamp) *Claim { return &Claim{Stamp: n, Author: Author(id)} }
	f(Won, r.write(t, 1, "k", stamp(5), "a"))
	f(Lost, r.write(t, 2, "k", by(2, 4), "b"))
	f(Won, r.write(t, 3, "k", by(3, 9), "c"))
	f(Passed, r.write(t, 3, "k", nil, ""))
	if v, _ := r.get("k"); v != "a" {
		t.Errorf("the runner-up is %q", v)
	}
	f(Nothing, r.write(t, 2, "k", nil, ""))
	f(Gone, r.write(t, 1, "k", nil, ""))
	if r.index.Keys() != 0 {
		t.Error(r.index.Keys(), "keys")
	}
	f(Refused, r.write(t, 1, "k", by(1, At(testWall+2*sched.Second)), "early"))
	if _, ok := r.get("k"); ok || !r.index.Waiting() {
		t.Error("a claim from the future competes")
	}
	f(Won, r.write(t, 2, "k", by(2, 1), "now"))
	o := r.store.Find(1)
	if r.index.Ripe(testWall+sched.Second) != 0 || r.index.Ripe(testWall+2*sched.Second) != o {
		t.Error("it is ripe at the wrong time")
	}
	if _, done := r.index.Ripen(o, 0, 100, func(o state.Origin, key []byte) {
		var e codec.Entry
		r.store.Get(o, key, &e)
		r.index.Changed(o, &e, testWall+2*sched.Second)
	}); !done {
		t.Error("not done")
	}
	if v, _ := r.get("k"); v != "early" || r.index.Waiting() {
		t.Errorf("its time has come, and the key holds %q", v)
	}
}

// TestMalformedClaims: a value of a shared key that holds no claim does not compete, and takes back
// what its log had.
func TestMalformedClaims(t *testing.T) {
	r := newReplica(t, 2)
	r.write(t, 1, "k", &Claim{Stamp: 5, Author: 1}, "a")
	o := r.store.Find(1)
	e := codec.Entry{Version: 2, Key: logKey("k"), Value: []byte("no claim")}
	r.store.Apply(o, &e)
	if what, _ := r.index.Changed(o, &e, testWall); what != Gone {
		t.Error(what)
	}
	if _, ok := r.get("k"); ok {
		t.Error("the key is still there")
	}
}

// TestShelf: the claims of an origin that was removed compete until others have taken them over; of
// equal claims those of the ones that stay win.
func TestShelf(t *testing.T) {
	r := newReplica(t, 3)
	r.write(t, 1, "mine", &Claim{Stamp: 9, Author: 1}, "dead")
	r.write(t, 1, "ours", &Claim{Stamp: 9, Author: 1}, "dead")
	r.write(t, 2, "ours", &Claim{Stamp: 5, Author: 2}, "alive")
	r.store.Attend(keeper{&r.index})
	o := r.store.Find(1)
	if r.store.Remove(o); r.store.ID(o) != 0 || r.index.Wins(o) != 2 {
		t.Fatal("it is not on the shelf", r.index.Wins(o))
	}
	for range 100 {
		r.store.Tidy(100)
	}
	for _, key := range []string{"mine", "ours"} {
		if v, _ := r.get(key); v != "dead" {
			t.Errorf("%s is %q", key, v)
		}
		r.write(t, 3, key, &Claim{Stamp: 9, Author: 1}, "dead")
		if v, _ := r.get(key); v != "dead" || r.ownerID(key) != 3 {
			t.Errorf("after adoption %s is %q by %d", key, v, r.ownerID(key))
		}
	}
	if r.index.Wins(o) != 0 || r.index.Claimants(logKey("ours")) != 3 {
		t.Error(r.index.Wins(o), "wins", r.index.Claimants(logKey("ours")), "claimants")
	}
	r.index.Unshelve(o)
	r.store.Discard(o)
	for range 100 {
		r.store.Tidy(100)
	}
	if r.index.Claimants(logKey("ours")) != 2 || r.store.WasID(o) != 0 {
		t.Error("it is still there")
	}
	if v, _ := r.get("ours"); v != "dead" {
		t.Error(v)
	}
}

// keeper shelves whoever is removed.
type keeper struct{ x *Index }

func (k keeper) Changed(state.Origin, []byte) {}

func (k keeper) Removed(o state.Origin) bool { k.x.Shelve(o); return true }

// TestManyKeys: the index grows, finds everything, and gives words of keys that are gone to others.
func TestManyKeys(t *testing.T) {
	r := newReplica(t, 1)
	for round := range 3 {
		for i := range 20000 {
			if what := r.write(t, 1, fmt.Sprint(round, "-", i), &Claim{Stamp: 1, Author: 1}, "v"); what != Won {
				t.Fatal(i, what)
			}
		}
		for i := range 20000 {
			if _, ok := r.get(fmt.Sprint(round, "-", i)); !ok {
				t.Fatal(round, i)
			}
		}
		for i := range 20000 {
			r.write(t, 1, fmt.Sprint(round, "-", i), nil, "")
		}
	}
	words := 0
	for i := range r.index.winner.tables {
		if t := r.index.winner.tables[i].Load(); t != nil {
			words += len(t.words)
		}
	}
	if r.index.Keys() != 0 || words > 1<<17 {
		t.Error(r.index.Keys(), "keys in", words, "words")
	}
}

// TestReadersAllocateNothing: neither do they wait for the writer.
func TestReadersAllocateNothing(t *testing.T) {
	r := newReplica(t, 2)
	r.write(t, 1, "k", &Claim{Stamp: 5, Author: 1}, "value")
	buf, key := make([]byte, 0, 64), logKey("k")
	if n := testing.AllocsPerRun(1000, func() {
		v, c, _, ok := r.index.AppendGet(buf, key)
		if !ok || !bytes.Equal(v, []byte("value")) || c.Stamp != 5 {
			t.Fatal(string(v), c, ok)
		}
	}); n != 0 {
		t.Error(n, "allocations")
	}
}

// BenchmarkAppendGet reads keys that all of 100 origins write, and many keys that three of them do.
func BenchmarkAppendGet(b *testing.B) {
	const origins = 100
	for _, c := range []struct{ keys, writers int }{{100, origins}, {10_000, 3}} {
		b.Run(fmt.Sprintf("keys=%d/writers=%d", c.keys, c.writers), func(b *testing.B) {
			r := newReplica(b, origins)
			names := make([][]byte, c.keys)
			for i := range names {
				names[i] = logKey(fmt.Sprint("key", i))
				for k := range c.writers {
					id := codec.OriginID((i+k)%origins + 1)
					r.write(b, id, fmt.Sprint("key", i), &Claim{Stamp: Stamp(k + 1), Author: Author(id)}, "sixteen bytes ...")
				}
			}
			buf := make([]byte, 0, 64)
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, _, _, ok := r.index.AppendGet(buf, names[i]); !ok {
					b.Fatal("gone")
				}
				if i++; i == len(names) {
					i = 0
				}
			}
		})
	}
}

func (r *replica) ownerID(key string) codec.OriginID {
	o := r.index.Owner(logKey(key))
	if o == 0 {
		return 0
	}
	return r.store.ID(o)
}
