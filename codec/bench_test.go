package codec

import (
	"fmt"
	"testing"
)

// plainEntries makes entries of about 30 bytes: a key of 14 and a value of 16, as a service
// registry has them.
func plainEntries(n int) []Entry {
	es := make([]Entry, n)
	for i := range es {
		es[i] = Entry{
			Version: uint64(1000 + i), Key: fmt.Appendf(nil, "svc/%02d/addr/%02d", i%7, i%89),
			Value: fmt.Appendf(nil, "10.28.%03d.%03d:80", i%200, i*7%200),
		}
	}
	return es
}

// bench holds what a core holds: one of each, used again.
type bench struct {
	h       Header
	run     RunWriter
	it      RunIter
	r       Run
	digest  DigestWriter
	d       Digest
	entries []Entry
	buf     []byte
	frame   []byte
	e       Entry
}

func newBench() *bench {
	b := &bench{h: Header{Flags: FlagFlow | FlagPrints, Sender: 7, Cluster: 9}, entries: plainEntries(200)}
	b.buf = make([]byte, 0, FrameBytesMax+64)
	b.frame = append([]byte(nil), b.encodeRun()...)
	return b
}

func (b *bench) encodeRun() []byte {
	dst := AppendHeader(b.buf[:0], &b.h)
	if !b.run.Begin(dst, FrameBytesDefault-ChecksumBytes, RunHead{ID: 42, From: 999}) {
		panic("no room")
	}
	for i := range b.entries {
		if !b.run.Entry(&b.entries[i]) {
			break
		}
	}
	return AppendChecksum(b.run.End(b.run.Last()), 0)
}

// parseRun takes the frame through the door, checks the run, and walks it.
func (b *bench) parseRun() int {
	records, err := ParseFrame(b.frame, &b.h)
	if err != nil {
		panic(err)
	}
	_, body, _ := NextRecord(records)
	if err := ParseRun(body, &b.r); err != nil {
		panic(err)
	}
	b.it.Reset(&b.r)
	n := 0
	for b.it.Next(&b.e) {
		n += len(b.e.Key)
	}
	return n
}

func (b *bench) encodeDigest() []byte {
	dst := AppendHeader(b.buf[:0], &b.h)
	b.digest.Begin(dst, FrameBytesDefault-ChecksumBytes, DigestWantRuns, 0)
	for id := OriginID(1 << 40); b.digest.Add(DigestEntry{ID: id, Max: uint64(id >> 20)}); id += 1 << 41 {
	}
	return AppendChecksum(b.digest.End(1<<64-1), 0)
}

func (b *bench) parseDigest() uint64 {
	records, err := ParseFrame(b.frame, &b.h)
	if err != nil {
		panic(err)
	}
	_, body, _ := NextRecord(records)
	if err := ParseDigest(body, &b.d); err != nil {
		panic(err)
	}
	var sum uint64
	var e DigestEntry
	for it := b.d.Entries(); it.Next(&e); {
		sum += e.Max
	}
	return sum
}

func TestNoAllocation(t *testing.T) {
	f := func(name string, fn func()) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, fn); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	b := newBench()
	f("encode run", func() { b.encodeRun() })
	f("parse run", func() { b.parseRun() })
	d := newBench()
	d.frame = append([]byte(nil), d.encodeDigest()...)
	f("encode digest", func() { d.encodeDigest() })
	f("parse digest", func() { d.parseDigest() })
	full := fullHeader()
	buf := make([]byte, 0, FrameBytesMax)
	hello := Hello{Name: []byte("web-1"), Addr: testAddrs[2]}
	reply := HelloReply{Hello: hello}
	intro := Intro{ID: 1, Name: []byte("web-1"), Addr: testAddrs[1]}
	var pulls PullWriter
	f("append the rest", func() {
		dst := AppendHeader(buf, &full)
		dst = AppendIntro(AppendHelloReply(AppendHello(dst, &hello), &reply), &intro)
		dst = AppendPad(AppendHave(AppendSync(dst, Sync{Kind: SyncPush}), Have{Max: 1 << 40, Floor: 5}), 9)
		pulls.Begin(dst, FrameBytesDefault)
		pulls.Add(5, 1<<30)
		buf = AppendChecksum(pulls.End(), 0)[:0]
	})
	f("origin id", func() { MakeOriginID([2]uint64{1, 2}, hello.Name, 3) })
	var rest []byte
	parts := AppendIntro(AppendHelloReply(AppendHello(nil, &hello), &reply), &intro)
	f("parse the rest", func() {
		var body []byte
		_, body, rest = NextRecord(parts)
		err1 := ParseHello(body, &hello)
		_, body, rest = NextRecord(rest)
		err2 := ParseHelloReply(body, &reply)
		_, body, rest = NextRecord(rest)
		err3 := ParseIntro(body, &intro)
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
	})
}

