package sketch

import (
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"pgregory.net/rapid"
)

var key = [2]uint64{0x0706050403020100, 0x0f0e0d0c0b0a0908}

const seed = 17

// differ makes two sketches of vectors that differ in d of a hundred thousand
// origins, and the differences.
func differ(r *rand.Rand, d int) (a, b *Sketch, want map[uint64]int32) {
	a, b, want = new(Sketch), new(Sketch), map[uint64]int32{}
	for len(want) < d {
		id := codec.OriginID(r.Uint64())
		it := ItemOf(key, id)
		ahead := int32(r.IntN(2000) - 1000)
		if ahead == 0 || it.id == 0 {
			continue
		}
		base := r.Int64N(1 << 40) // versions beyond what a cell can hold
		a.Bump(&it, base+int64(ahead))
		b.Bump(&it, base)
		want[ShortID(id)] = ahead
	}
	return a, b, want
}

// decode peels a minus b and checks that everything told is true.
func decode(t testing.TB, d *Decoder, a, b *Sketch, cells int, want map[uint64]int32) (n int, complete bool) {
	body, err := codec.ParseSketch(b.AppendRecord(nil, cells, 0)[codec.RecordBytes:])
	if err != nil {
		t.Fatal(err)
	}
	d.Subtract(a, body)
	var dst [CellsMax]Difference
	n, complete = d.Peel(key, dst[:])
	for _, x := range dst[:n] {
		if want[x.Short] != x.Ahead {
			t.Errorf("seed %d: %d cells, d=%d: origin %x differs by %d, told %d", seed, cells, len(want), x.Short, want[x.Short], x.Ahead)
		}
	}
	if complete && n != len(want) {
		t.Errorf("seed %d: complete with %d of %d", seed, n, len(want))
	}
	return n, complete
}

func TestDecodeSuccess(t *testing.T) {
	trials := 2000
	if testing.Short() {
		trials = 300
	}
	r := rand.New(rand.NewPCG(seed, 1))
	var dec Decoder
	f := func(cells, d int, want float64) {
		t.Helper()
		full := 0
		for range trials {
			a, b, diff := differ(r, d)
			if _, ok := decode(t, &dec, a, b, cells, diff); ok {
				full++
			}
		}
		got := float64(full) / float64(trials)
		t.Logf("%3d cells, d=%3d: %.1f %%", cells, d, got*100)
		if got < want-0.015 {
			t.Errorf("seed %d: %d cells, d=%d: %.3f decode, want %.3f", seed, cells, d, got, want)
		}
	}
	for _, c := range []struct {
		cells, d int
		want     float64
	}{
		{24, 5, 0.999},
		{24, 9, 0.99},
		{24, 12, 0.96},
		{40, 12, 0.999},
		{40, 20, 0.99},
		{40, 23, 0.95},
		{60, 34, 0.99},
		{80, 30, 0.999},
		{80, 40, 0.999},
		{80, 48, 0.99},
		{80, 52, 0.95},
		{240, 150, 0.999},
	} {
		f(c.cells, c.d, c.want)
	}
}

// A partial peel is right too, and the rest says how much is left.
func TestOverload(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 2))
	var dec Decoder
	a, b, want := differ(r, 400)
	if _, ok := decode(t, &dec, a, b, 80, want); ok || dec.Left() == 0 {
		t.Error("400 differences decode from 80 cells")
	}
	a, b, want = differ(r, 0)
	if n, ok := decode(t, &dec, a, b, 24, want); n != 0 || !ok {
		t.Error("no difference does not decode")
	}
}

// A difference that is too large for a cell is not told wrongly and does not
// hide origins that share no cell with it.
func TestLargeSpan(t *testing.T) {
	var a, b Sketch
	big, small := ItemOf(key, 0x123456789abcdef0), ItemOf(key, 2<<60)
	a.Bump(&big, 1<<33+5)
	a.Bump(&small, 3)
	var dec Decoder
	n, complete := decode(t, &dec, &a, &b, 240, map[uint64]int32{ShortID(2 << 60): 3})
	if n != 1 || complete {
		t.Errorf("%d told, complete %v", n, complete)
	}
}

// However a vector came to be, its sketch is the same: bumps commute, and removal
// leaves nothing.
func TestLinear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s, fresh Sketch
		versions := map[codec.OriginID]int64{}
		for range rapid.IntRange(0, 60).Draw(t, "bumps") {
			id := codec.OriginID(rapid.Uint64Range(1, 5).Draw(t, "id")) << 50
			it := ItemOf(key, id)
			delta := rapid.Int64Range(1, 1<<40).Draw(t, "delta")
			if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
				delta = -versions[id]
			}
			versions[id] += delta
			s.Bump(&it, delta)
		}
		for id, v := range versions {
			it := ItemOf(key, id)
			fresh.Bump(&it, v)
		}
		if !s.Equal(&fresh) {
			t.Fatal("the sketch depends on the way")
		}
	})
}

