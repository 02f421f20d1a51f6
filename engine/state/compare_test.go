package state

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// BenchmarkReadBesideWriter compares a reader of 1,000 or 1,000,000 keys while a writer overwrites
// as fast as it can. All copy the value to the reader's buffer.
func BenchmarkReadBesideWriter(b *testing.B) {
	for _, size := range []struct {
		name string
		keys uint64
	}{{"1k", 1000}, {"1M", 1000000}} {
		b.Run("store/"+size.name, func(b *testing.B) { benchmarkReads(b, size.keys, newStoreSide(b, size.keys)) })
		b.Run("rwmutex/"+size.name, func(b *testing.B) { benchmarkReads(b, size.keys, newLockSide(size.keys)) })
		b.Run("syncmap/"+size.name, func(b *testing.B) { benchmarkReads(b, size.keys, newSyncSide(size.keys)) })
	}
}

type side interface {
	write(key []byte, version uint64)
	read(dst, key []byte) ([]byte, bool)
}

func benchmarkReads(b *testing.B, keys uint64, x side) {
	var stop atomic.Bool
	var writes atomic.Uint64
	var done sync.WaitGroup
	done.Go(func() {
		key := []byte("k/01234567")
		for v := uint64(keys); !stop.Load(); v++ {
			binary.LittleEndian.PutUint64(key[2:], mix(v)%keys)
			x.write(key, v+1)
			writes.Add(1)
		}
	})
	key, dst, i := []byte("k/01234567"), make([]byte, 0, 64), uint64(0)
	b.ReportAllocs()
	report := measureCPU(b, 1)
	for b.Loop() {
		i++
		binary.LittleEndian.PutUint64(key[2:], mix(i)%keys)
		if _, ok := x.read(dst, key); !ok {
			b.Fatal("lost")
		}
	}
	report()
	b.ReportMetric(float64(writes.Load())/b.Elapsed().Seconds(), "writes/s")
	stop.Store(true)
	done.Wait()
}

type storeSide struct {
	s    *Store
	o    Origin
	name []byte
	e    codec.Entry
}

func newStoreSide(b *testing.B, keys uint64) *storeSide {
	s, o, e := filled(b, int(keys))
	x := &storeSide{s: s, o: o, name: []byte("filled"), e: *e}
	return x
}

func (x *storeSide) write(key []byte, _ uint64) {
	x.e.Version++
	x.e.Key = key
	x.s.Apply(x.o, &x.e)
}

func (x *storeSide) read(dst, key []byte) ([]byte, bool) {
	value, _, ok := x.s.AppendGet(dst, x.name, key)
	return value, ok
}

type lockSide struct {
	mu sync.RWMutex
	m  map[string]map[string][]byte
}

func newLockSide(keys uint64) *lockSide {
	x := &lockSide{m: map[string]map[string][]byte{"filled": {}}}
	for k := range keys {
		x.write(binary.LittleEndian.AppendUint64(make([]byte, 0, 10), k)[:10], 0)
	}
	return x
}

func (x *lockSide) write(key []byte, version uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := x.m["filled"]
	value := keys[string(key)]
	if value == nil {
		value = make([]byte, 32)
		keys[string(key)] = value
	}
	binary.LittleEndian.PutUint64(value, version)
}

func (x *lockSide) read(dst, key []byte) ([]byte, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	value, ok := x.m["filled"][string(key)]
	return append(dst, value...), ok
}

type syncSide struct{ m sync.Map }

func newSyncSide(keys uint64) *syncSide {
	x := new(syncSide)
	for k := range keys {
		x.write(binary.LittleEndian.AppendUint64(make([]byte, 0, 10), k)[:10], 0)
	}
	return x
}

func (x *syncSide) write(key []byte, version uint64) {
	value := make([]byte, 32)
	binary.LittleEndian.PutUint64(value, version)
	x.m.Store([10]byte(key), value)
}

func (x *syncSide) read(dst, key []byte) ([]byte, bool) {
	value, ok := x.m.Load([10]byte(key))
	if !ok {
		return dst, false
	}
	return append(dst, value.([]byte)...), true
}
