package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// precise is what a recoder needs for the records of precise reconciliation.
type precise struct {
	pd  PreciseDigest
	pdw PreciseDigestWriter
	pdi PreciseIter
	prw PreciseRunWriter
	pp  PrecisePull
	ppw PrecisePullWriter
}

func (c *recoder) recodePreciseDigest(dst, body []byte) ([]byte, error) {
	if err := ParsePreciseDigest(body, &c.pd, &c.pdi); err != nil {
		return dst, err
	}
	c.pdw.Begin(dst, 1<<20, c.pd.After)
	c.pdi.Reset(&c.pd)
	for id, ok := c.pdi.Origin(); ok; id, ok = c.pdi.Origin() {
		c.pdw.Origin(id)
		for key, v, ok := c.pdi.Key(); ok; key, v, ok = c.pdi.Key() {
			c.pdw.Key(key, v)
		}
	}
	if c.pdw.Count() != c.pd.Count {
		panic("iteration ended early")
	}
	return c.pdw.End(c.pd.Flags), nil
}

func (c *recoder) recodePreciseRun(dst, body []byte) ([]byte, error) {
	if _, err := parsePreciseRun(body, &c.run); err != nil {
		return dst, err
	}
	c.prw.Begin(dst, 1<<20, c.run.ID)
	for c.it.Reset(&c.run); c.it.Next(&c.e); {
		c.prw.Entry(&c.e)
	}
	if c.prw.Count() != c.run.Count {
		panic("iteration ended early")
	}
	return c.prw.End(), nil
}

func (c *recoder) recodePrecisePull(dst, body []byte) ([]byte, error) {
	if err := ParsePrecisePull(body, &c.pp); err != nil {
		return dst, err
	}
	c.ppw.Begin(dst, 1<<20)
	n := 0
	it := c.pp.Groups()
	for id, _, ok := it.Origin(); ok; id, _, ok = it.Origin() {
		c.ppw.Origin(id)
		for v, ok := it.Version(); ok; v, ok = it.Version() {
			c.ppw.Version(v)
			n++
		}
	}
	if n != c.pp.Count {
		panic("iteration ended early")
	}
	return c.ppw.End(c.pp.Final), nil
}

func addPrecise(add func(name string, b []byte)) {
	var d PreciseDigestWriter
	d.Begin(nil, 300, Place{})
	d.Origin(7)
	d.Key([]byte("addr"), 1)
	d.Key([]byte("addr6"), 200)
	d.Key([]byte("b"), VersionMax)
	d.Origin(9)
	add("record/precise-digest", d.End(DigestWantRuns|DigestOffer))
	d.Begin(nil, 300, Place{7, []byte("addr6")})
	d.Origin(7)
	d.Key(append([]byte("addr6"), bytes.Repeat([]byte("x"), 40)...), 3)
	add("record/precise-digest-rest", d.End(DigestOffer|DigestFinal|PreciseEnd))
	d.Begin(nil, 300, Place{ID: 1<<64 - 1})
	add("record/precise-digest-empty", d.End(PreciseEnd))
	var r PreciseRunWriter
	r.Begin(nil, 300, 7)
	r.Entry(&Entry{Version: 3, Flags: EntryStamp, Stamp: 1 << 60, Key: []byte("addr"), Value: []byte("x")})
	r.Entry(&Entry{Version: 90, Flags: EntryStamp | EntryTombstone, Stamp: 1<<60 + 1, Key: []byte("adr")})
	add("record/precise-run", r.End())
	var p PrecisePullWriter
	p.Begin(nil, 300)
	p.Origin(7)
	p.Version(1)
	p.Version(300)
	p.Origin(8)
	add("record/precise-pull", p.End(true))
}