func TestItemCellsAreDistinctInEverySize(t *testing.T) {
	for i := range uint64(20000) {
		it := ItemOf(key, codec.OriginID(i<<24|i<<44))
		for _, size := range codec.SketchSizes {
			seen := map[int]bool{}
			for _, c := range it.cells {
				seen[int(c)%size] = true
			}
			if len(seen) != copies {
				t.Fatalf("item %d: cells %v at size %d", i, it.cells, size)
			}
		}
	}
}

func TestShortID(t *testing.T) {
	id := codec.OriginID(0x123456789abcdef0)
	if ShortID(id) != 0x123456789a || Find(ShortID(id)) != 0x123456789a000000 {
		t.Errorf("%x, %x", ShortID(id), Find(ShortID(id)))
	}
	var s Sketch
	it := ItemOf(key, 5) // short id 0
	s.Bump(&it, 1)
	if !s.Equal(new(Sketch)) {
		t.Error("nobody has left a trace")
	}
}

func TestSizeFor(t *testing.T) {
	for room, want := range map[int]int{100: 0, 386: 24, 1061: 60, 1282: 80, 5000: 240} {
		if got := SizeFor(room); got != want {
			t.Errorf("SizeFor(%d) = %d, want %d", room, got, want)
		}
	}
}

// Whatever a peer sends, peeling ends, tells at most a cell's worth each, and
// what parses is a view of just those bytes.
func FuzzPeel(f *testing.F) {
	r := rand.New(rand.NewPCG(seed, 3))
	_, b, _ := differ(r, 20)
	f.Add(b.AppendRecord(nil, 24, 0)[codec.RecordBytes:])
	f.Add(b.AppendRecord(nil, 80, 1)[codec.RecordBytes:])
	mine, _, _ := differ(r, 3)
	var dec Decoder
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := codec.ParseSketch(raw)
		if err != nil {
			return
		}
		dec.Subtract(mine, body)
		var dst [CellsMax]Difference
		n, _ := dec.Peel(key, dst[:])
		for _, d := range dst[:n] {
			if d.Short == 0 || d.Short >= 1<<idBits || d.Ahead == 0 {
				t.Errorf("told %+v", d)
			}
		}
	})
}

func TestAllocates(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 4))
	a, b, _ := differ(r, 20)
	buf := make([]byte, 0, codec.RecordBytes+codec.SketchBytes(80))
	dst := make([]Difference, CellsMax)
	var dec Decoder
	it := ItemOf(key, 77<<40)
	if n := testing.AllocsPerRun(100, func() {
		a.Bump(&it, 1)
		body, err := codec.ParseSketch(b.AppendRecord(buf, 80, 0)[codec.RecordBytes:])
		if err != nil {
			t.Fatal(err)
		}
		dec.Subtract(a, body)
		dec.Peel(key, dst)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBump(b *testing.B) {
	var s Sketch
	it := ItemOf(key, 77<<40)
	b.ReportAllocs()
	for b.Loop() {
		s.Bump(&it, 1)
	}
}

func BenchmarkItemOf(b *testing.B) {
	b.ReportAllocs()
	id := codec.OriginID(1 << 50)
	for b.Loop() {
		id += 1 << 30
		ItemOf(key, id)
	}
}

func BenchmarkAppend80(b *testing.B) {
	var s Sketch
	buf := make([]byte, 0, codec.RecordBytes+codec.SketchBytes(80))
	b.ReportAllocs()
	for b.Loop() {
		s.AppendRecord(buf, 80, 0)
	}
}

func benchmarkDecode(b *testing.B, d, cells int) {
	r := rand.New(rand.NewPCG(seed, 5))
	x, y, _ := differ(r, d)
	body, _ := codec.ParseSketch(y.AppendRecord(nil, cells, 0)[codec.RecordBytes:])
	dst := make([]Difference, CellsMax)
	var dec Decoder
	b.ReportAllocs()
	for b.Loop() {
		dec.Subtract(x, body)
		dec.Peel(key, dst)
	}
}

func BenchmarkDecode5of24(b *testing.B)  { benchmarkDecode(b, 5, 24) }
func BenchmarkDecode40of80(b *testing.B) { benchmarkDecode(b, 40, 80) }
