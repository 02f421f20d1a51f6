package seal

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// pair is two nodes and the frame between them.
type pair struct {
	a, b   *Box
	key    Key
	w      Window
	to     [codec.SaltBytes]byte
	plain  []byte
	sealed []byte
	slot   []byte
	h      codec.Header
}

func newPair(tb testing.TB, id uint8, bytes int) *pair {
	ring := newRing(tb, testTag)
	_ = ring.Use(id)
	p := &pair{a: newBox(tb, ring, salt(1)), b: newBox(tb, ring, salt(2)), plain: clearFrame(bytes)}
	p.key, p.to = derive(tb, ring, id, p.a.Salt()), p.b.Salt()
	p.slot = make([]byte, codec.FrameBytesMax+codec.TagBytes)
	p.sealed = append(p.sealed, p.seal(tb)...)
	return p
}

func (p *pair) seal(tb testing.TB) []byte {
	frame, err := p.a.SealInPlace(p.slot[:copy(p.slot, p.plain)], &p.to)
	if err != nil {
		tb.Fatal(err)
	}
	return frame
}

func (p *pair) open(tb testing.TB) {
	frame := p.slot[:copy(p.slot, p.sealed)]
	p.w.Reset()
	_, err := codec.ParseHeader(frame, &p.h)
	if err == nil {
		_, err = p.b.OpenInPlace(frame, &p.h, p.key, &p.w)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func TestNoAllocation(t *testing.T) {
	f := func(name string, fn func()) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, fn); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	p := newPair(t, 1, 1400)
	f("seal", func() { p.seal(t) })
	f("open", func() { p.open(t) })
	f("hello", func() {
		frame, _ := p.a.SealHelloInPlace(p.slot[:copy(p.slot, p.plain)])
		_, err := codec.ParseHeader(frame, &p.h)
		if err == nil {
			_, err = p.b.OpenHelloInPlace(frame, &p.h)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	f("forged", func() {
		frame := p.slot[:copy(p.slot, p.sealed)]
		frame[len(frame)-1]++
		p.w.Reset()
		_, _ = codec.ParseHeader(frame, &p.h)
		if _, err := p.b.OpenInPlace(frame, &p.h, p.key, &p.w); err != codec.ErrAuth {
			t.Fatal(err)
		}
	})
}

func BenchmarkSeal(b *testing.B) { each(b, func(b *testing.B, p *pair) { p.seal(b) }) }

// BenchmarkOpen includes the header, the window and a copy of the frame.
func BenchmarkOpen(b *testing.B) { each(b, func(b *testing.B, p *pair) { p.open(b) }) }

// BenchmarkRejectForged is what a forged frame of a known sender costs: it may not exceed
// BenchmarkOpen.
func BenchmarkRejectForged(b *testing.B) {
	each(b, func(b *testing.B, p *pair) {
		frame := p.slot[:copy(p.slot, p.sealed)]
		frame[len(frame)-1]++
		p.w.Reset()
		_, _ = codec.ParseHeader(frame, &p.h)
		if _, err := p.b.OpenInPlace(frame, &p.h, p.key, &p.w); err != codec.ErrAuth {
			b.Fatal(err)
		}
	})
}

func BenchmarkRejectReplay(b *testing.B) {
	p := newPair(b, 1, 1400)
	p.open(b)
	for b.Loop() {
		_, _ = codec.ParseHeader(p.sealed, &p.h)
		if _, err := p.b.OpenInPlace(p.sealed, &p.h, p.key, &p.w); err != codec.ErrReplay {
			b.Fatal(err)
		}
	}
}

func each(b *testing.B, step func(b *testing.B, p *pair)) {
	for _, id := range []uint8{1, 2} {
		for _, n := range []int{96, 200, 1400} {
			b.Run(fmt.Sprintf("aes%d/%d", int(id)*128, n), func(b *testing.B) {
				p := newPair(b, id, n)
				b.ReportAllocs()
				b.SetBytes(int64(n))
				for b.Loop() {
					step(b, p)
				}
			})
		}
	}
}

func BenchmarkDerive(b *testing.B) {
	r, s := newRing(b, testTag), salt(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Derive(1, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWindow(b *testing.B) {
	var w Window
	c := uint64(0)
	for b.Loop() {
		c += 3
		if w.Fresh(c) {
			w.Mark(c)
		}
	}
}
