package state

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/codec"
)

const (
	writerID = codec.OriginID(7)
	relayID  = codec.OriginID(9)
	liarID   = codec.OriginID(11)
)

// refRun is a run of a store's own origin as its writer sends it that believes its reader to hold
// the log up to base; bare: with keys alone; batches: with references within batches too, as no
// engine writes them. It may end before all that is here.
type refRun struct {
	from, base    uint64
	limit         int
	bare, batches bool
}

func (x refRun) of(t interface{ Fatal(...any) }, s *Store, o Origin) (run codec.Run) {
	var w codec.RunWriter
	if !w.Begin(nil, x.limit, codec.RunHead{ID: s.ID(o), From: x.from, Floor: s.Floor(o), Max: s.Max(o), Dirty: s.Dirty(o)}) {
		t.Fatal("no room")
	}
	var c Cursor
	var e codec.Entry
	to, whole := x.from, true
	for s.After(o, x.from, &c); c.Next(&e); {
		if e.Version > to && e.Rest > 0 && !w.FitsBatch(40*int(e.Rest+1)) {
			whole = false
			break
		}
		begins := e.Version > to
		if !begins {
			e.EndAt(to)
		}
		if below := s.Former(e.Version); !x.bare && below != 0 && e.Version-uint64(below) <= x.base && (x.batches || begins && e.Rest == 0) {
			e.Key, e.Ref, e.Flags = nil, below, e.Flags|codec.EntryByRef
		}
		if !w.Entry(&e) {
			whole = false
			break
		}
		to = max(to, e.End())
	}
	if whole {
		to = max(to, s.Max(o))
	}
	if err := codec.ParseRun(w.End(to)[codec.RecordBytes:], &run); err != nil {
		t.Fatal(err)
	}
	return run
}

// refModel is an author, and replicas: one that may relay, one, and one that has room for few keys.
type refModel struct {
	t      *rapid.T
	all    [4]Store
	o      [4]Origin
	v      uint64
	wrote  map[uint64]string // version: key and value
	lied   [4]bool           // it was told what the author did not write
	level  [4]uint64         // what the author's own run made it level with last
	it     codec.RunIter
	refs   int // that were resolved
	cut    int // that led nowhere
	beyond int // runs that were taken beyond a hole
}

// apply hands a run to a replica; from the author itself, all that it brings is what it wrote. Where
// the author refers to no more than what its own run made the replica level with, references lead
// somewhere.
func (m *refModel) apply(i int, by codec.OriginID, run *codec.Run, base uint64) {
	s, o := &m.all[i], m.o[i]
	var e codec.Entry
	refs, was := 0, s.Seen(o)
	knows := by == writerID && base <= m.level[i] && was == s.Max(o) && !s.Relayed(o) && !m.lied[i] && i < 3
	var brings []uint64
	for m.it.Reset(run); m.it.Next(&e); {
		if e.Flags&codec.EntryByRef != 0 && e.Version > was {
			refs++
		}
		if e.Version > was {
			brings = append(brings, e.Version)
		}
	}
	s.Hop(1, by)
	a := s.ApplyRun(o, run, &m.it)
	s.Hop(0, 0)
	switch {
	case a.Unnamed && knows:
		m.t.Fatalf("replica %d was level at %d, and a reference below %d led nowhere", i, m.level[i], base)
	case a.Unnamed:
		m.cut++
	case a.Status == OK:
		m.refs += refs
	case a.Status == TooMany || a.Status == Full:
		m.beyond++
		m.refs += refs
	case a.Status != Gap:
		m.t.Fatal(a.Status)
	}
	if by == writerID && run.Level() && s.Max(o) == run.To {
		m.level[i] = run.To
	}
	if by == liarID {
		m.lied[i] = m.lied[i] || a.New+a.Beyond > 0 || a.To > a.From
		return
	}
	for _, v := range brings {
		if by != writerID && m.lied[i] {
			break
		}
		if cell := s.cellAt(s.rec(o), v); cell != 0 {
			b := s.cells.at(cell)
			at, n, k := cellSizes(b)
			if got := string(b[at:at+n]) + "=" + string(b[at+n:at+n+k]); got != m.wrote[v] {
				m.t.Fatalf("replica %d holds %q as version %d, which is %q", i, got, v, m.wrote[v])
			}
		}
	}
	for v := a.From + 1; v <= a.To; v++ { // batches come whole, or what is missing was written again
		cell, here := s.cellAt(s.rec(o), v), m.all[0].cellAt(m.all[0].rec(m.o[0]), v)
		if cell == 0 && here != 0 && !m.lied[i] && by == writerID && v > m.all[0].Floor(m.o[0]) {
			m.t.Fatalf("replica %d goes up to %d without version %d", i, a.To, v)
		}
	}
}

