package state

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"pgregory.net/rapid"
)

// model is a store made of Go maps that is slow and obviously right.
type model struct {
	origins map[codec.OriginID]*modelOrigin
}

type modelOrigin struct {
	o               Origin
	gen, max, floor uint64
	name            string
	keys            map[string]codec.Entry
	dirty           bool
	used            map[uint64]bool
}

func (m *modelOrigin) after(v uint64) (entries []codec.Entry) {
	for _, e := range m.keys {
		if e.Version > v {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b codec.Entry) int { return cmp.Compare(a.Version, b.Version) })
	return entries
}

func clone(e *codec.Entry) codec.Entry {
	c := *e
	c.Key, c.Value = bytes.Clone(e.Key), bytes.Clone(e.Value)
	return c
}

func same(a, b *codec.Entry) bool {
	return a.Version == b.Version && a.Flags == b.Flags && a.TTL == b.TTL && a.Age == b.Age && a.Stamp == b.Stamp && a.Kind == b.Kind && a.Lease == b.Lease && a.Rest == b.Rest &&
		bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
}

// machine drives a store and the model side by side.
type machine struct {
	s      Store
	m      model
	ids    []codec.OriginID
	limits Limits
}

func (x *machine) pick(t *rapid.T) (codec.OriginID, *modelOrigin) {
	if len(x.ids) == 0 {
		t.Skip("no origins")
	}
	id := rapid.SampledFrom(x.ids).Draw(t, "origin")
	return id, x.m.origins[id]
}

func (x *machine) Add(t *rapid.T) {
	name := fmt.Sprintf("node-%d", rapid.IntRange(0, 5).Draw(t, "name"))
	gen := rapid.Uint64Range(1, 5).Draw(t, "gen")
	id := codec.MakeOriginID([2]uint64{1, 2}, []byte(name), gen)
	o, status := x.s.Add(id, gen, []byte(name))
	old, have := x.m.origins[id]
	switch {
	case have:
		if status != Exists || o != old.o {
			t.Fatalf("add again: %v, %d", status, o)
		}
	case len(x.ids) >= x.limits.Origins:
		if status != TooMany {
			t.Fatalf("add beyond the limit: %v", status)
		}
	case status != OK:
		t.Fatalf("add: %v", status)
	default:
		x.m.origins[id] = &modelOrigin{o: o, gen: gen, name: name, keys: map[string]codec.Entry{}, used: map[uint64]bool{}}
		x.ids = append(x.ids, id)
	}
}

func (x *machine) Remove(t *rapid.T) {
	id, o := x.pick(t)
	if rapid.IntRange(0, 9).Draw(t, "often") != 0 {
		t.Skip("kept")
	}
	if status := x.s.Remove(o.o); status != OK {
		t.Fatalf("remove: %v", status)
	}
	if status := x.s.Remove(o.o); status != NoOrigin {
		t.Fatalf("remove again: %v", status)
	}
	delete(x.m.origins, id)
	x.ids = slices.DeleteFunc(x.ids, func(other codec.OriginID) bool { return other == id })
}

func (x *machine) Rename(t *rapid.T) {
	id, o := x.pick(t)
	gen := rapid.Uint64Range(1, 8).Draw(t, "gen")
	now := codec.MakeOriginID([2]uint64{1, 2}, []byte(o.name), gen)
	status := x.s.Rename(o.o, now, gen)
	if _, have := x.m.origins[now]; have {
		if status != Exists {
			t.Fatalf("rename to one that is here: %v", status)
		}
		return
	}
	if status != OK {
		t.Fatalf("rename: %v", status)
	}
	o.gen = gen
	delete(x.m.origins, id)
	x.m.origins[now] = o
	x.ids[slices.Index(x.ids, id)] = now
}

func drawEntry(t *rapid.T, version uint64) codec.Entry {
	e := codec.Entry{Version: version, Key: fmt.Appendf(nil, "key-%d", rapid.IntRange(0, 60).Draw(t, "key"))}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		e.Flags = codec.EntryTombstone
	case 1:
		e.Flags, e.TTL, e.Age, e.Stamp = codec.EntryTTL|codec.EntryStamp, 7, 3, -int64(version)
	case 2:
		e.Flags, e.Kind = codec.EntryKinded, codec.KindFree // kept as it is, whatever it may mean
	}
	if e.Flags&codec.EntryTombstone == 0 {
		e.Value = bytes.Repeat([]byte{byte(version)}, rapid.SampledFrom([]int{0, 1, 8, 100, 700}).Draw(t, "size"))
	}
	return e
}

