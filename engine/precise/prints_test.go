package precise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// TestOneWriteCostsItsAuthorsKeys: two of many keys, of whom one has heard of a write, say a print of
// each origin and then list the keys of its author, and of nobody else.
func TestOneWriteCostsItsAuthorsKeys(t *testing.T) {
	a, b := newSide("a", tune.OrderPreciseNewest), newSide("b", tune.OrderPreciseNewest)
	for _, n := range []*side{a, b} {
		n.Put("a few", 3)
		n.Put("b few", 3)
		for i := range 9 {
			n.Put(fmt.Sprint("member", i), 400)
		}
	}
	talk := func() string {
		var log strings.Builder
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 100, &log)
		return log.String()
	}
	for talk() != "a: Sync\n" { // they meet
	}
	for what, put := range []*side{a, b} {
		put.Put(put.Name+" few", 1)
		before := a.Bytes + b.Bytes
		said := talk()
		want := "a: Sync\nb: PreciseDigest\na: PreciseDigest\nb: PrecisePull\na: PreciseRun\n"
		if what == 1 {
			want = "a: Sync\nb: PreciseDigest\na: PreciseDigest\nb: PreciseRun\n"
		}
		if bytes := a.Bytes + b.Bytes - before; said != want || bytes > 500 {
			t.Errorf("%d bytes:\n%s", bytes, said)
		}
		if a.x.Fingerprint() != b.x.Fingerprint() || a.x.jobs.Held()+b.x.jobs.Held() > 0 {
			t.Errorf("equal: %v; %d and %d lists are held", a.x.Fingerprint() == b.x.Fingerprint(), a.x.jobs.Held(), b.x.jobs.Held())
		}
	}
}

// TestListedOriginsAreExact: what prints and then windows of any size show of random replicas is what
// they differ in: nothing else is sent or asked for, and of whom one does not know all.
func TestListedOriginsAreExact(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var random sched.Rand
	random.Seed(seed)
	for range 40 {
		a, b := newPrecise(tune.OrderPreciseNewest, nil), newPrecise(tune.OrderPreciseNewest, nil)
		type place struct {
			id  codec.OriginID
			key string
		}
		has := [2]map[place]uint64{{}, {}}
		knows := [2]map[codec.OriginID]bool{{}, {}}
		versions := map[codec.OriginID]uint64{}
		long, many := strings.Repeat("x", rng.IntN(60)), 1+rng.IntN(60)
		for range rng.IntN(1500) {
			p := place{codec.OriginID(1+rng.IntN(12)) << 60 >> rng.IntN(2), ""}
			p.key = fmt.Sprint(long, rng.IntN(many))
			versions[p.id]++
			for i, r := range []*preciseReplica{a, b} {
				if rng.IntN(100) < 99 {
					r.put(p.id, p.key, versions[p.id])
					has[i][p], knows[i][p.id] = versions[p.id], true
				} else if rng.IntN(2) == 0 { // known, and nothing of it
					r.s.Add(p.id, 1, fmt.Append(nil, "origin", p.id))
					knows[i][p.id] = true
				}
			}
		}
		// a shows b what differs: what a finds by prints, and b by keys.
		var lacks, asks [2][]string
		for id := range versions {
			for i := range has {
				if knows[i][id] && !knows[1-i][id] {
					lacks[i] = append(lacks[i], fmt.Sprint(id, "/0"))
					asks[1-i] = append(asks[1-i], fmt.Sprint(id, "/0"))
				}
			}
		}
		var byKey, byKeyAsks []string
		for p, v := range has[1] {
			if has[0][p] < v && knows[0][p.id] {
				byKey = append(byKey, fmt.Sprint(p.id, "/", v))
			}
		}
		for p, v := range has[0] {
			if has[1][p] < v && knows[1][p.id] {
				byKeyAsks = append(byKeyAsks, fmt.Sprint(p.id, "/", v))
			}
		}
		var runs, pulls, shows, back, asked list
		for _, l := range []*list{&runs, &pulls, &shows, &back, &asked} {
			l.Init(4096)
			l.Reset(1, -1)
		}
		window := func(w []byte) (d *codec.PreciseDigest, it *codec.PreciseIter) {
			d, it = new(codec.PreciseDigest), new(codec.PreciseIter)
			if _, body, _ := codec.NextRecord(w); codec.ParsePreciseDigest(body, d, it) != nil {
				t.Fatal("not a window")
			}
			return d, it
		}
		for end := false; !end; {
			var w []byte
			if w, end = b.x.AppendPrints(nil, 40+rng.IntN(200), codec.DigestOffer|codec.PrecisePrints, false); w == nil {
				t.Fatal("no window")
			}
			d, _ := window(w)
			a.x.ComparePrints(d, &runs, &pulls, &shows, &random)
		}
		for id := range knows[0] { // what a would offer is not our matter here
			if !knows[1][id] {
				continue
			}
			if o := shows.names(); (a.s.OriginPrint(a.s.Find(id)) != b.s.OriginPrint(b.s.Find(id))) && !slices.Contains(o, id) {
				t.Fatalf("%d differs and is not shown: %v", id, o)
			}
		}
		if rng.IntN(2) == 0 { // another digest ended anywhere
			a.x.AppendWindow(nil, 300+rng.IntN(3000), codec.DigestOffer, false)
			a.x.at.Key = nil
		}
		var at mark
		for done := shows.Len() == 0; !done; {
			var w []byte
			if w, done = a.x.AppendListed(nil, 300+rng.IntN(1000), codec.DigestOffer|codec.DigestWantRuns, false, &shows, &at); w == nil {
				t.Fatal("no window")
			}
			d, _ := window(w)
			b.x.Compare(d, &back, &asked)
		}
		whole := func(got []string, id bool) []string {
			return slices.DeleteFunc(slices.Compact(got), func(s string) bool { return strings.HasSuffix(s, "/0") != id })
		}
		check := func(what string, got, want []string) {
			t.Helper()
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v\nwant %v", what, got, want)
			}
		}
		check("offered whole", whole(names(&runs), true), lacks[0])
		check("asked for whole", whole(names(&pulls), true), asks[0])
		check("sent back", whole(names(&back), false), byKey)
		check("asked back", whole(names(&asked), false), byKeyAsks)
	}
}

