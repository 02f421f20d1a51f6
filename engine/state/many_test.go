package state

import (
	"encoding/binary"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// many is a cluster in one process: each of the stores holds all origins, and together they fit no
// second-level cache.
type many struct {
	stores  []*Store
	entries []codec.Entry // newest of each origin
	runs    []codec.Run   // of a round: one for each origin
	frames  []byte
}

const (
	manyStores  = 32
	manyKeys    = 200 // of an origin
	manyEntries = 14  // in a run: a frame of 64-byte values
)

func newMany(tb testing.TB) *many {
	m := &many{entries: make([]codec.Entry, manyStores), runs: make([]codec.Run, manyStores), frames: make([]byte, 0, manyStores<<11)}
	for i := range m.entries {
		m.entries[i] = codec.Entry{Key: []byte("k/01234567"), Value: make([]byte, 64)}
	}
	for i := range manyStores {
		s := new(Store)
		s.Init(Limits{Origins: 64, Keys: 1 << 14, ValueBytes: 16 << 20}, uint64(i))
		for o := range manyStores {
			if _, status := s.Add(codec.OriginID(o+1), 1, []byte{byte('a' + o)}); status != OK {
				tb.Fatal(status)
			}
		}
		m.stores = append(m.stores, s)
	}
	for range 40 {
		m.encode()
		m.apply(tb)
	}
	return m
}

// encode makes the next run of each origin.
func (m *many) encode() {
	var w codec.RunWriter
	m.frames = m.frames[:0]
	for o := range m.entries {
		e := &m.entries[o]
		start := len(m.frames)
		w.Begin(m.frames, start+1400, codec.RunHead{ID: codec.OriginID(o + 1), From: e.Version})
		for range manyEntries {
			e.Version++
			binary.LittleEndian.PutUint64(e.Key[2:], e.Version%manyKeys)
			if !w.Entry(e) {
				panic("entry")
			}
		}
		m.frames = w.End(e.Version)
		_, body, _ := codec.NextRecord(m.frames[start:])
		if codec.ParseRun(body, &m.runs[o]) != nil {
			panic("run")
		}
	}
}

// apply gives all runs to all stores.
func (m *many) apply(tb testing.TB) {
	var it codec.RunIter
	for _, s := range m.stores {
		for o := range m.runs {
			if a := s.ApplyRun(Origin(o+1), &m.runs[o], &it); a.New != manyEntries {
				tb.Fatalf("%+v", a)
			}
		}
	}
}

// BenchmarkApplyRunMany is the load of a process with many engines: nothing of a store is in the
// near caches when its turn comes.
func BenchmarkApplyRunMany(b *testing.B) {
	m := newMany(b)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		m.encode()
		b.StartTimer()
		m.apply(b)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*manyStores*manyStores*manyEntries), "ns/entry")
}