func (m *refModel) write() {
	t, s, o := m.t, &m.all[0], m.o[0]
	n := 1
	if rapid.IntRange(0, 2).Draw(t, "batch") == 2 {
		n = rapid.IntRange(2, 4).Draw(t, "together")
	}
	used := map[int]bool{}
	for i := range n {
		k := rapid.IntRange(0, 23).Draw(t, "key")
		for used[k] {
			k = (k + 1) % 24
		}
		used[k] = true
		m.v++
		e := codec.Entry{Version: m.v, Key: fmt.Appendf(nil, "some/key/%d", k), Value: fmt.Appendf(nil, "%d", m.v)}
		if rapid.IntRange(0, 5).Draw(t, "delete") == 5 {
			e.Flags, e.Value = codec.EntryTombstone, nil
		}
		if rest := n - 1 - i; rest > 0 {
			e.Flags, e.Rest = e.Flags|codec.EntryMore, uint8(rest)
		}
		if st := s.Apply(o, &e); st != OK {
			t.Fatal(st)
		}
		m.wrote[m.v] = string(e.Key) + "=" + string(e.Value)
	}
	s.Advance(o, m.v, s.Floor(o))
}

// lie tells a replica what the author did not write, from where it is.
func (m *refModel) lie(i int) {
	var w codec.RunWriter
	at := m.all[i].Seen(m.o[i])
	w.Begin(nil, 1200, codec.RunHead{ID: writerID, From: at})
	to := at + uint64(rapid.IntRange(1, 4).Draw(m.t, "forged"))
	for v := at + 1; v <= to; v++ {
		e := codec.Entry{Version: v, Key: fmt.Appendf(nil, "some/key/%d", rapid.IntRange(0, 25).Draw(m.t, "key")), Value: []byte("forged")}
		if rapid.IntRange(0, 3).Draw(m.t, "delete") == 0 {
			e.Flags, e.Value = codec.EntryTombstone, nil
		}
		w.Entry(&e)
	}
	var run codec.Run
	if err := codec.ParseRun(w.End(to)[codec.RecordBytes:], &run); err != nil {
		m.t.Fatal(err)
	}
	m.apply(i, liarID, &run, 0)
}

// prove is a checkpoint of the author that reaches a replica.
func (m *refModel) prove(i int) {
	a, s := &m.all[0], &m.all[i]
	if s.Max(m.o[i]) != a.Max(m.o[0]) || s.Dirty(m.o[i]) || !s.Level(m.o[i]) {
		return
	}
	x, _ := a.Sum(m.o[0], &Budget{Words: 1 << 20})
	if y, _ := s.Sum(m.o[i], &Budget{Words: 1 << 20}); x == y {
		s.Prove(m.o[i], s.Max(m.o[i]))
	}
}