// Run applies a run of ascending versions, from above max, and advances.
func (x *machine) Run(t *rapid.T) {
	_, o := x.pick(t)
	v := o.max
	for range rapid.IntRange(1, 40).Draw(t, "count") {
		step := rapid.SampledFrom([]uint64{1, 1, 1, 1, 2, 9, 1 << 33}).Draw(t, "step")
		e := drawEntry(t, v+step)
		if o.used[e.Version] {
			v += step
			continue // a version names one write
		}
		status := x.s.Apply(o.o, &e)
		if x.model(t, o, &e, status, true) != OK {
			break
		}
		v += step
	}
	to := v + uint64(rapid.SampledFrom([]int{0, 0, 0, 5}).Draw(t, "gap"))
	floor := uint64(rapid.IntRange(0, 30).Draw(t, "floor"))
	begun := o.max > 0 || x.s.keyed.on && len(o.keys) > 0
	if floor > o.floor && floor > o.max && begun || floor < o.floor && o.max < o.floor && to > o.max {
		o.dirty = true
	}
	o.floor, o.max = max(floor, o.floor), max(to, o.max)
	if status := x.s.Advance(o.o, to, floor); status != OK {
		t.Fatalf("advance: %v", status)
	}
}

// Encoded applies a run as it comes from the wire.
func (x *machine) Encoded(t *rapid.T) {
	id, o := x.pick(t)
	var w codec.RunWriter
	from := o.max - min(o.max, uint64(rapid.IntRange(0, 3).Draw(t, "overlap")))
	w.Begin(nil, 1<<16, codec.RunHead{ID: id, From: from})
	v := o.max
	var entries []codec.Entry
	for range rapid.IntRange(0, 60).Draw(t, "count") {
		v += uint64(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "step"))
		if e := drawEntry(t, v); !o.used[v] && w.Entry(&e) {
			entries = append(entries, clone(&e))
		}
	}
	_, body, _ := codec.NextRecord(w.End(v))
	var run codec.Run
	if err := codec.ParseRun(body, &run); err != nil {
		t.Fatal(err)
	}
	x.s.holes = nil // else what was seen and refused before is not looked at again
	a := x.s.ApplyRun(o.o, &run, new(codec.RunIter))
	if a.From != o.max || a.Status == OK && a.To != v {
		t.Fatalf("%+v, max %d, to %d", a, o.max, v)
	}
	for i := range entries {
		e := &entries[i]
		if a.Status != OK && e.Version > a.To {
			if x.expect(o, e, true) == Old {
				continue
			}
			x.model(t, o, e, a.Status, true)
			if !x.s.keyed.on {
				x.beyond(t, o, entries[i:])
			}
			break
		}
		x.model(t, o, e, x.expect(o, e, true), true)
	}
	if o.max < a.To || a.Status != OK {
		if o.max < o.floor && a.To > o.max { // the run came from one with floor 0
			o.dirty = true
		}
		o.max = a.To
	}
}

// beyond: of what follows a refused entry, what takes the place of something is taken if it has
// room.
func (x *machine) beyond(t *rapid.T, o *modelOrigin, entries []codec.Entry) {
	for i := range entries {
		e, status := &entries[i], OK
		have, known := o.keys[string(e.Key)]
		got := codec.Entry{}
		taken := known && x.s.Get(o.o, e.Key, &got) && got.Version >= e.Version
		if taken && x.expect(o, e, true) != OK {
			x.forget(o) // what was collected when the run was taken up to here made room
		}
		if !known || x.expect(o, e, true) != OK {
			continue
		}
		if have.Flags&codec.EntryTombstone != 0 && have.Version <= o.floor && !taken {
			delete(o.keys, string(e.Key)) // it was collected: nothing is here that the entry takes the place of
			continue
		}
		if x.s.dying != 0 && !taken {
			status = Full
		}
		x.model(t, o, e, status, true)
	}
}

// forget drops the tombstones that the store has collected.
func (x *machine) forget(o *modelOrigin) {
	for key, e := range o.keys {
		var got codec.Entry
		if e.Flags&codec.EntryTombstone != 0 && e.Version <= o.floor && !x.s.Get(o.o, e.Key, &got) {
			delete(o.keys, key)
		}
	}
}