func BenchmarkEncodeRunFrame(b *testing.B) {
	x := newBench()
	b.ReportAllocs()
	for b.Loop() {
		x.encodeRun()
	}
	b.SetBytes(int64(len(x.frame)))
	b.ReportMetric(float64(x.run.Count()), "entries")
}

func BenchmarkParseRunFrame(b *testing.B) {
	x := newBench()
	b.ReportAllocs()
	for b.Loop() {
		x.parseRun()
	}
	b.SetBytes(int64(len(x.frame)))
}

func BenchmarkEncodeDigestFrame(b *testing.B) {
	x := newBench()
	b.ReportAllocs()
	for b.Loop() {
		x.encodeDigest()
	}
	b.ReportMetric(float64(x.digest.Count()), "entries")
}

func BenchmarkParseDigestFrame(b *testing.B) {
	x := newBench()
	x.frame = append([]byte(nil), x.encodeDigest()...)
	b.ReportAllocs()
	for b.Loop() {
		x.parseDigest()
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	for name, flags := range map[string]Flags{"usual": FlagFlow | FlagPrints, "all": flagBlocks &^ FlagSeal} {
		b.Run(name, func(b *testing.B) {
			h := fullHeader()
			h.Flags = flags
			buf := make([]byte, 0, FrameBytesMax)
			b.ReportAllocs()
			for b.Loop() {
				AppendHeader(buf, &h)
			}
		})
	}
}

func BenchmarkParseHeader(b *testing.B) {
	for name, flags := range map[string]Flags{"usual": FlagFlow | FlagPrints, "all": flagBlocks &^ FlagSeal} {
		b.Run(name, func(b *testing.B) {
			h := fullHeader()
			h.Flags = flags
			frame := AppendChecksum(AppendHeader(nil, &h), 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseHeader(frame, &h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMakeOriginID(b *testing.B) {
	name := []byte("ip-10-28-0-17.eu-west-1.prod")
	b.ReportAllocs()
	for b.Loop() {
		MakeOriginID([2]uint64{1, 2}, name, 3)
	}
}

func BenchmarkChecksum(b *testing.B) {
	buf := make([]byte, FrameBytesDefault)
	b.SetBytes(FrameBytesDefault)
	for b.Loop() {
		CRC32C(buf)
	}
}

// BenchmarkReject is the price of hostile frames, which may not exceed that of good ones:
// BenchmarkParseRunFrame.
func BenchmarkReject(b *testing.B) {
	x := newBench()
	f := func(name string, want error, change func(m []byte)) {
		m := append([]byte(nil), x.frame[:len(x.frame)-ChecksumBytes]...)
		m = AppendChecksum(m, 0)
		change(m)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				records, err := ParseFrame(m, &x.h)
				if err == nil {
					_, body, _ := NextRecord(records)
					err = ParseRun(body, &x.r)
				}
				if err != want {
					b.Fatal(err)
				}
			}
		})
	}
	resum := func(m []byte) { AppendChecksum(m[:len(m)-ChecksumBytes], 0) }
	f("magic", ErrMagic, func(m []byte) { m[0] = 0 })
	f("checksum", ErrChecksum, func(m []byte) { m[700]++ })
	f("record", ErrRecord, func(m []byte) { m[x.h.Bytes()+1]++; resum(m) })
	f("first entry", ErrEntry, func(m []byte) { m[x.h.Bytes()+RecordBytes+8+3] = 0x41; resum(m) })
	x.parseRun()
	last := len(x.entries[x.r.Count-1].Value)
	f("last entry", ErrBody, func(m []byte) { m[len(m)-ChecksumBytes-last-1] |= 0xf0; resum(m) })
}