// TestReferencesAreKeys: whatever runs reach replicas, whole or cut, in order or not, lost or told
// twice, from the author, relays and liars, with references that lead somewhere or not: what the
// author's own runs bring is what the author wrote, and batches come whole; and who asks with keys
// for what is left ends with what the author holds, but for what a liar told.
func TestReferencesAreKeys(t *testing.T) {
	var sum refModel
	rapid.Check(t, func(t *rapid.T) {
		m := &refModel{t: t, wrote: map[uint64]string{}}
		for i := range m.all {
			l := Limits{Origins: 4, Keys: 64, ValueBytes: 1 << 16}
			if i == 3 {
				l.KeysPerOrigin = 12
			}
			m.all[i].Init(l, uint64(i))
			m.o[i], _ = m.all[i].Add(writerID, 1, []byte("a"))
		}
		m.all[0].SetOwner(m.o[0])
		lies := rapid.IntRange(0, 3).Draw(t, "lies") == 3
		top := func(i int) uint64 { return m.all[i].Max(m.o[i]) }
		for range rapid.IntRange(40, 200).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 11).Draw(t, "step"); step {
			case 0, 1, 2, 3:
				for range rapid.IntRange(1, 4).Draw(t, "writes") {
					m.write()
				}
			case 4:
				m.all[0].Collect(m.o[0], min(top(1), top(2))/2)
			case 5:
				m.prove(rapid.IntRange(1, 3).Draw(t, "proves"))
			case 6:
				if lies {
					m.lie(rapid.IntRange(1, 2).Draw(t, "lied to"))
				}
			default:
				from, to := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "from"), rapid.IntRange(1, 3).Draw(t, "to")
				if from == to || from == 1 && m.lied[1] {
					from = 0
				}
				begin := min(top(from), rapid.SampledFrom([]uint64{m.all[to].Seen(m.o[to]), m.all[to].Seen(m.o[to]), top(to) + 2, top(from) / 2}).Draw(t, "begin"))
				base := begin
				if rapid.IntRange(0, 3).Draw(t, "wrong") == 3 {
					base = min(begin, rapid.Uint64Range(0, top(from)).Draw(t, "base"))
				}
				by := writerID
				if from == 1 {
					by = relayID
				}
				x := refRun{begin, base, rapid.SampledFrom([]int{1200, 120, 60}).Draw(t, "limit"), from == 1 || rapid.IntRange(0, 3).Draw(t, "bare") == 3, rapid.Bool().Draw(t, "in batches")}
				run := x.of(t, &m.all[from], m.o[from])
				m.apply(to, by, &run, base)
				if rapid.IntRange(0, 4).Draw(t, "twice") == 0 {
					m.apply(to, by, &run, base)
				}
			}
		}
		sum.refs, sum.cut, sum.beyond = sum.refs+m.refs, sum.cut+m.cut, sum.beyond+m.beyond
		for i := 1; i < 3; i++ {
			for top(i) < m.v {
				was := top(i)
				run := refRun{was, was, 1200, true, false}.of(t, &m.all[0], m.o[0])
				if m.apply(i, writerID, &run, was); top(i) <= was {
					t.Fatalf("replica %d stands still at %d of %d", i, was, m.v)
				}
			}
			if !m.lied[i] && !m.all[i].Dirty(m.o[i]) { // it may hold what was deleted, and says so
				m.same(i)
			}
		}
	})
	t.Logf("%d references were resolved, %d led nowhere, %d runs went beyond holes", sum.refs, sum.cut, sum.beyond)
	if !testing.Short() && (sum.refs < 100 || sum.cut < 50 || sum.beyond < 100) {
		t.Error("the runs show nothing")
	}
}

// same holds a replica's log against the author's, above its floor.
func (m *refModel) same(i int) {
	var a, b Cursor
	var x, y codec.Entry
	floor := m.all[0].Floor(m.o[0])
	m.all[0].After(m.o[0], floor, &a)
	m.all[i].After(m.o[i], floor, &b)
	for a.Next(&x) {
		if !b.Next(&y) || x.Version != y.Version || string(x.Key) != string(y.Key) || string(x.Value) != string(y.Value) || x.Flags&codec.EntryTombstone != y.Flags&codec.EntryTombstone {
			m.t.Fatalf("replica %d holds %+v, the author %+v", i, y, x)
		}
	}
	if b.Next(&y) {
		m.t.Fatalf("replica %d holds %+v, the author nothing", i, y)
	}
}

// refDesk is an author with one key that was written twice, and a replica that holds the first.
type refDesk struct {
	author, reader Store
	a, o           Origin
	it             codec.RunIter
}

func (x *refDesk) write(key, value string, flags codec.EntryFlags) {
	e := codec.Entry{Version: x.author.Max(x.a) + 1, Key: []byte(key), Value: []byte(value), Flags: flags}
	x.author.Apply(x.a, &e)
	x.author.Advance(x.a, e.Version, x.author.Floor(x.a))
}

func (x *refDesk) take(by codec.OriginID, run *codec.Run) Applied {
	x.reader.Hop(1, by)
	defer x.reader.Hop(0, 0)
	return x.reader.ApplyRun(x.o, run, &x.it)
}

func newRefDesk() *refDesk {
	x := new(refDesk)
	for _, s := range []*Store{&x.author, &x.reader} {
		s.Init(Limits{Origins: 4, Keys: 64, ValueBytes: 1 << 16}, 1)
	}
	x.a, _ = x.author.Add(writerID, 1, []byte("a"))
	x.o, _ = x.reader.Add(writerID, 1, []byte("a"))
	x.author.SetOwner(x.a)
	return x
}

