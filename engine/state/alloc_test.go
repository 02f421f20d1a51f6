package state

import (
	"encoding/binary"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// filled returns a store with one origin of so many keys, each overwritten once or more.
func filled(tb testing.TB, keys int) (*Store, Origin, *codec.Entry) {
	s := new(Store)
	s.Init(Limits{Origins: 4, Keys: keys + 1000, ValueBytes: keys*128 + 1<<20}, 1)
	o, _ := s.Add(7, 1, []byte("filled"))
	e := &codec.Entry{Key: []byte("k/01234567"), Value: make([]byte, 32)}
	for range 2 {
		for i := range keys {
			binary.LittleEndian.PutUint64(e.Key[2:], uint64(i))
			e.Version++
			if status := s.Apply(o, e); status != OK {
				tb.Fatal(status)
			}
		}
	}
	s.Advance(o, e.Version, 0)
	return s, o, e
}

// scramble is a cheap sequence over the keys.
func scramble(e *codec.Entry, keys uint64) {
	binary.LittleEndian.PutUint64(e.Key[2:], mix(e.Version)%keys)
}

func TestNothingAllocates(t *testing.T) {
	s, o, e := filled(t, 20000)
	apply := func() {
		e.Version++
		scramble(e, 20000)
		if s.Apply(o, e) != OK {
			t.Fatal("apply")
		}
		s.Advance(o, e.Version, 0)
	}
	for range 200000 {
		apply()
	}
	var view codec.Entry
	var c Cursor
	dst := make([]byte, 0, 64)
	f := func(name string, call func()) {
		if n := testing.AllocsPerRun(2000, call); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	f("Apply", apply)
	var it codec.RunIter
	batch := runs(e, 20000, 2100)
	f("ApplyRun", func() {
		if a := s.ApplyRun(o, &batch[0], &it); a.New != 24 {
			t.Fatalf("%+v", a)
		}
		batch = batch[1:]
	})
	f("Get", func() { s.Get(o, e.Key, &view) })
	f("AppendGet", func() { s.AppendGet(dst, []byte("filled"), e.Key) })
	f("After", func() {
		for s.After(o, e.Version-40, &c); c.Next(&view); {
		}
	})
	f("Missing", func() { s.Missing(o, e.Version/2) })
	f("Find", func() { s.Find(7); s.FindName([]byte("filled")); s.Following(s.FirstAtOrAfter(0)) })
}

func benchmarkApply(b *testing.B, keys int) {
	s, o, e := filled(b, keys)
	b.ReportAllocs()
	defer measureCPU(b, 1)()
	for b.Loop() {
		e.Version++
		scramble(e, uint64(keys))
		s.Apply(o, e)
		if e.Version&15 == 0 {
			s.Advance(o, e.Version, 0)
		}
	}
}

// runs makes encoded runs of 24 entries that overwrite random keys.
func runs(e *codec.Entry, keys uint64, count int) (runs []codec.Run) {
	runs = make([]codec.Run, count)
	fillRuns(e, keys, runs, make([]byte, 0, count<<11))
	return runs
}

// fillRuns does the same in memory that was used before.
func fillRuns(e *codec.Entry, keys uint64, runs []codec.Run, frames []byte) {
	var w codec.RunWriter
	for i := range runs {
		start := len(frames)
		w.Begin(frames, start+1<<11, codec.RunHead{ID: 7, From: e.Version})
		for range 24 {
			e.Version++
			scramble(e, keys)
			w.Entry(e)
		}
		frames = w.End(e.Version)
		_, body, _ := codec.NextRecord(frames[start:])
		if codec.ParseRun(body, &runs[i]) != nil {
			panic("run")
		}
	}
}

// benchmarkApplyRun applies runs that are in the near caches, as those that the kernel has just
// delivered are.
func benchmarkApplyRun(b *testing.B, keys int) {
	s, o, e := filled(b, keys)
	var it codec.RunIter
	for range 2 * keys { // steady state: compaction goes on
		e.Version++
		scramble(e, uint64(keys))
		s.Apply(o, e)
	}
	s.Advance(o, e.Version, 0)
	batch := make([]codec.Run, 128)
	frames := make([]byte, 0, len(batch)<<11)
	b.ReportAllocs()
	b.ResetTimer()
	for n := b.N; n > 0; n -= len(batch) {
		b.StopTimer()
		batch = batch[:min(n, len(batch))]
		fillRuns(e, uint64(keys), batch, frames)
		b.StartTimer()
		for i := range batch {
			if a := s.ApplyRun(o, &batch[i], &it); a.New != 24 {
				b.Fatalf("%+v", a)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*24), "ns/entry")
}

func BenchmarkApplyRunCached(b *testing.B)  { benchmarkApplyRun(b, 1000) }
func BenchmarkApplyRunMillion(b *testing.B) { benchmarkApplyRun(b, 1000000) }

func BenchmarkDecodeRun(b *testing.B) {
	e := &codec.Entry{Key: []byte("k/01234567"), Value: make([]byte, 32)}
	batch := runs(e, 1000000, 1000)
	var it codec.RunIter
	defer measureCPU(b, 24)()
	for b.Loop() {
		for it.Reset(&batch[b.N%1000]); it.Next(e); {
		}
	}
}

func BenchmarkApplyCached(b *testing.B)  { benchmarkApply(b, 1000) }
func BenchmarkApplyMillion(b *testing.B) { benchmarkApply(b, 1000000) }

func benchmarkExtract(b *testing.B, keys int, behind uint64) {
	s, o, e := filled(b, keys)
	for range keys {
		e.Version++
		scramble(e, uint64(keys))
		s.Apply(o, e)
	}
	s.Advance(o, e.Version, 0)
	var c Cursor
	var view codec.Entry
	n := 0
	b.ReportAllocs()
	defer measureCPU(b, 35)()
	for b.Loop() {
		s.After(o, e.Version-behind, &c)
		for i := 0; i < 35 && c.Next(&view); i++ {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/delta")
}

func BenchmarkExtractTail(b *testing.B)     { benchmarkExtract(b, 1000000, 35) }
func BenchmarkExtract10k(b *testing.B)      { benchmarkExtract(b, 1000000, 10000) }
func BenchmarkExtractMillion(b *testing.B)  { benchmarkExtract(b, 1000000, 1000000) }
func BenchmarkAppendGetCached(b *testing.B) { benchmarkAppendGet(b, 1000) }
func BenchmarkAppendGetMillion(b *testing.B) {
	benchmarkAppendGet(b, 1000000)
}

func benchmarkAppendGet(b *testing.B, keys int) {
	s, _, e := filled(b, keys)
	dst := make([]byte, 0, 64)
	name := []byte("filled")
	i := uint64(0)
	b.ReportAllocs()
	defer measureCPU(b, 1)()
	for b.Loop() {
		i++
		binary.LittleEndian.PutUint64(e.Key[2:], mix(i)%uint64(keys))
		if _, _, ok := s.AppendGet(dst, name, e.Key); !ok {
			b.Fatal("lost")
		}
	}
}
