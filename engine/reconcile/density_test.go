package reconcile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/bench/density"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

type noBook struct{}

func (noBook) Intro(state.Origin, *codec.Intro) {}

// author is a node that mails its own log.
type author struct {
	store  state.Store
	own    state.Origin
	there  state.Origin // at the reader
	filler Filler
}

func newAuthor(tb testing.TB, i, keys int) *author {
	a := new(author)
	a.store.Init(state.Limits{Origins: 2, Keys: keys, ValueBytes: keys * 256}, uint64(i))
	own, st := a.store.Add(codec.OriginID(1+i)*0x9e3779b97f4a7c15, 1, fmt.Appendf(nil, "n%d", i))
	if st != state.OK {
		tb.Fatal(st)
	}
	a.own = own
	a.store.SetOwner(own)
	a.filler.Init(&a.store, noBook{}, 1)
	return a
}

func (a *author) write(tb testing.TB, key, value string) {
	e := codec.Entry{Version: a.store.Max(a.own) + 1, Key: []byte(key), Value: []byte(value)}
	if st := a.store.Apply(a.own, &e); st != state.OK {
		tb.Fatal(st)
	}
	a.store.Advance(a.own, e.Version, 0)
}

// reader is who reads what authors mail.
type reader struct {
	store state.Store
	run   codec.Run
	it    codec.RunIter
}

func (b *reader) meet(tb testing.TB, a *author) {
	there, st := b.store.Add(a.store.ID(a.own), 1, a.store.Name(a.own))
	if st != state.OK {
		tb.Fatal(st)
	}
	a.there = there
}

// take applies a run as a frame of its author brings it.
func (b *reader) take(tb testing.TB, a *author, record []byte) (x Applied) {
	if err := codec.ParseRun(record[codec.RecordBytes:], &b.run); err != nil {
		tb.Fatal(err)
	}
	b.store.Hop(1, a.store.ID(a.own))
	x = Apply(&b.store, a.there, &b.run, &b.it)
	b.store.Hop(0, 0)
	if x.Gap || x.Full {
		tb.Fatalf("%+v", x)
	}
	return x
}

// level brings the reader all that an author has, with keys.
func (b *reader) level(tb testing.TB, a *author) {
	for b.store.Max(a.there) < a.store.Max(a.own) {
		out, _, _ := a.filler.Run(nil, codec.FrameBytesMax, a.own, b.store.Max(a.there))
		b.take(tb, a, out)
	}
}

// tally is what the bytes of frames are spent on.
type tally struct {
	frames, deltas, bytes     int
	value, key, version, head int // of entries: values with their lengths, keys or references, versions; and of frames

	was []byte // the key before
}

// count counts the run that a reader took last.
func (x *tally) count(run *codec.Run, it *codec.RunIter) {
	var e codec.Entry
	last := run.From
	x.was = x.was[:0]
	for it.Reset(run); it.Next(&e); {
		version := codec.RefBytes(uint32(e.Version-last-1) << 2)
		value := codec.RefBytes(uint32(len(e.Value))) + len(e.Value)
		x.key += codec.EntryBytes(&e, last, x.was) - version - value
		x.version, x.value, last = x.version+version, x.value+value, e.Version
		if e.Flags&codec.EntryByRef == 0 {
			x.was = append(x.was[:0], e.Key...)
		}
	}
}

// TestDensity states how many deltas a frame of the default size carries on their way from their
// authors to a replica, and what its bytes are spent on: bursts of 1 to 6 writes from random nodes
// of 300, who have written all their keys before; with keys, and with references.
func TestDensity(t *testing.T) {
	const nodes = 300
	f := func(name string, set density.Set, least int) {
		t.Helper()
		for _, knows := range []codec.Kind{codec.KindByRef - 1, codec.KindByRef} {
			how, least := "by reference", least
			if knows < codec.KindByRef {
				how, least = "with keys", 0
			}
			rng := rand.New(rand.NewPCG(1, 2))
			var b reader
			b.store.Init(state.Limits{Origins: nodes + 2, Keys: 1 << 17, ValueBytes: 1 << 26}, 1)
			var all [nodes]*author
			for i := range all {
				a := newAuthor(t, i, 4096)
				all[i] = a
				b.meet(t, a)
				for range 1200 {
					key, value := set(rng, i)
					a.write(t, key, value)
				}
				b.level(t, a)
			}
			h := codec.Header{Flags: codec.FlagFlow | codec.FlagPrints, Sender: 1}
			var d tally
			for range 200 {
				frame := codec.AppendHeader(nil, &h)
				for full := false; !full; {
					i := rng.IntN(nodes)
					a := all[i]
					from := a.store.Max(a.own)
					for range 1 + rng.IntN(6) {
						key, value := set(rng, i)
						a.write(t, key, value)
					}
					out, to, n := a.filler.News(frame, codec.FrameBytesDefault-codec.ChecksumBytes, from, knows)
					if full = out == nil || to < a.store.Max(a.own); out != nil {
						if x := b.take(t, a, out[len(frame):]); x.Unnamed {
							t.Fatalf("%+v", x)
						}
						d.count(&b.run, &b.it)
						frame, d.deltas = out, d.deltas+n
					}
					b.level(t, a)
				}
				d.frames++
				d.bytes += len(frame) + codec.ChecksumBytes
				d.head += codec.HeaderBytes(h.Flags) + codec.ChecksumBytes
			}
			each, n := d.deltas/d.frames, float64(d.deltas)
			t.Logf("%-17s %-12s %3d deltas a frame of %.1f bytes: value %.1f, key %.1f, version %.1f, run %.1f, frame %.1f",
				name, how, each, float64(d.bytes)/n, float64(d.value)/n, float64(d.key)/n, float64(d.version)/n,
				float64(d.bytes-d.value-d.key-d.version-d.head)/n, float64(d.head)/n)
			if each < least {
				t.Errorf("%s %s: %d deltas a frame, not %d", name, how, each, least)
			}
			for _, a := range all {
				x, _ := a.store.Sum(a.own, &state.Budget{Words: 1 << 20})
				if y, _ := b.store.Sum(a.there, &state.Budget{Words: 1 << 20}); x != y {
					t.Fatal("the replicas differ")
				}
			}
		}
	}
	f("service discovery", density.Service, 82)
	f("metrics", density.Metric, 95)
	f("flags", density.Flag, 125)
}