// TestReferencesLeadToNoForgedKey: what somebody else than its writer brought is referred to only
// once it was the same as the writer's.
func TestReferencesLeadToNoForgedKey(t *testing.T) {
	for _, by := range []codec.OriginID{writerID, relayID, liarID} {
		for _, proven := range []bool{false, true} {
			x := newRefDesk()
			x.write("right", "1", 0)
			true1 := refRun{0, 0, 1200, true, false}.of(t, &x.author, x.a)
			if by == liarID {
				var w codec.RunWriter
				w.Begin(nil, 1200, codec.RunHead{ID: writerID})
				w.Entry(&codec.Entry{Version: 1, Key: []byte("wrong"), Value: []byte("1")})
				if err := codec.ParseRun(w.End(1)[codec.RecordBytes:], &true1); err != nil {
					t.Fatal(err)
				}
			}
			x.take(by, &true1)
			if proven {
				s, _ := x.author.Sum(x.a, &Budget{Words: 100})
				if r, _ := x.reader.Sum(x.o, &Budget{Words: 100}); r == s {
					x.reader.Prove(x.o, 1)
				}
			}
			x.write("right", "2", 0)
			run := refRun{1, 1, 1200, false, false}.of(t, &x.author, x.a)
			a := x.take(writerID, &run)
			if want := by != writerID && (by == liarID || !proven); a.Unnamed != want || want && x.reader.Max(x.o) != 1 || !want && x.reader.Max(x.o) != 2 {
				t.Errorf("brought by %d, proven %v: %+v, up to %d", by, proven, a, x.reader.Max(x.o))
			}
			if _, _, ok := x.reader.AppendGet(nil, []byte("a"), []byte("wrong")); ok != (by == liarID) {
				t.Errorf("brought by %d: the forged key is here: %v", by, ok)
			}
			if v, _, _ := x.reader.AppendGet(nil, []byte("a"), []byte("wrong")); by == liarID && string(v) != "1" {
				t.Errorf("the author's frame wrote %q to a forged key", v)
			}
		}
	}
}

// TestWhatWasProvenAndIsRepairedByOthers: what another one than the writer brings below what was the
// same as the writer's is as good as new.
func TestWhatWasProvenAndIsRepairedByOthers(t *testing.T) {
	x := newRefDesk()
	for _, k := range []string{"a", "b", "c"} {
		x.write(k, "1", 0)
	}
	run := refRun{0, 0, 1200, true, false}.of(t, &x.author, x.a)
	x.take(relayID, &run)
	x.reader.Prove(x.o, 3)
	p := &x.reader.proven[x.o]
	if !p.sure(1) || !p.sure(3) {
		t.Error("what was the same is in doubt")
	}
	x.reader.Hop(1, relayID)
	x.reader.drop(x.o, x.reader.rec(x.o), x.reader.cellAt(x.reader.rec(x.o), 2))
	if h := x.reader.Heal(x.o, &run, &x.it, false); h.Missing != 1 {
		t.Fatalf("%+v", h)
	}
	x.reader.Hop(0, 0)
	if !p.sure(1) || p.sure(2) || !p.sure(4) {
		t.Errorf("%+v", *p)
	}
	x.take(writerID, &run)
	if !p.sure(2) {
		t.Errorf("what the writer said itself is in doubt: %+v", *p)
	}
}

// TestHostileReferencesLeadNowhere: to versions that are not there, to deletes, to itself, to what
// makes an entry too long: the run is taken up to there.
func TestHostileReferencesLeadNowhere(t *testing.T) {
	f := func(name string, e codec.Entry) {
		t.Helper()
		x := newRefDesk()
		x.write("key", "1", 0)
		x.write("gone", "2", 0)
		x.write("gone", "", codec.EntryTombstone)
		first := refRun{0, 0, 1200, true, false}.of(t, &x.author, x.a)
		x.take(writerID, &first)
		var w codec.RunWriter
		w.Begin(nil, codec.FrameBytesMax, codec.RunHead{ID: writerID, From: 3})
		w.Entry(&codec.Entry{Version: 4, Key: []byte("good"), Value: []byte("v")})
		e.Version, e.Flags = 5, e.Flags|codec.EntryByRef
		if !w.Entry(&e) {
			t.Fatal(name, ": no room")
		}
		w.Entry(&codec.Entry{Version: 6, Key: []byte("after"), Value: []byte("v")})
		var run codec.Run
		if err := codec.ParseRun(w.End(6)[codec.RecordBytes:], &run); err != nil {
			return // no frame says so
		}
		if a := x.take(writerID, &run); !a.Unnamed || x.reader.Max(x.o) != 4 || a.New != 1 {
			t.Errorf("%s: %+v, up to %d", name, a, x.reader.Max(x.o))
		}
	}
	f("of a delete", codec.Entry{Ref: 2})
	f("of what was replaced", codec.Entry{Ref: 3})
	f("within the run", codec.Entry{Ref: 1})
	f("below the log", codec.Entry{Ref: 5})
	f("far below", codec.Entry{Ref: 1<<32 - 1})
	f("too long", codec.Entry{Ref: 4, Value: make([]byte, codec.EntryBytesMax)})
	f("to itself", codec.Entry{Ref: 0})
}