// Any applies one entry of any version.
func (x *machine) Any(t *rapid.T) {
	_, o := x.pick(t)
	e := drawEntry(t, rapid.Uint64Range(1, o.max+20).Draw(t, "version"))
	if o.used[e.Version] {
		t.Skip("a version names one write")
	}
	if e.Flags&codec.EntryTombstone != 0 && e.Version <= min(o.floor, o.max) {
		t.Skip("it was collected")
	}
	st := x.s.ApplyAny(o.o, &e)
	if x.s.keyed.on && st == OK && o.max < o.floor && e.Version <= o.floor {
		o.dirty = true // it may have been deleted since
	}
	x.model(t, o, &e, st, false)
}

// model applies e to the model and compares the status.
func (x *machine) model(t *rapid.T, o *modelOrigin, e *codec.Entry, status Status, prefix bool) Status {
	want := x.expect(o, e, prefix)
	if want == OK && status == Full && x.s.dying != 0 {
		return Full // the entries of removed origins go a few at a time
	}
	if status != want {
		t.Fatalf("apply version %d of %q: %v, want %v", e.Version, e.Key, status, want)
	}
	if want == OK {
		o.keys[string(e.Key)] = clone(e)
		o.used[e.Version] = true
	}
	if want == Old {
		return OK // the run goes on
	}
	return want
}

func (x *machine) expect(o *modelOrigin, e *codec.Entry, prefix bool) Status {
	have, known := o.keys[string(e.Key)]
	l, all, own, entries := x.s.Limits(), 0, 0, 0
	for _, m := range x.m.origins {
		live := 0
		for _, k := range m.keys {
			if k.Flags&codec.EntryTombstone == 0 {
				live++
			}
		}
		all, entries = all+live, entries+len(m.keys)
		if m == o {
			own = live
		}
	}
	kept := max(l.Keys/16, len(x.ids))
	takes := func(all, own int) int {
		return max(l.Keys+kept-all, min(2*(kept/len(x.ids))-own, l.Keys+2*kept-all))
	}
	most := l.Keys + 2*max(l.Tombstones, 4*tombstonesLeast*len(x.ids))
	gone, tombstone := !known || have.Flags&codec.EntryTombstone != 0, e.Flags&codec.EntryTombstone != 0
	switch {
	case prefix && e.Version <= o.max, known && have.Version >= e.Version:
		return Old
	case tombstone && !known && entries >= most && takes(entries-most, len(o.keys)-most/len(x.ids)) <= 0,
		!tombstone && gone && (own >= l.KeysPerOrigin || takes(all, own) <= 0):
		return TooMany
	case !x.fits(o, e, &have, known, tombstone):
		return Full
	}
	return x.owns(o, e, &have, known)
}

// fits tells whether the cells of all entries leave room for one more, or a larger one.
func (x *machine) fits(o *modelOrigin, e, have *codec.Entry, known, tombstone bool) bool {
	l, all, own := x.s.Limits(), 0, 0
	for _, m := range x.m.origins {
		sum := 0
		for _, k := range m.keys {
			sum += CellBytes(len(k.Key)+len(k.Value), k.Flags)
		}
		if all += sum; m == o {
			own = sum
		}
	}
	more := CellBytes(len(e.Key)+len(e.Value), e.Flags)
	if known {
		more -= CellBytes(len(have.Key)+len(have.Value), have.Flags)
	}
	kept := l.ValueBytes/16 + keptBytes/2
	takes := max(l.ValueBytes+kept-all, min(2*(kept/len(x.ids))-own, l.ValueBytes+2*kept-all))
	if tombstone {
		takes += l.tombstoneBytes()
	}
	return more <= takes || known && more <= 0
}

func (x *machine) owns(o *modelOrigin, e, have *codec.Entry, known bool) Status {
	if x.limits.BytesPerOrigin > 0 {
		was := 0
		if known {
			was = len(have.Key) + len(have.Value)
		}
		now, all := len(e.Key)+len(e.Value), 0
		for _, k := range o.keys {
			all += len(k.Key) + len(k.Value)
		}
		if now > was && all-was+now > x.limits.BytesPerOrigin {
			return TooMany
		}
	}
	return OK
}

// collect lets the store finish what it puts off, and does the same in the model.
func (x *machine) collect() {
	for x.s.clearSome(1 << 20) {
	}
	for _, o := range x.m.origins {
		for key, e := range o.keys {
			if e.Flags&codec.EntryTombstone != 0 && e.Version <= min(o.floor, o.max) {
				delete(o.keys, key)
			}
		}
	}
}

