package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/bench/density"
	"github.com/quidnunc/quidnunc/codec"
)

// runsOf are chunks of runs as a snapshot has them: the newest writes of 300
// origins, in the order of versions, keys front-coded or by number.
func runsOf(set density.Set, byNumber bool) (chunks [][]byte, entries int) {
	rng := rand.New(rand.NewPCG(1, 2))
	var dst []byte
	for node := range 300 {
		var w codec.RunWriter
		numbers := map[string]uint32{}
		w.Begin(dst, 1<<30, codec.RunHead{ID: codec.OriginID(rng.Uint64() | 1)})
		version := uint64(0)
		for range 333 {
			key, value := set(rng, node)
			version += 1 + uint64(rng.IntN(20)) // what was overwritten is left out
			e := codec.Entry{Version: version, Key: []byte(key), Value: []byte(value)}
			if byNumber {
				n, ok := numbers[key]
				if !ok {
					n = uint32(len(numbers))
					numbers[key] = n
				}
				e.Key, e.Flags, e.Ref = nil, codec.EntryByRef, n
			}
			w.Entry(&e)
			entries++
			if w.Len()-len(dst) > 16<<10 { // a run is a record of at most 64 KiB
				dst = w.End(w.Last())
				w.Begin(dst, 1<<30, codec.RunHead{ID: codec.OriginID(node + 1), From: version})
			}
		}
		dst = w.End(w.Last())
	}
	for len(dst) > 0 {
		n := min(chunkBytes, len(dst))
		chunks, dst = append(chunks, dst[:n]), dst[n:]
	}
	return chunks, entries
}

func compressed(how Compression, chunks [][]byte) (plain, packed int) {
	p := packer{how: how}
	for _, c := range chunks {
		b, _ := p.pack(p.out[:], c, false)
		plain, packed = plain+len(c), packed+len(b)
	}
	return plain, packed
}

// What a snapshot shrinks to, and what the codecs cost: why s2 is the default
// and zstd is for bodies that are Dense.
func TestDensity(t *testing.T) {
	f := func(name string, set density.Set, least float64) {
		t.Helper()
		for _, byNumber := range []bool{false, true} {
			chunks, entries := runsOf(set, byNumber)
			for _, how := range []Compression{S2, Zstd} {
				compressed(how, chunks[:1])
				start := time.Now()
				plain, packed := compressed(how, chunks)
				took := time.Since(start)
				ratio := float64(plain) / float64(packed)
				t.Logf("%-9s by number %-5v %s: %.1f bytes an entry, %.2f times less, %.0f MB/s", name, byNumber,
					[...]string{S2: "s2  ", Zstd: "zstd"}[how], float64(packed)/float64(entries), ratio, float64(plain)/1e6/took.Seconds())
				if want := map[bool]float64{false: least, true: 1.3}[byNumber]; how == Zstd && ratio < want {
					t.Errorf("%s: %.2f times, want %.1f", name, ratio, want)
				}
			}
		}
	}
	f("discovery", density.Service, 6)
	f("metrics", density.Metric, 2.3)
	f("flags", density.Flag, 4.3)
}

// BenchmarkCodec packs and unpacks a chunk of discovery.
func BenchmarkCodec(b *testing.B) {
	chunks, _ := runsOf(density.Service, false)
	for _, how := range []Compression{S2, Zstd} {
		p, u := packer{how: how}, unpacker{}
		packed, kind := p.pack(p.out[:], chunks[0], false)
		packed = append([]byte(nil), packed...)
		dst := make([]byte, len(chunks[0]))
		name := fmt.Sprint([...]string{S2: "s2", Zstd: "zstd"}[how])
		b.Run(name+"/pack", func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				p.pack(p.out[:], chunks[0], false)
			}
		})
		b.Run(name+"/unpack", func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				if err := u.unpack(dst, kind, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
		u.close()
	}
}
