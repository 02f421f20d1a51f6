package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// recoder parses records and encodes what it has understood: what parses must come out as it went
// in.
type recoder struct {
	hello  Hello
	reply  HelloReply
	intro  Intro
	digest Digest
	dw     DigestWriter
	pull   Pull
	pw     PullWriter
	run    Run
	it     RunIter
	rw     RunWriter
	e      Entry
	precise
	intervals Intervals
	iw        IntervalWriter
}

// records appends b's records anew, up to the first that does not parse: nothing of that one.
func (c *recoder) records(dst, b []byte) ([]byte, error) {
	for len(b) > 0 {
		t, body, rest := NextRecord(b)
		out, err := c.record(dst, t, body)
		if err != nil {
			return dst, err
		}
		dst, b = out, rest
	}
	return dst, nil
}

func (c *recoder) record(dst []byte, t Type, body []byte) ([]byte, error) {
	switch t {
	case TypeHello:
		if err := ParseHello(body, &c.hello); err != nil {
			return dst, err
		}
		return AppendHello(dst, &c.hello), nil
	case TypeHelloReply:
		if err := ParseHelloReply(body, &c.reply); err != nil {
			return dst, err
		}
		return AppendHelloReply(dst, &c.reply), nil
	case TypeIntro:
		if err := ParseIntro(body, &c.intro); err != nil {
			return dst, err
		}
		return AppendIntro(dst, &c.intro), nil
	case TypeSync:
		s, err := ParseSync(body)
		if err != nil {
			return dst, err
		}
		return AppendSync(dst, s), nil
	case TypeHave:
		h, err := ParseHave(body)
		if err != nil {
			return dst, err
		}
		return AppendHave(dst, h), nil
	case TypeDigest:
		return c.recodeDigest(dst, body)
	case TypePull:
		return c.recodePull(dst, body)
	case TypeRun, TypePart:
		return c.recodeRun(dst, t, body)
	case TypePreciseDigest:
		return c.recodePreciseDigest(dst, body)
	case TypePreciseRun:
		return c.recodePreciseRun(dst, body)
	case TypePrecisePull:
		return c.recodePrecisePull(dst, body)
	case TypeDelegate, TypeCovered:
		return c.recodeDelegate(dst, t, body)
	case TypeRefusal, TypeFullAt, TypeCheckpoint, TypeSignature, TypePublicKey:
		return c.recodeLimits(dst, t, body)
	case TypeIntervals, TypeIntervalPull, TypeAudits, TypeAuditPull:
		return c.recodeIntervals(dst, t, body)
	case TypeProbe, TypeProbeAck, TypeVote, TypeVerdict, TypeObserved:
		return c.recodeMember(dst, t, body)
	case TypeRumorFeedback, TypeTurn, TypeEvent, TypeRepair, TypeSketch, TypeRanges, TypeKeyNotice:
		return c.recodeNews(dst, t, body)
	}
	return AppendRecord(dst, t, body), nil
}

func (c *recoder) recodeDigest(dst, body []byte) ([]byte, error) {
	if err := ParseDigest(body, &c.digest); err != nil {
		return dst, err
	}
	c.dw.Begin(dst, 1<<20, c.digest.Flags, c.digest.Lo)
	var e DigestEntry
	for it := c.digest.Entries(); it.Next(&e); {
		c.dw.Add(e)
	}
	if c.dw.Count() != c.digest.Count {
		panic("iteration ended early")
	}
	return c.dw.End(c.digest.Hi), nil
}

func (c *recoder) recodePull(dst, body []byte) ([]byte, error) {
	if err := ParsePull(body, &c.pull); err != nil {
		return dst, err
	}
	c.pw.Begin(dst, 1<<20)
	it := c.pull.Entries()
	for id, have, ok := it.Next(); ok; id, have, ok = it.Next() {
		c.pw.Add(id, have)
	}
	if c.pw.Count() != c.pull.Count {
		panic("iteration ended early")
	}
	return c.pw.End(), nil
}

func (c *recoder) recodeRun(dst []byte, t Type, body []byte) ([]byte, error) {
	if _, err := parseRun(body, &c.run); err != nil {
		return dst, err
	}
	c.rw.begin(dst, 1<<20, t, c.run.RunHead)
	for c.it.Reset(&c.run); c.it.Next(&c.e); {
		c.rw.Entry(&c.e)
	}
	if c.rw.Count() != c.run.Count {
		panic("iteration ended early")
	}
	return c.rw.End(c.run.To), nil
}

// bodyErrors are the errors that a parser of a body may give.
var bodyErrors = []error{ErrBody, ErrFlags, ErrVarint, ErrOrder, ErrOrigin, ErrName, ErrAddress, ErrEntry, ErrUnsupported}