// checkRanges: the fingerprint of a range is what its origins contribute, however wide it is.
func (x *machine) checkRanges(t *rapid.T) {
	bits := rapid.IntRange(0, 64).Draw(t, "bits")
	for _, id := range append(x.ids, 0, 1<<64-1) {
		lo, hi := IDRange(id, bits)
		want := uint64(0)
		for _, other := range x.ids {
			if lo <= other && other <= hi {
				want += x.s.rec(x.s.Find(other)).print()
			}
		}
		if got := x.s.RangePrint(id, bits); got != want {
			t.Fatalf("range of %d bits about %x: %x, want %x", bits, id, got, want)
		}
	}
}

func (x *machine) Check(t *rapid.T) {
	x.collect()
	if x.s.keyed.on && x.s.KeyPrint() != x.s.RecomputeKeys() {
		t.Fatalf("fingerprint by key %x, want %x", x.s.KeyPrint(), x.s.RecomputeKeys())
	}
	if x.s.Fingerprint() != x.s.Recompute() {
		t.Fatal("fingerprint is not what it should be")
	}
	slices.Sort(x.ids)
	x.checkRanges(t)
	at := x.s.FirstAtOrAfter(0)
	for _, id := range x.ids {
		if at == 0 || x.s.ID(at) != id || x.s.Find(id) != at {
			t.Fatalf("walk by identifier lost %x", id)
		}
		x.checkOrigin(t, at, x.m.origins[id])
		x.s.holdSum(t, at, rapid.IntRange(0, 30).Draw(t, "words"))
		at = x.s.Following(at)
	}
	if at != 0 || x.s.Len() != len(x.ids) {
		t.Fatal("walk by identifier has too many")
	}
	x.checkStats(t)
	checkAccounts(t, &x.s)
}

func (x *machine) checkOrigin(t *rapid.T, o Origin, m *modelOrigin) {
	s := &x.s
	if o != m.o || s.Max(o) != m.max || s.Floor(o) != m.floor || s.Gen(o) != m.gen || string(s.Name(o)) != m.name || s.Dirty(o) != m.dirty {
		t.Fatalf("origin %s.%d: max %d floor %d dirty %v, want %d %d %v", m.name, m.gen, s.Max(o), s.Floor(o), s.Dirty(o), m.max, m.floor, m.dirty)
	}
	if s.Entries(o) != len(m.keys) {
		t.Fatalf("%d entries, want %d", s.Entries(o), len(m.keys))
	}
	checkLog(t, s, o)
	all := m.after(0)
	probes := []uint64{0, m.max, m.max / 2, m.max + 1}
	for i := 0; i < len(all); i += 1 + len(all)/8 {
		probes = append(probes, all[i].Version, all[i].Version-1)
	}
	for _, v := range probes {
		checkAfter(t, s, o, v, m.after(v))
	}
	for _, want := range all {
		var got codec.Entry
		if !s.Get(o, want.Key, &got) || !same(&got, &want) || !s.At(o, want.Version, &got) || !same(&got, &want) {
			t.Fatalf("get %q: %+v, want %+v", want.Key, got, want)
		}
		value, meta, ok := s.AppendGetID(nil, s.ID(o), want.Key)
		if ok != (want.Flags&codec.EntryTombstone == 0) || meta.Version != want.Version || !bytes.Equal(value, want.Value) {
			t.Fatalf("read %q: %v %v %v", want.Key, value, meta, ok)
		}
	}
}

func checkAfter(t *rapid.T, s *Store, o Origin, v uint64, want []codec.Entry) {
	var c Cursor
	var e codec.Entry
	n := 0
	for s.After(o, v, &c); c.Next(&e); n++ {
		if n >= len(want) || !same(&e, &want[n]) {
			t.Fatalf("after %d: entry %d is %+v", v, n, e)
		}
	}
	if n != len(want) {
		t.Fatalf("after %d: %d entries, want %d", v, n, len(want))
	}
	if missing := s.Missing(o, v); missing < 0 || missing == 0 && n > 0 || v == 0 && missing != n {
		t.Fatalf("missing %d after %d, there are %d", missing, v, n)
	}
}