// TestNewsAllocatesNothing: nor does its reader.
func TestNewsAllocatesNothing(t *testing.T) {
	var b reader
	b.store.Init(state.Limits{Origins: 2, Keys: 1 << 12, ValueBytes: 1 << 20}, 1)
	a := newAuthor(t, 1, 4096)
	b.meet(t, a)
	var keys [64]string
	for i := range keys {
		keys[i] = fmt.Sprint("some/key/", i)
		a.write(t, keys[i], "v")
	}
	b.level(t, a)
	buf := make([]byte, 0, codec.FrameBytesMax)
	e := codec.Entry{Value: []byte("w")}
	refs := 0
	one := func() {
		from := a.store.Max(a.own)
		for range 8 {
			e.Version = a.store.Max(a.own) + 1
			e.Key = append(buf[:0:16], keys[e.Version*7%64]...)
			a.store.Apply(a.own, &e)
			a.store.Advance(a.own, e.Version, 0)
		}
		out, _, n := a.filler.News(buf, cap(buf), from, codec.KindByRef)
		if len(out) < n*12 {
			refs++
		}
		if x := b.take(t, a, out); x.New != 8 {
			t.Fatalf("%+v", x)
		}
	}
	for range 2000 {
		one()
	}
	if refs = 0; testing.AllocsPerRun(1000, one) != 0 || refs < 1000 {
		t.Errorf("it allocates, or refers to nothing: %d runs were short", refs)
	}
}

// TestWhoTakesACutRunIsReferredToWhatItHolds: an author that writes on while a reader gets its log
// in many small runs leads it nowhere, also where keys that it lacks were written again.
func TestWhoTakesACutRunIsReferredToWhatItHolds(t *testing.T) {
	var b reader
	b.store.Init(state.Limits{Origins: 2, Keys: 1 << 12, ValueBytes: 1 << 20}, 1)
	a := newAuthor(t, 1, 4096)
	b.meet(t, a)
	rng := rand.New(rand.NewPCG(3, 4))
	write := func(n int) {
		for range n {
			a.write(t, fmt.Sprint("some/key/", rng.IntN(64)), fmt.Sprint(rng.IntN(1000)))
		}
	}
	write(500)
	b.level(t, a)
	refs := 0
	for range 2000 {
		write(rng.IntN(30))
		if from := b.store.Max(a.there); from < a.store.Max(a.own) {
			out, _, _ := a.filler.News(nil, 200+rng.IntN(100), from, codec.KindByRef)
			if out == nil {
				continue
			}
			if x := b.take(t, a, out); x.Unnamed {
				t.Fatalf("from %d of %d: %+v", from, a.store.Max(a.own), x)
			}
			var e codec.Entry
			for b.it.Reset(&b.run); b.it.Next(&e); {
				if e.Flags&codec.EntryByRef != 0 {
					refs++
				}
			}
		}
	}
	if t.Log(refs, "references"); refs < 1000 {
		t.Error("the runs show nothing")
	}
}

// BenchmarkNews is Run and News of the same eight writes.
func BenchmarkNews(b *testing.B) {
	for _, knows := range []codec.Kind{codec.KindByRef - 1, codec.KindByRef} {
		b.Run(map[bool]string{false: "keys", true: "references"}[knows == codec.KindByRef], func(b *testing.B) {
			a := newAuthor(b, 1, 4096)
			for i := range 128 {
				a.write(b, fmt.Sprint("some/key/", i%64), "v")
			}
			from := a.store.Max(a.own)
			for i := range 8 {
				a.write(b, fmt.Sprint("some/key/", i*7), "w")
			}
			buf := make([]byte, 0, codec.FrameBytesMax)
			for b.Loop() {
				a.filler.News(buf, cap(buf), from, knows)
			}
		})
	}
}

// TestWhoAsksAgainAndAgainIsSentKeys: for a time; not who asks for what was lost.
func TestWhoAsksAgainAndAgainIsSentKeys(t *testing.T) {
	var f Filler
	now := sched.Instant(sched.Second)
	ask := func(n int, every sched.Instant) {
		for range n {
			f.Asked(now, 3)
			now += every
		}
	}
	if !f.Refers(now, 3) {
		t.Error("one that never asked")
	}
	if ask(1000, 100*sched.Millisecond); !f.Refers(now, 3) {
		t.Error("ten times a second")
	}
	now += 2 * sched.Second
	if ask(2*askedMost, 10*sched.Millisecond); f.Refers(now, 3) || !f.Refers(now, 2) || !f.Refers(now, 4) {
		t.Error("a hundred times a second")
	}
	if now += keysFor; !f.Refers(now, 3) {
		t.Error("for ever")
	}
}
