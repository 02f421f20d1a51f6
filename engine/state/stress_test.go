package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// Every value says whose it is and proves that it is whole: generation, version, key, filler,
// checksum.
func sealValue(dst []byte, gen, version uint64, key []byte, size int) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, gen)
	dst = binary.LittleEndian.AppendUint64(dst, version)
	dst = append(dst, byte(len(key)))
	dst = append(dst, key...)
	for range size {
		dst = append(dst, byte(version))
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst))
}

func checkValue(value, key []byte, m Meta) error {
	if len(value) < 21 {
		return fmt.Errorf("%q: %d bytes", key, len(value))
	}
	body, sum := value[:len(value)-4], binary.LittleEndian.Uint32(value[len(value)-4:])
	switch {
	case crc32.ChecksumIEEE(body) != sum:
		return fmt.Errorf("%q: torn", key)
	case !bytes.Equal(body[17:17+body[16]], key):
		return fmt.Errorf("%q: foreign key %q", key, body[17:17+body[16]])
	case binary.LittleEndian.Uint64(body) != m.Gen || binary.LittleEndian.Uint64(body[8:]) != m.Version:
		return fmt.Errorf("%q: foreign version: %+v, value of %d.%d", key, m, body[:8], body[8:16])
	}
	return nil
}

// stress is one writer and several readers on one store.
type stress struct {
	t       *testing.T
	s       Store
	rnd     *rand.Rand
	origins [4]stressOrigin
	stop    atomic.Bool
	value   []byte
	refused int
}

type stressOrigin struct {
	o            Origin
	name         string
	gen, version uint64
	keys         int
}

const stressKeys = 3000

func stressKey(dst []byte, name string, k int) []byte {
	return fmt.Appendf(dst, "%s/%d", name, k)
}

func (x *stress) add(g *stressOrigin) {
	g.gen++
	id := codec.MakeOriginID([2]uint64{3, 4}, []byte(g.name), g.gen)
	o, status := x.s.Add(id, g.gen, []byte(g.name))
	if status != OK {
		x.t.Fatalf("add: %v", status)
	}
	g.o, g.version, g.keys = o, 0, 1
}

// write does one step: mostly a run of writes, sometimes a new generation.
func (x *stress) write() {
	g := &x.origins[x.rnd.IntN(len(x.origins))]
	if x.rnd.IntN(2000) == 0 {
		old := g.o
		x.add(g)
		x.s.Remove(old)
	}
	for range 1 + x.rnd.IntN(20) {
		g.version++
		k := x.rnd.IntN(g.keys)
		if g.keys < stressKeys && x.rnd.IntN(4) == 0 {
			g.keys++ // growth
		}
		key := stressKey(nil, g.name, k)
		e := codec.Entry{Version: g.version, Key: key, Flags: codec.EntryTombstone}
		if x.rnd.IntN(8) != 0 {
			x.value = sealValue(x.value[:0], g.gen, g.version, key, x.rnd.IntN(200))
			e.Flags, e.Value = 0, x.value
		}
		apply := x.s.Apply
		if x.rnd.IntN(50) == 0 {
			apply = x.s.ApplyAny
		}
		switch status := apply(g.o, &e); status {
		case OK:
		case Full, TooMany:
			x.refused++
		default:
			x.t.Fatalf("apply: %v", status)
		}
	}
	x.s.Advance(g.o, g.version, 0)
	if x.rnd.IntN(16) == 0 {
		x.s.Tidy(64)
	}
}