// checkLog holds the structure of a version log against its own claims.
func checkLog(t interface{ Fatalf(string, ...any) }, s *Store, o Origin) {
	r := s.rec(o)
	last, live := uint64(0), 0
	for i := range int(r.segments) {
		ref := s.segment(r, i)
		b := s.log.block(ref)
		if segOwner(b) != o || segBase(b) < last {
			t.Fatalf("segment %d of origin %d: owner %d, base %d after %d", i, o, segOwner(b), segBase(b), last)
		}
		n := 0
		for k, w := range segWords(b) {
			v := segVersion(b, k)
			if v <= last {
				t.Fatalf("version %d after %d", v, last)
			}
			last = v
			if w&(1<<32-1) == 0 {
				continue
			}
			n++
			cell := s.cells.at(cellRef(w))
			if cellPos(cell) != ref+wordRef(segHead+k) || cellVersion(cell) != v || cellTag(cell) != r.tag {
				t.Fatalf("cell and log disagree at version %d", v)
			}
		}
		if n != segLive(b) {
			t.Fatalf("segment %d says %d live, has %d", i, segLive(b), n)
		}
		live += n
	}
	if live != int(r.entries) || last > r.last || r.segments > 0 && r.tail != s.segment(r, int(r.segments)-1) {
		t.Fatalf("log of origin %d has %d live of %d, last %d of %d", o, live, r.entries, last, r.last)
	}
}

func (x *machine) checkStats(t *rapid.T) {
	entries, live, bytes, highest := 0, 0, 0, map[string]*modelOrigin{}
	for _, o := range x.m.origins {
		entries += len(o.keys)
		for _, e := range o.keys {
			bytes += len(e.Key) + len(e.Value)
			if e.Flags&codec.EntryTombstone == 0 {
				live++
			}
		}
		if h := highest[o.name]; h == nil || h.gen < o.gen {
			highest[o.name] = o
		}
	}
	got := x.s.Stats()
	if held := got.CellBytes; x.s.dying == 0 && held != x.cells() {
		t.Fatalf("%d bytes of cells, want %d", held, x.cells())
	}
	if got.Entries != entries || got.LiveKeys != live || got.ValueBytes != bytes || got.Origins != len(x.ids) {
		t.Fatalf("stats %+v, want %d entries, %d live, %d bytes", got, entries, live, bytes)
	}
	for name, o := range highest {
		if x.s.FindName([]byte(name)) != o.o {
			t.Fatalf("%s is not generation %d", name, o.gen)
		}
		x.checkRange(t, o)
	}
	if x.s.FindName([]byte("nobody")) != 0 {
		t.Fatal("found nobody")
	}
}

// cells is the bytes of the cells of all entries.
func (x *machine) cells() (sum int) {
	for _, o := range x.m.origins {
		for _, e := range o.keys {
			sum += CellBytes(len(e.Key)+len(e.Value), e.Flags)
		}
	}
	return sum
}

func (x *machine) checkRange(t *rapid.T, o *modelOrigin) {
	var want []codec.Entry
	for _, e := range o.after(0) {
		if e.Flags&codec.EntryTombstone == 0 {
			want = append(want, e)
		}
	}
	n := 0
	x.s.Range([]byte(o.name), func(key, value []byte, m Meta) bool {
		if n >= len(want) || !bytes.Equal(key, want[n].Key) || !bytes.Equal(value, want[n].Value) || m.Version != want[n].Version || m.Gen != o.gen {
			t.Fatalf("range: entry %d is %q %+v", n, key, m)
		}
		n++
		return true
	})
	if n != len(want) {
		t.Fatalf("range saw %d of %d", n, len(want))
	}
}

func testAgainstModel(t *testing.T, l Limits) {
	rapid.Check(t, func(t *rapid.T) {
		x := &machine{m: model{origins: map[codec.OriginID]*modelOrigin{}}}
		x.s.Init(l, rapid.Uint64().Draw(t, "seed"))
		if rapid.Bool().Draw(t, "by key") {
			x.s.PrintKeys()
		}
		x.limits = x.s.Limits()
		t.Repeat(map[string]func(*rapid.T){
			"add": x.Add, "remove": x.Remove, "run": x.Run, "run again": x.Run, "encoded": x.Encoded, "encoded again": x.Encoded, "any": x.Any, "rename": x.Rename, "": x.Check,
		})
	})
}

func TestAgainstModel(t *testing.T) {
	testAgainstModel(t, Limits{Origins: 16, Keys: 4096, ValueBytes: 8 << 20})
}

func TestAgainstModelAtLimits(t *testing.T) {
	testAgainstModel(t, Limits{Origins: 3, Keys: 70, KeysPerOrigin: 40, ValueBytes: 96 << 10})
	testAgainstModel(t, Limits{Origins: 3, Keys: 70, BytesPerOrigin: 600, ValueBytes: 96 << 10})
	testAgainstModel(t, Limits{Origins: 3, Keys: 200, Tombstones: 5, ValueBytes: 20 << 10})
}