func fuzzRecord(f *testing.F, types ...Type) {
	names, bytesOf := samples()
	for _, name := range names {
		if b := bytesOf[name]; strings.HasPrefix(name, "record/") && bytes.IndexByte(asBytes(types), b[0]) >= 0 {
			f.Add(b[0], b[RecordBytes:])
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		ty := types[int(kind)%len(types)]
		if bytes.IndexByte(asBytes(types), kind) >= 0 {
			ty = Type(kind)
		}
		if len(body) > RecordBodyMax {
			return
		}
		var c recoder
		in := bytes.Clone(body)
		out, err := c.record(nil, ty, body)
		if !bytes.Equal(in, body) {
			t.Fatal("the parser wrote to the frame")
		}
		if err != nil {
			if !slices.Contains(bodyErrors, err) {
				t.Fatalf("not an error of a body: %v", err)
			}
			return
		}
		if !bytes.Equal(out[RecordBytes:], body) {
			t.Fatalf("type %d\n in %x\nout %x", ty, body, out[RecordBytes:])
		}
	})
}

func asBytes(types []Type) []byte {
	b := make([]byte, len(types))
	for i, t := range types {
		b[i] = byte(t)
	}
	return b
}

func FuzzHello(f *testing.F)  { fuzzRecord(f, TypeHello, TypeHelloReply, TypeIntro) }
func FuzzSmall(f *testing.F)  { fuzzRecord(f, TypeSync, TypeHave) }
func FuzzDigest(f *testing.F) { fuzzRecord(f, TypeDigest) }
func FuzzPull(f *testing.F)   { fuzzRecord(f, TypePull) }
func FuzzRun(f *testing.F)    { fuzzRecord(f, TypeRun, TypePart) }
func FuzzMember(f *testing.F) {
	fuzzRecord(f, TypeProbe, TypeProbeAck, TypeVote, TypeVerdict, TypeObserved)
}

func FuzzNews(f *testing.F) {
	fuzzRecord(f, TypeRumorFeedback, TypeTurn, TypeEvent, TypeRepair, TypeSketch, TypeRanges, TypeKeyNotice)
}

func FuzzLimits(f *testing.F) {
	fuzzRecord(f, TypeRefusal, TypeFullAt, TypeCheckpoint, TypeSignature, TypePublicKey)
}

func FuzzIntervals(f *testing.F) {
	fuzzRecord(f, TypeIntervals, TypeIntervalPull, TypeAudits, TypeAuditPull)
}

func FuzzDelegate(f *testing.F) { fuzzRecord(f, TypeDelegate, TypeCovered) }

func FuzzPrecise(f *testing.F) {
	fuzzRecord(f, TypePreciseDigest, TypePreciseRun, TypePrecisePull)
}

// FuzzFrame takes a frame through both doors as it is, then with the checksum made right and all of
// its records parsed.
func FuzzFrame(f *testing.F) {
	names, bytesOf := samples()
	records := []byte{}
	for _, name := range names {
		if strings.HasPrefix(name, "frame/") {
			f.Add(bytesOf[name])
		} else if len(records) < 300 {
			records = append(records, bytesOf[name]...)
		}
	}
	h := fullHeader()
	f.Add(AppendChecksum(append(AppendHeader(nil, &h), records...), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		if sealed, err := ParseHeader(b, &h); err == nil && h.KeyID != 0 {
			if out := append(AppendHeader(nil, &h), sealed...); !bytes.Equal(out, b) {
				t.Fatalf("sealed\n in %x\nout %x", b, out)
			}
			return
		}
		_, _ = ParseFrame(b, &h)
		if len(b) < ChecksumBytes {
			return
		}
		b = AppendChecksum(bytes.Clone(b[:len(b)-ChecksumBytes]), 0)
		records, err := ParseFrame(b, &h)
		if err != nil {
			return
		}
		if out := AppendChecksum(append(AppendHeader(nil, &h), records...), 0); !bytes.Equal(out, b) {
			t.Fatalf("frame\n in %x\nout %x", b, out)
		}
		var c recoder
		out, err := c.records(nil, records)
		if err == nil && !bytes.Equal(out, records) || !bytes.HasPrefix(records, out) {
			t.Fatalf("records\n in %x\nout %x", records, out)
		}
	})
}

// TestMutantsNeverAllocate damages good frames and records by a seeded hand and parses them all.
func TestMutantsNeverAllocate(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	names, bytesOf := samples()
	var all []byte
	for _, name := range names {
		if strings.HasPrefix(name, "record/") && name != "record/run-all" {
			all = append(all, bytesOf[name]...)
		}
	}
	h := fullHeader()
	frame := append(AppendHeader(nil, &h), all...)
	x := newBench()
	mutants := make([][]byte, 4000)
	for i := range mutants {
		src := frame
		if i%2 == 1 {
			src = x.frame[:len(x.frame)-ChecksumBytes]
		}
		m := bytes.Clone(src[:len(src)-rng.IntN(3)*rng.IntN(len(src)/4)])
		for range rng.IntN(4) {
			m[HeaderBytesFixed+rng.IntN(len(m)-HeaderBytesFixed)] ^= byte(1 << rng.IntN(8))
		}
		mutants[i] = AppendChecksum(m, 0)
	}
	var c recoder
	buf := make([]byte, 0, 4*FrameBytesMax)
	good, bad := 0, 0
	n := testing.AllocsPerRun(10, func() {
		for _, m := range mutants {
			records, err := ParseFrame(m, &h)
			if err == nil {
				_, err = c.records(buf, records)
			}
			if err == nil {
				good++
			} else {
				bad++
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good, %d bad: the mutants test one side only", good, bad)
	}
}