// TestFormersAreOfTheOwner: of its writes alone, as many as it has entries and 2,048 at most.
func TestFormersAreOfTheOwner(t *testing.T) {
	x := newRefDesk()
	other, _ := x.author.Add(relayID, 1, []byte("b"))
	for v := uint64(1); v < 9; v++ {
		x.author.Apply(other, &codec.Entry{Version: v, Key: []byte("k"), Value: []byte("v")})
	}
	if len(x.author.formers) != 0 {
		t.Error("those of others are kept")
	}
	x.write("k", "v", 0)
	x.write("l", "v", 0)
	x.write("k", "w", 0)
	x.write("k", "", codec.EntryTombstone)
	x.write("k", "x", 0)
	for v, want := range []uint32{0, 0, 0, 2, 1, 0, 0} {
		if got := x.author.Former(uint64(v)); got != want {
			t.Errorf("version %d is %d above what it replaced, want %d", v, got, want)
		}
	}
	x.author.Rename(x.a, writerID+1, 2)
	if x.author.Former(3) != 2 {
		t.Error("another life of the owner forgets them")
	}
	if x.author.formers.grow(1 << 20); len(x.author.formers) != formersMost || x.author.Former(3) != 2 {
		t.Error("they do not grow so")
	}
}

// FuzzReferences: whatever a run of references says, nothing is written to a key that its writer did
// not name before, and the replica stays sound.
func FuzzReferences(f *testing.F) {
	seed := func() []byte {
		var w codec.RunWriter
		w.Begin(nil, 1200, codec.RunHead{ID: writerID, From: 3})
		w.Entry(&codec.Entry{Version: 4, Flags: codec.EntryByRef, Ref: 1, Value: []byte("4")})
		w.Entry(&codec.Entry{Version: 5, Flags: codec.EntryByRef | codec.EntryTombstone, Ref: 3})
		w.Entry(&codec.Entry{Version: 6, Flags: codec.EntryByRef | codec.EntryMore, Rest: 1, Ref: 2})
		w.Entry(&codec.Entry{Version: 7, Flags: codec.EntryByRef, Ref: 7})
		return w.End(9)[codec.RecordBytes:]
	}
	f.Add(seed())
	f.Fuzz(func(t *testing.T, body []byte) {
		var run codec.Run
		if codec.ParseRun(body, &run) != nil {
			return
		}
		x := newRefDesk()
		for _, k := range []string{"key/1", "key/2", "key/1"} {
			x.write(k, "v", 0)
		}
		run.ID = writerID
		first := refRun{0, 0, 1200, true, false}.of(t, &x.author, x.a)
		x.take(writerID, &first)
		named := map[string]bool{"key/1": true, "key/2": true}
		var e codec.Entry
		for x.it.Reset(&run); x.it.Next(&e); {
			named[string(e.Key)] = true
		}
		a := x.take(writerID, &run)
		if a.To < a.From || x.reader.Max(x.o) != max(a.To, 3) && a.Status != NoOrigin {
			t.Fatalf("%+v, up to %d", a, x.reader.Max(x.o))
		}
		var c Cursor
		n := 0
		for x.reader.After(x.o, 0, &c); c.Next(&e); n++ {
			if !named[string(e.Key)] || e.Flags&codec.EntryByRef != 0 || check(&e) != OK {
				t.Fatalf("%+v", e)
			}
		}
		if n != x.reader.Stats().Entries {
			t.Fatalf("%d entries of %d", n, x.reader.Stats().Entries)
		}
	})
}