// TestPreciseWindows cuts a random set into windows of random sizes: they stand in order and leave
// nothing out.
func TestPreciseWindows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var want []string
	for id := range uint64(40) {
		keys := map[string]bool{}
		for range rng.IntN(30) {
			keys[fmt.Sprint("key", rng.IntN(100))] = true
		}
		want = append(want, fmt.Sprintf("%02d", id+1))
		for k := range keys {
			want = append(want, fmt.Sprintf("%02d/%s", id+1, k))
		}
	}
	slices.Sort(want)
	var got []string
	var w PreciseDigestWriter
	var d PreciseDigest
	var it PreciseIter
	after := Place{}
	for i := 0; i < len(want); {
		if !w.Begin(nil, 60+rng.IntN(300), after) {
			t.Fatal("no window")
		}
		var open OriginID
		for ; i < len(want); i++ {
			var id OriginID
			var key string
			fmt.Sscanf(want[i], "%d/%s", &id, &key)
			if id != open && !w.Origin(id) {
				break
			}
			open = id
			if key != "" && !w.Key([]byte(key), uint64(i+1)) {
				break
			}
		}
		last, before := w.Last(), after
		after = Place{last.ID, bytes.Clone(last.Key)}
		_, body, _ := NextRecord(w.End(0))
		if w.Count() == 0 && w.Groups() == 1 && last.ID == before.ID {
			continue // nothing behind before: too small a window for the next key
		}
		if err := ParsePreciseDigest(body, &d, &it); err != nil {
			t.Fatalf("%v: %x", err, body)
		}
		it.Reset(&d)
		for id, ok := it.Origin(); ok; id, ok = it.Origin() {
			if name := fmt.Sprintf("%02d", id); !slices.Contains(got, name) {
				got = append(got, name)
			}
			for key, _, ok := it.Key(); ok; key, _, ok = it.Key() {
				got = append(got, fmt.Sprintf("%02d/%s", id, key))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v\n%v", got, want)
	}
}

func TestPreciseBad(t *testing.T) {
	var d PreciseDigest
	var it PreciseIter
	var p PrecisePull
	var r Run
	id := func(n byte) []byte { return []byte{n, 0, 0, 0, 0, 0, 0, 0} }
	cat := func(b ...[]byte) []byte { return slices.Concat(b...) }
	for _, c := range []struct {
		body []byte
		want error
	}{
		{cat([]byte{16}, id(0)), ErrFlags},
		{id(0), ErrBody},
		{cat([]byte{0}, id(1)), ErrBody},
		{cat([]byte{0}, id(1), []byte{3, 'a'}), ErrBody},
		{cat([]byte{0}, id(0), id(0), []byte{0, 0}), ErrOrigin},
		{cat([]byte{0}, id(0), id(2), []byte{0, 0}, id(2), []byte{0, 0}), ErrOrder},
		{cat([]byte{0}, id(0), id(2), []byte{0, 0}, id(1), []byte{0, 0}), ErrOrder},
		{cat([]byte{0}, id(2), []byte{0}, id(2), []byte{0, 0}), ErrOrder},     // nothing behind after
		{cat([]byte{0}, id(0), id(2), []byte{1, 0, 0x00, 3}), ErrEntry},       // an empty key
		{cat([]byte{0}, id(0), id(2), []byte{1, 0, 0x10, 'a', 1}), ErrVarint}, // version 0
		{cat([]byte{0}, id(0), id(2), []byte{2, 0, 0x10, 'b', 3, 0x10, 'a', 3}), ErrOrder},
		{cat([]byte{0}, id(0), id(2), []byte{2, 0, 0x10, 'b', 3, 0x01, 3}), ErrOrder}, // the same key
		{cat([]byte{0}, id(0), id(2), []byte{2, 0, 0x10, 'b', 3}), ErrBody},
		{cat([]byte{0}, id(2), []byte{1, 'c'}, id(2), []byte{1, 0, 0x10, 'b', 3}), ErrOrder},
	} {
		if err := ParsePreciseDigest(c.body, &d, &it); err != c.want {
			t.Errorf("digest %x: %v, want %v", c.body, err, c.want)
		}
	}
	for _, c := range []struct {
		body []byte
		want error
	}{
		{nil, ErrBody},
		{[]byte{2}, ErrFlags},
		{cat([]byte{0}, id(0), []byte{0, 0}), ErrOrigin},
		{cat([]byte{0}, id(1), []byte{1, 0}), ErrVarint},
		{cat([]byte{0}, id(1), []byte{0, 0}, id(1), []byte{0, 0}), ErrOrder},
		{cat([]byte{0}, id(1), []byte{1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 0}), ErrVarint},
	} {
		if err := ParsePrecisePull(c.body, &p); err != c.want {
			t.Errorf("pull %x: %v, want %v", c.body, err, c.want)
		}
	}
	for body, want := range map[string]error{
		"short": ErrBody, "\x00\x00\x00\x00\x00\x00\x00\x00": ErrOrigin,
	} {
		if err := ParsePreciseRun([]byte(body), &r); err != want {
			t.Errorf("run %x: %v, want %v", body, err, want)
		}
	}
}

func preciseFrame(dst []byte, w *PreciseDigestWriter, keys [][]byte) []byte {
	w.Begin(dst, FrameBytesDefault, Place{})
	for id := OriginID(1); w.Origin(id * 1e15); id++ {
		for k, key := range keys {
			if !w.Key(key, uint64(1000+k)) {
				return w.End(DigestOffer)
			}
		}
	}
	return w.End(DigestOffer)
}

func benchKeys() (keys [][]byte) {
	for k := range 64 {
		keys = append(keys, fmt.Appendf(nil, "key-%02d", k))
	}
	return keys
}

func BenchmarkEncodePreciseDigest(b *testing.B) {
	var w PreciseDigestWriter
	keys, buf := benchKeys(), make([]byte, 0, FrameBytesMax)
	b.ReportAllocs()
	for b.Loop() {
		preciseFrame(buf, &w, keys)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*w.Count()), "ns/key")
}