// read gets keys; a version never goes back for one reader.
func (x *stress) read(seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 1))
	type seen struct{ gen, version uint64 }
	last := map[string]seen{}
	var dst, key []byte
	found := 0
	for !x.stop.Load() || found == 0 {
		g := &x.origins[rnd.IntN(len(x.origins))]
		key = stressKey(key[:0], g.name, rnd.IntN(stressKeys))
		value, m, ok := x.s.AppendGet(dst[:0], []byte(g.name), key)
		dst = value
		if m.Version == 0 {
			continue
		}
		now, before := seen{m.Gen, m.Version}, last[string(key)]
		if now.gen < before.gen || now.gen == before.gen && now.version < before.version {
			return fmt.Errorf("%q went back from %v to %v", key, before, now)
		}
		last[string(key)] = now
		if ok {
			found++
			if err := checkValue(value, key, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// walk iterates; versions ascend, and each entry is whole.
func (x *stress) walk(seed uint64) (err error) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	for !x.stop.Load() {
		g := &x.origins[rnd.IntN(len(x.origins))]
		last := Meta{}
		x.s.Range([]byte(g.name), func(key, value []byte, m Meta) bool {
			if m.Version <= last.Version || last.Gen != 0 && m.Gen != last.Gen {
				err = fmt.Errorf("range: %+v after %+v", m, last)
			}
			if err == nil {
				err = checkValue(value, key, m)
			}
			last = m
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *stress) run(steps int) {
	var wait sync.WaitGroup
	for i := range uint64(3) {
		work := x.read
		if i == 2 {
			work = x.walk
		}
		wait.Go(func() {
			if err := work(i); err != nil {
				x.t.Error(err)
				x.stop.Store(true)
			}
		})
	}
	for range steps {
		if x.write(); x.stop.Load() {
			break
		}
	}
	x.stop.Store(true)
	wait.Wait()
}

func testStress(t *testing.T, l Limits, steps int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	x := &stress{t: t, rnd: rand.New(rand.NewPCG(seed, 0))}
	x.s.Init(l, seed)
	for i := range x.origins {
		x.origins[i].name = fmt.Sprintf("node-%d", i)
		x.add(&x.origins[i])
	}
	x.run(steps)
	for _, g := range x.origins {
		checkLog(t, &x.s, g.o)
	}
	for x.s.Tidy(1000) {
	}
	if x.s.Fingerprint() != x.s.Recompute() {
		t.Error("fingerprint")
	}
	t.Logf("%+v, %d refused", x.s.Stats(), x.refused)
}

func stressSteps() int {
	if testing.Short() {
		return 3000
	}
	return 30000
}

// TestReadersBesideWriter: readers and iterators beside a writer that grows, overwrites, deletes,
// replaces origins and uses memory again see no torn, foreign or older value.
func TestReadersBesideWriter(t *testing.T) {
	testStress(t, Limits{Origins: 16, Keys: 1 << 15, ValueBytes: 32 << 20}, stressSteps())
}

// TestReadersBesideWriterAtLimits is the same with so little memory that every freed cell is used
// at once.
func TestReadersBesideWriterAtLimits(t *testing.T) {
	testStress(t, Limits{Origins: 8, Keys: 4000, ValueBytes: 800 << 10}, stressSteps())
}

// TestReaderHoldsMemory: what a reader could see stays as it is while it looks, and comes back
// afterwards.
func TestReaderHoldsMemory(t *testing.T) {
	s, o := newStore(t, 1)
	set(t, s, o, "k", 1)
	pin := s.epochs.pin(5)
	for v := uint64(2); v < 2000; v++ {
		set(t, s, o, "k", v)
	}
	if held := s.retired.tail - s.retired.ready; held < 1998 {
		t.Errorf("%d things held for a reader, want 1998 cells at least", held)
	}
	pin.Add(-1)
	for s.Tidy(1000) {
	}
	if s.retired.head != s.retired.tail || s.cells.used != int(classBytes[0])+nameBytesShort {
		t.Errorf("%d things still held, %d bytes of cells", s.retired.tail-s.retired.head, s.cells.used)
	}
}

// TestRenameBesideReaders: an origin that goes on under new generations is never missing, and never
// seen to go back.
func TestRenameBesideReaders(t *testing.T) {
	s, o := newStore(t, 1)
	for v := uint64(1); v <= 200; v++ {
		set(t, s, o, fmt.Sprint(v), v)
	}
	var stop atomic.Bool
	var wait sync.WaitGroup
	wait.Go(func() {
		for last, n := uint64(0), 0; !stop.Load() || n == 0; n++ {
			_, m, ok := s.AppendGet(nil, []byte("r"), []byte("7"))
			if !ok || m.Gen < last {
				t.Errorf("get: %+v after generation %d", m, last)
				return
			}
			last = m.Gen
		}
	})
	wait.Go(func() {
		for !stop.Load() {
			n := 0
			for s.Range([]byte("r"), func(_, _ []byte, _ Meta) bool { n++; return true }); n != 200; {
				t.Errorf("range: %d of 200", n)
				return
			}
		}
	})
	for gen := uint64(2); gen < 5000; gen++ {
		if status := s.Rename(o, codec.OriginID(gen)*0x9e3779b97f4a7c15, gen); status != OK {
			t.Error(status)
			break
		}
	}
	stop.Store(true)
	wait.Wait()
}
