package stream

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// bulk moves bodies of 1 MiB from b to a, four on the way at a time, hand-over
// to and from a reactor included, until rounds are through.
type bulk struct {
	a, b     *end
	ida, idb batch.StreamID
	body     []byte
}

const bulkBytes = 1 << 20

func newBulk(tb testing.TB, how Compression) *bulk {
	keys := keysOf(tb, 1, 1)
	x := &bulk{a: open(tb, Options{Compression: how, WindowBytes: 4 << 20}, keys), b: open(tb, Options{Compression: how, WindowBytes: 4 << 20}, keys)}
	x.ida, x.idb = pair(tb, x.a, x.b)
	x.body = make([]byte, bulkBytes)
	rand.Read(x.body)
	return x
}

// run has rounds bodies fetched. Both reactors are goroutines of their own.
func (x *bulk) run(rounds int) {
	done := make(chan struct{})
	answer := batch.StreamMessage{Answer: true, Body: x.body}
	go func() {
		defer close(done)
		for sent := 0; sent < rounds; {
			switch ev := x.b.next(); ev.Kind {
			case batch.StreamAsked:
				x.b.s.Release(&ev)
				answer.Tag = ev.Tag
				x.b.send(x.idb, &answer)
			case batch.StreamSent:
				sent++
			}
		}
	}()
	asked, message := 0, batch.StreamMessage{Want: bulkBytes}
	ask := func() {
		if asked < rounds {
			asked++
			message.Tag = uint32(asked)
			x.a.send(x.ida, &message)
		}
	}
	for range 4 {
		ask()
	}
	for range rounds {
		ev := x.a.want(batch.StreamAnswered)
		x.a.s.Release(&ev)
		ask()
	}
	<-done
}

// BenchmarkStream is a sealed stream, 1 MiB an operation in records of 64 KiB.
func BenchmarkStream(b *testing.B) {
	x := newBulk(b, Off)
	x.run(16)
	b.SetBytes(bulkBytes)
	b.ReportAllocs()
	b.ResetTimer()
	x.run(b.N)
}

// BenchmarkConn is the same bytes through the same cipher over net.Conn, with a
// goroutine at each end and nothing else: what a stream is compared with.
func BenchmarkConn(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	b.SetBytes(bulkBytes)
	b.ReportAllocs()
	plainConn(b, out, in, b.N)
}

func plainConn(tb testing.TB, out, in net.Conn, rounds int) {
	opener, _, err := keysOf(tb, 1, 1).Ciphers(1, []byte("bench"))
	if err != nil {
		tb.Fatal(err)
	}
	body := make([]byte, bulkBytes)
	rand.Read(body)
	go func() {
		seal := direction{aead: opener}
		scratch := make([]byte, recordHead+recordMax)
		for range rounds {
			for at := 0; at < len(body); at += chunkBytes {
				if _, err := out.Write(seal.seal(scratch, recRaw, body[at:at+chunkBytes])); err != nil {
					return
				}
			}
		}
	}()
	readConn(tb, in, opener, rounds)
}

func readConn(tb testing.TB, in net.Conn, aead cipher.AEAD, rounds int) {
	open := direction{aead: aead}
	scratch := make([]byte, recordMax)
	body := make([]byte, bulkBytes)
	var head [recordHead]byte
	for range rounds {
		for at := 0; at < bulkBytes; at += chunkBytes {
			if _, err := io.ReadFull(in, head[:]); err != nil {
				tb.Fatal(err)
			}
			n := int(binary.LittleEndian.Uint32(head[:]) >> 8)
			if _, err := io.ReadFull(in, scratch[:n]); err != nil {
				tb.Fatal(err)
			}
			if _, err := open.open(body[at:at], head[0], scratch[:n]); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// TestHeapObjectsOfChunks holds the promise of the package's page in bulk: at
// most one heap object for ten chunks of 64 KiB, in gnet and here together.
func TestHeapObjectsOfChunks(t *testing.T) {
	if testing.Short() { // as the gate runs with the race detector, under which a sync.Pool forgets at random
		t.Skip("counts heap objects: not in short mode")
	}
	x := newBulk(t, S2)
	x.run(64) // pools fill
	objects := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	const rounds = 256
	runtime.GC()
	metrics.Read(objects)
	before := objects[0].Value.Uint64()
	x.run(rounds)
	metrics.Read(objects)
	chunks := uint64(rounds * bulkBytes / chunkBytes)
	got := objects[0].Value.Uint64() - before
	t.Logf("%d heap objects for %d chunks", got, chunks)
	if got > chunks/10 {
		t.Errorf("%d heap objects for %d chunks", got, chunks)
	}
}

// BenchmarkPairs reports what a sealed stream reaches of a plain connection, as
// the median of alternating pairs.
func BenchmarkPairs(b *testing.B) {
	x := newBulk(b, Off)
	x.run(16)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	const rounds, pairs = 256, 9
	for b.Loop() {
		var ratios [pairs]float64
		for i := range ratios {
			out, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			in, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			plainConn(b, out, in, rounds)
			plain := time.Since(start)
			out.Close()
			in.Close()
			start = time.Now()
			x.run(rounds)
			ratios[i] = float64(plain) / float64(time.Since(start))
		}
		b.ReportMetric(median(ratios[:]), "of-plain")
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
