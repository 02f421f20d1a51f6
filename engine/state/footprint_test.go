package state

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// heapBytes is what the process has in use on its heap.
func heapBytes() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestBytesPerKey: a million keys cost at most 56 bytes each above key and value, when they were
// written once and when each was overwritten several times in random order.
func TestBytesPerKey(t *testing.T) {
	if testing.Short() {
		t.Skip("a million keys")
	}
	const keys = 1000000
	before := heapBytes()
	s := new(Store)
	s.Init(Limits{Origins: 4, Keys: keys, ValueBytes: keys * 128}, 1)
	empty := s.Footprint()
	o, _ := s.Add(7, 1, []byte("bytes"))
	e := codec.Entry{Key: make([]byte, 16), Value: make([]byte, 32)}
	check := func(when string) {
		for s.Tidy(1000) {
		}
		stats := s.Stats()
		per := float64(stats.Footprint-empty-stats.ValueBytes) / keys
		t.Logf("%s: %.1f bytes a key: cells %.1f, log %.1f, index %.1f", when, per,
			float64(stats.CellBytes-stats.ValueBytes)/keys, float64(stats.LogBytes)/keys, float64(stats.IndexBytes)/keys)
		if per > 56 {
			t.Errorf("%s: %.1f bytes a key, want 56 at most", when, per)
		}
		mapped := heapBytes() - before
		if off := float64(stats.Footprint)/float64(mapped) - 1; off < -0.1 || off > 0.1 {
			t.Errorf("%s: footprint says %d, the heap has %d: %+.1f %%", when, stats.Footprint, mapped, 100*off)
		}
	}
	write := func(k uint64) {
		e.Version++
		binary.BigEndian.PutUint64(e.Key, mix(k)|1<<63) // no reserved key
		if status := s.Apply(o, &e); status != OK {
			t.Fatal(status)
		}
	}
	for k := range uint64(keys) {
		write(k)
	}
	check("written once")
	for i := range uint64(2 * keys) {
		write(mix(i) % keys)
	}
	check("overwritten")
	runtime.KeepAlive(s)
}

// TestLimitsFootprint: a full store maps no more than Limits.Footprint promises, and not much less:
// the promise has an eighth for cells that move, a sixteenth for shares that nobody took here, and
// room for long keys of the deleted.
func TestLimitsFootprint(t *testing.T) {
	f := func(l Limits, value int) {
		before := heapBytes()
		s := new(Store)
		s.Init(l, 1)
		rnd := rand.New(rand.NewPCG(1, 1))
		e := codec.Entry{Value: make([]byte, value)}
		var handles []Origin
		for i := range l.Origins {
			name := fmt.Sprintf("node-%d", i)
			o, _ := s.Add(codec.MakeOriginID([2]uint64{}, []byte(name), 1), 1, []byte(name))
			handles = append(handles, o)
		}
		for k := 0; ; k++ {
			o := handles[rnd.IntN(len(handles))]
			e.Version, e.Key = s.Last(o)+1, fmt.Appendf(e.Key[:0], "key-%d", k)
			if status := s.Apply(o, &e); status == TooMany || status == Full {
				break
			} else if status != OK {
				t.Fatal(status)
			}
		}
		dead := codec.Entry{Flags: codec.EntryTombstone}
		for k := 0; ; k++ {
			o := handles[rnd.IntN(len(handles))]
			dead.Version, dead.Key = s.Last(o)+1, fmt.Appendf(dead.Key[:0], "gone-%d", k)
			if s.Apply(o, &dead) != OK {
				break
			}
		}
		for i := range 2 * l.Keys {
			o := handles[rnd.IntN(len(handles))]
			var c Cursor
			var old codec.Entry
			s.After(o, s.Last(o)*uint64(i%97)/97, &c)
			if c.Next(&old) && old.Flags&codec.EntryTombstone == 0 {
				e.Version, e.Key = s.Last(o)+1, append(e.Key[:0], old.Key...)
				s.Apply(o, &e)
			}
		}
		mapped, promised := heapBytes()-before, l.Footprint()
		off := float64(promised)/float64(mapped) - 1
		t.Logf("%+v: promised %d, says %d, mapped %d (%+.1f %%), %+v", l, promised, s.Footprint(), mapped, 100*off, s.Stats())
		if off < -0.05 || off > 0.3 {
			t.Errorf("%+v: footprint promises %d, the heap has %d: %+.1f %%", l, promised, mapped, 100*off)
		}
		runtime.KeepAlive(s)
	}
	f(Limits{Origins: 100, Keys: 100000, ValueBytes: 7300000}, 40)
	f(Limits{Origins: 2000, Keys: 40000, ValueBytes: 14400000}, 300)
}

// TestEmptyStoreIsSmall: what LimitsDefault takes before anything is written.
func TestEmptyStoreIsSmall(t *testing.T) {
	before := heapBytes()
	s := new(Store)
	s.Init(LimitsDefault(), 1)
	o, _ := s.Add(7, 1, []byte("small"))
	s.Apply(o, &codec.Entry{Version: 1, Key: []byte("key"), Value: []byte("value")})
	mapped := heapBytes() - before
	t.Logf("%d bytes mapped, footprint %d", mapped, s.Footprint())
	if mapped > 1<<20 {
		t.Errorf("%d bytes mapped, footprint %d", mapped, s.Footprint())
	}
	runtime.KeepAlive(s)
}