func BenchmarkParsePreciseDigest(b *testing.B) {
	var w PreciseDigestWriter
	var d PreciseDigest
	var it PreciseIter
	_, body, _ := NextRecord(preciseFrame(nil, &w, benchKeys()))
	b.ReportAllocs()
	for b.Loop() {
		if err := ParsePreciseDigest(body, &d, &it); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*d.Count), "ns/key")
	b.ReportMetric(float64(len(body))/float64(d.Count), "bytes/key")
}

func TestPreciseNeverAllocates(t *testing.T) {
	var w PreciseDigestWriter
	var d PreciseDigest
	var it PreciseIter
	keys, buf := benchKeys(), make([]byte, 0, FrameBytesMax)
	if n := testing.AllocsPerRun(1000, func() {
		_, body, _ := NextRecord(preciseFrame(buf, &w, keys))
		if ParsePreciseDigest(body, &d, &it) != nil {
			t.Fatal("does not parse")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestListsEndAtTheirLimit: no list passes the limit that it was given, however long its numbers are,
// and what it takes in is what comes back.
func TestListsEndAtTheirLimit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	step := func() uint64 { return 1 + rng.Uint64()>>(20+rng.UintN(44)) }
	for limit := range 300 {
		dst := make([]byte, rng.IntN(20), 512)
		id := OriginID(0)
		var p PrecisePullWriter
		if p.Begin(dst, limit) {
			n := 0
			for p.Origin(id + OriginID(step())) {
				id = p.last
				for v := step(); v < VersionMax && rng.IntN(20) > 0 && p.Version(v); v += step() {
					n++
				}
			}
			out := p.End(true)
			_, body, _ := NextRecord(out[len(dst):])
			var back PrecisePull
			if err := ParsePrecisePull(body, &back); len(out) > limit || err != nil || back.Count != n {
				t.Fatalf("a precise pull of %d bytes, the limit is %d: %d of %d versions come back, %v", len(out), limit, back.Count, n, err)
			}
		}
		var w PullWriter
		if id = 0; w.Begin(dst, limit) {
			for w.Add(id+OriginID(step()), step()) {
				id += OriginID(rng.Uint64N(1 << 20))
			}
			if w.Count() > 0 {
				if out := w.End(); len(out) > limit {
					t.Fatalf("a pull of %d bytes, the limit is %d", len(out), limit)
				}
			}
		}
		var d DigestWriter
		if id = 0; d.Begin(dst, limit, 0, 0) {
			for e := (DigestEntry{ID: 1}); d.Add(e); {
				e = DigestEntry{ID: e.ID + OriginID(step()), Max: step(), Floor: 0}
			}
			if out := d.End(^OriginID(0)); len(out) > limit {
				t.Fatalf("a digest of %d bytes, the limit is %d", len(out), limit)
			}
		}
		var k PreciseDigestWriter
		if id = 0; k.Begin(dst, limit, Place{}) {
			for k.Origin(id + OriginID(step())) {
				id = k.Last().ID
				for n := range byte(20) {
					if !k.Key([]byte{'a' + n}, step()) {
						break
					}
				}
			}
			if out := k.End(PreciseEnd); len(out) > limit {
				t.Fatalf("a precise digest of %d bytes, the limit is %d", len(out), limit)
			}
		}
		for _, kind := range []Type{TypeIntervals, TypeIntervalPull} {
			var w IntervalWriter
			if !w.Begin(dst, limit, kind, 1, step()) {
				continue
			}
			for from, more := uint64(0), true; more; {
				from += step() - 1
				to := from + step()
				if to > VersionMax {
					break
				}
				if kind == TypeIntervals {
					more = w.Add(&Interval{From: from, To: to, Count: 1 + rng.Uint64N(to-from), Print: 1})
				} else {
					more = w.Ask(&IntervalPull{From: from, To: to, Step: step()})
				}
				from = to
			}
			if w.Count() > 0 {
				if out := w.End(); len(out) > limit {
					t.Fatalf("intervals of %d bytes, the limit is %d", len(out), limit)
				}
			}
		}
	}
}