func (l *list) names() (ids []codec.OriginID) {
	for _, it := range l.items {
		ids = append(ids, it.ID)
	}
	return ids
}

// TestLargeOriginsAreListedInTurn: where two large origins differ at their ends, comparisons of few
// windows come to both.
func TestLargeOriginsAreListedInTurn(t *testing.T) {
	a, b := newSide("a", tune.OrderPreciseNewest), newSide("b", tune.OrderPreciseNewest)
	for _, n := range []*side{a, b} {
		n.x.cfg.Frames = 1 // four windows
		for _, name := range []string{"x", "y"} {
			n.Put(name, 3000)
		}
		n.Put("beside", 10)
	}
	for range 4 {
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 200, nil)
	}
	late := func(name, key string) {
		o := b.Store.FindName([]byte(name))
		e := codec.Entry{Version: 4000, Stamp: 1, Key: []byte(key), Value: []byte("v"), Flags: codec.EntryStamp}
		if st := b.Store.ApplyAny(o, &e); st != state.OK {
			t.Fatal(st)
		}
	}
	late("x", "zz")
	late("y", "zz")
	tries := 0
	for ; a.x.Fingerprint() != b.x.Fingerprint() && tries < 60; tries++ {
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 200, nil)
	}
	if t.Log(tries, "comparisons"); a.x.Fingerprint() != b.x.Fingerprint() {
		t.Error("they differ still")
	}
}

// TestFullListsKeepAny: where more origins differ than a list has room for, each has its chance.
func TestFullListsKeepAny(t *testing.T) {
	var r sched.Rand
	r.Seed(5)
	seen := map[codec.OriginID]bool{}
	for range 400 {
		var l list
		l.Init(4)
		l.Reset(1, -1)
		for id := codec.OriginID(1); id <= 40; id++ {
			l.show(item{ID: id}, &r)
		}
		for _, it := range l.items {
			seen[it.ID] = true
		}
		if len(l.items) != 4 {
			t.Fatalf("%d items", len(l.items))
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d of 40 were ever listed", len(seen))
	}
}

// TestPrintsDoNotAllocate once each list was used.
func TestPrintsDoNotAllocate(t *testing.T) {
	a, b := pair(tune.OrderPreciseNewest)
	for _, n := range []*side{a, b} {
		n.Put("many", 1000)
	}
	for range 10 {
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 100, nil)
	}
	if !a.x.keys.many() {
		t.Fatal("no prints go first")
	}
	v := a.Store.Max(a.Self)
	e := codec.Entry{Key: []byte("key1"), Value: []byte("value"), Flags: codec.EntryStamp}
	one := func() {
		v++
		e.Version, e.Stamp = v, int64(v)
		if a.Store.Apply(a.Self, &e) != state.OK {
			t.Fatal("not written")
		}
		a.Store.Advance(a.Self, v, 0)
		a.Begin()
		if n := reconciletest.Talk(&a.Node, &b.Node, 100, nil); n < 4 {
			t.Fatalf("%d frames", n)
		}
	}
	for range 300 {
		one()
	}
	if n := testing.AllocsPerRun(500, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
