package codec

import (
	"bytes"
	"net/netip"
	"testing"
)

func TestSipHashVectors(t *testing.T) {
	// From the reference implementation (Aumasson, Bernstein): key 00..0f, input 00..len-1.
	key := [2]uint64{0x0706050403020100, 0x0f0e0d0c0b0a0908}
	in := make([]byte, 64)
	for i := range in {
		in[i] = byte(i)
	}
	f := func(n int, want uint64) {
		t.Helper()
		if got := SipHash(key, in[:n]); got != want {
			t.Errorf("SipHash of %d bytes = %016x, want %016x", n, got, want)
		}
	}
	f(0, 0x726fdb47dd0e0e31)
	f(1, 0x74f839c593dc67fd)
	f(2, 0x0d6c8009d9a94f5a)
	f(3, 0x85676696d7fb7e2d)
	f(4, 0xcf2794e0277187b7)
	f(5, 0x18765564cd99a68d)
	f(6, 0xcbc9466e58fee3ce)
	f(7, 0xab0200f58b01d137)
	f(8, 0x93f5f5799a932462)
	f(15, 0xa129ca6149be45e5)
	f(63, 0x958a324ceb064572)
}

func TestCRC32C(t *testing.T) {
	if got := CRC32C([]byte("123456789")); got != 0xe3069283 {
		t.Errorf("CRC32C = %08x", got)
	}
}

func TestUvarint(t *testing.T) {
	f := func(v uint64, size int) {
		t.Helper()
		b := appendUvarint(nil, v)
		if len(b) != size || uvarintBytes(v) != size {
			t.Fatalf("%#x: %d bytes, %d predicted, want %d", v, len(b), uvarintBytes(v), size)
		}
		for _, slack := range []int{0, 9} {
			if got, n := uvarint(append(b[:size:size], make([]byte, slack)...)); got != v || n != size {
				t.Fatalf("%#x: decoded %#x of %d bytes", v, got, n)
			}
		}
		if v > 15 {
			want := string(b)
			low := appendUvarint(make([]byte, 0, 9), v&^15) // the other way: with room
			if orUvarint(low, v&15); string(low) != want {
				t.Fatalf("%#x: % x, its four lowest bits set later % x", v, want, low)
			}
		}
		for i := range size {
			if _, n := uvarint(b[:i]); n != 0 {
				t.Fatalf("%#x: cut to %d bytes and accepted", v, i)
			}
		}
	}
	f(0, 1)
	for n := 1; n <= 8; n++ {
		f(1<<(7*n)-1, n)
		f(1<<(7*n), n+1)
	}
	f(1<<64-1, 9)
	for _, long := range [][]byte{{2, 0}, {4, 0, 0}, {0xfe, 1}, {0, 1, 2, 3, 4, 5, 6, 7, 0}} {
		if _, n := uvarint(long); n != 0 && long[0] != 0xfe {
			t.Errorf("% x is not minimal and accepted", long)
		}
	}
}

func TestOriginID(t *testing.T) {
	k := FrameKey([]byte("prod"))
	a := MakeOriginID(k, []byte("web-1"), 1)
	if a == 0 || a == MakeOriginID(k, []byte("web-1"), 2) || a == MakeOriginID(k, []byte("web-2"), 1) ||
		a == MakeOriginID(FrameKey([]byte("test")), []byte("web-1"), 1) || a != MakeOriginID(k, []byte("web-1"), 1) {
		t.Error("identifiers are not distinct or not stable")
	}
	if MakeOriginID(k, nil, 1) != 0 || MakeOriginID(k, make([]byte, NameBytesMax+1), 1) != 0 {
		t.Error("an invalid name has an identifier")
	}
	if ClusterTag([]byte("prod")) == ClusterTag([]byte("test")) {
		t.Error("equal tags")
	}
}

func fullHeader() Header {
	return Header{
		Flags: FlagFlow | FlagCookie | FlagRates | FlagPrints, Cluster: 0x01020304, Sender: 0x1122334455667788,
		Seq: 7, Ack: 8, AckMap: 9, Credit: 10, Mark: 11, Cookie: [16]byte{1, 2, 3},
		Rates: Rates{Rho: 1, Tau: 2, Given: -3, Taken: 4, Overflow: true}, StatePrint: 5, LivePrint: 6,
	}
}

func TestFrameRoundTrip(t *testing.T) {
	for blocks := range flagBlocks + 1 {
		h := fullHeader()
		h.Flags = blocks | 0x4000
		if blocks&FlagSeal != 0 {
			h.KeyID, h.Counter, h.Salt = 5, 77, [16]byte{9}
		}
		b := AppendHeader([]byte("before"), &h)
		if len(b)-6 != h.Bytes() {
			t.Fatalf("flags %x: %d bytes, %d predicted", blocks, len(b)-6, h.Bytes())
		}
		b = AppendRecord(b, TypeEvent, []byte("event"))
		var got Header
		var records []byte
		var err error
		if blocks&FlagSeal != 0 {
			b = append(b, make([]byte, TagBytes)...)
			records, err = ParseHeader(b[6:], &got)
			if _, e := ParseFrame(b[6:], &got); e != ErrSealed {
				t.Fatal(e)
			}
		} else {
			b = AppendChecksum(b, 6)
			records, err = ParseFrame(b[6:], &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendHeader(nil, &got); !bytes.Equal(again, b[6:6+h.Bytes()]) {
			t.Fatalf("flags %x: header changed", blocks)
		}
		if ty, body, _ := NextRecord(records); ty != TypeEvent || string(body) != "event" {
			t.Fatalf("record %d %q", ty, body)
		}
	}
}

// The bit is found where AppendHeader puts it, and nothing shorter has it.
func TestIsRepair(t *testing.T) {
	for _, flags := range []Flags{0, FlagRepair, FlagFlow, FlagFlow | FlagRepair | FlagPrints, FlagHello | FlagSalt} {
		b := AppendHeader(nil, &Header{Flags: flags, Cluster: 1, Sender: 2})
		for n := range len(b) + 1 {
			if got, want := IsRepair(b[:n]), flags&FlagRepair != 0 && n > 3; got != want {
				t.Errorf("flags %x, %d bytes: %v", flags, n, got)
			}
		}
	}
}

func TestFrameRejects(t *testing.T) {
	h := fullHeader()
	good := AppendChecksum(AppendSync(AppendHeader(nil, &h), Sync{Kind: SyncPush}), 0)
	f := func(name string, want error, change func(b []byte) []byte) {
		t.Helper()
		var h Header
		if _, err := ParseFrame(change(bytes.Clone(good)), &h); err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	f("good", nil, func(b []byte) []byte { return b })
	f("empty", ErrShort, func(b []byte) []byte { return nil })
	f("long", ErrLong, func(b []byte) []byte { return append(b, make([]byte, FrameBytesMax)...) })
	f("magic", ErrMagic, func(b []byte) []byte { b[0]++; return b })
	f("version", ErrVersion, func(b []byte) []byte { b[1]++; return b })
	f("unknown block", ErrFlags, func(b []byte) []byte { b[2] |= 1 << 6; return b })
	f("seal flag alone", ErrFlags, func(b []byte) []byte { b[2] |= 1; return b })
	f("key id alone", ErrFlags, func(b []byte) []byte { b[4] = 1; return b })
	f("no sender", ErrOrigin, func(b []byte) []byte { clear(b[12:20]); return b })
	f("overflow", ErrFlags, func(b []byte) []byte { b[HeaderBytesFixed+flowBytes+CookieBytes+24] = 2; return b })
	f("cut", ErrShort, func(b []byte) []byte { return b[:60] })
	f("damaged", ErrChecksum, func(b []byte) []byte { b[len(b)-6]++; return b })
	for n := range good {
		var h Header
		if _, err := ParseFrame(good[:n], &h); err == nil {
			t.Fatalf("cut to %d bytes and accepted", n)
		}
	}
	for _, records := range [][]byte{{0, 0, 0}, {1}, {1, 0}, {1, 1, 0}, {40, 0, 0, 2, 5, 0, 1}} {
		b := AppendChecksum(append(AppendHeader(nil, &h), records...), 0)
		var h Header
		if _, err := ParseFrame(b, &h); err != ErrRecord {
			t.Errorf("records % x: %v", records, err)
		}
	}
}

var testAddrs = []netip.AddrPort{
	{},
	netip.MustParseAddrPort("10.0.0.7:7946"), netip.MustParseAddrPort("[2001:db8::1]:80"),
	netip.MustParseAddrPort("0.0.0.0:1"), netip.MustParseAddrPort("[::]:1"),
}

func TestHelloRoundTrip(t *testing.T) {
	for _, a := range testAddrs {
		h := Hello{Flags: 3, Mode: 77, Gen: 1 << 60, Salt: [16]byte{1}, Name: []byte("web-1"), Addr: a}
		var got Hello
		if err := ParseHello(AppendHello(nil, &h)[3:], &got); err != nil || string(got.Name) != "web-1" || got.Addr != a || got.Gen != h.Gen {
			t.Errorf("%+v %v", got, err)
		}
		r := HelloReply{Hello: h, Echo: [16]byte{2}, KnownGen: 5, KnownAlive: true}
		var gotr HelloReply
		if err := ParseHelloReply(AppendHelloReply(nil, &r)[3:], &gotr); err != nil || gotr.KnownGen != 5 || !gotr.KnownAlive || gotr.Echo != r.Echo {
			t.Errorf("%+v %v", gotr, err)
		}
		in := Intro{ID: 9, Gen: 4, Kinds: 2, Age: 255, Name: []byte("n"), Addr: a}
		b := AppendIntro(nil, &in)
		var goti Intro
		if err := ParseIntro(b[3:], &goti); err != nil || goti.ID != 9 || goti.Gen != 4 || goti.Kinds != 2 || goti.Age != 255 || goti.Addr != a || IntroBytes(&in) != len(b) {
			t.Errorf("%+v %v", goti, err)
		}
	}
	if got := AppendIntro(nil, &Intro{ID: 1, Name: []byte("n"), Addr: netip.MustParseAddrPort("[::ffff:1.2.3.4]:5")}); got[26] != 4 {
		t.Errorf("a mapped address is not written as IPv4: % x", got)
	}
}

func TestSmallRoundTrip(t *testing.T) {
	if s, err := ParseSync(AppendSync(nil, Sync{Kind: SyncPushPull})[3:]); s.Kind != SyncPushPull || err != nil {
		t.Error(s, err)
	}
	for _, h := range []Have{{}, {Max: 1, Floor: 2}, {VersionMax, VersionMax, VersionMax, true}, {3, 1, 1, false}, {Dirty: true}} {
		if got, err := ParseHave(AppendHave(nil, h)[3:]); got != h || err != nil {
			t.Error(got, err)
		}
	}
	for _, n := range []int{3, 4, 100} {
		b := AppendPad(nil, n)
		if len(b) != n || ParseRecords(b) != nil {
			t.Errorf("pad of %d bytes has %d", n, len(b))
		}
	}
}

func TestDigestRoundTrip(t *testing.T) {
	var w DigestWriter
	dst := []byte("xx")
	if w.Begin(dst, 2+DigestOverhead-1, 0, 1) {
		t.Fatal("begun without room")
	}
	if !w.Begin(dst, 100, DigestOffer|DigestFinal, 5) {
		t.Fatal("no room")
	}
	in := []DigestEntry{{ID: 5}, {6, 1, 0, true}, {1 << 63, VersionMax, VersionMax, true}, {1<<64 - 1, 5, 9, false}}
	for _, e := range in {
		if !w.Add(e) {
			t.Fatal("no room")
		}
	}
	b := w.End(1<<64 - 1)
	var d Digest
	if err := ParseDigest(b[2+RecordBytes:], &d); err != nil {
		t.Fatal(err)
	}
	if d.Count != len(in) || d.Lo != 5 || d.Hi != 1<<64-1 || d.Flags != DigestOffer|DigestFinal {
		t.Fatalf("%+v", d)
	}
	it := d.Entries()
	var e DigestEntry
	for _, want := range in {
		if !it.Next(&e) || e != want {
			t.Fatalf("%+v, want %+v", e, want)
		}
	}
	if it.Next(&e) {
		t.Fatal("one too many")
	}
}

func TestDigestFull(t *testing.T) {
	for limit := DigestOverhead; limit < 200; limit++ {
		var w DigestWriter
		w.Begin(nil, limit, 0, 0)
		id := OriginID(1)
		for w.Add(DigestEntry{ID: id, Max: 1 << 20}) {
			id++
		}
		b := w.End(id - 1)
		var d Digest
		if len(b) > limit || limit-len(b) >= DigestEntryBytes(DigestEntry{Max: 1 << 20}) || ParseDigest(b[3:], &d) != nil || d.Count != int(id-1) {
			t.Fatalf("limit %d: %d bytes, %d entries", limit, len(b), d.Count)
		}
	}
}

func TestPullRoundTrip(t *testing.T) {
	var w PullWriter
	if !w.Begin([]byte("x"), 1+3+9+16) || !w.Add(7, 0) || !w.Add(3, VersionMax) || w.Add(1, 1) {
		t.Fatal("room")
	}
	var p Pull
	if err := ParsePull(w.End()[4:], &p); err != nil || p.Count != 2 {
		t.Fatal(err, p.Count)
	}
	it := p.Entries()
	if id, have, ok := it.Next(); id != 7 || have != 0 || !ok {
		t.Error(id, have)
	}
	if id, have, ok := it.Next(); id != 3 || have != VersionMax || !ok {
		t.Error(id, have)
	}
	if _, _, ok := it.Next(); ok {
		t.Error("one too many")
	}
}

func testEntries() []Entry {
	long := bytes.Repeat([]byte("k"), KeyBytesMax)
	return []Entry{
		{Version: 11, Key: []byte("addr"), Value: []byte("10.0.0.1")},
		{Version: 12, Key: []byte("addr/v6"), Value: nil},
		{Version: 13, Key: []byte("add"), Flags: EntryTombstone},
		{Version: 100, Key: []byte{0}, Value: []byte("v")},
		{Version: 101, Key: long, Value: bytes.Repeat([]byte("v"), EntryBytesMax-KeyBytesMax)},
		{Version: 102, Key: long, Flags: EntryTTL, TTL: 1<<32 - 1, Age: 3, Value: []byte("v")},
		{Version: 103, Key: long[:20], Flags: EntryStamp | EntryTombstone, Stamp: -5},
		{Version: 104, Key: []byte("load"), Flags: EntryKinded, Kind: KindAnnounce, Value: []byte{3}},
		{Version: 105, Flags: EntryByRef | EntryTTL | EntryStamp, Ref: 7, TTL: 1, Stamp: 1, Value: []byte("0.5")},
		{Version: 106, Flags: EntryByRef | EntryMore, Ref: 1<<32 - 1, Rest: 1},
		{Version: 107, Flags: EntryByRef, Ref: 8, Value: []byte("0.6")},
		{Version: 108, Key: AppendLeaseKey(nil, 1<<32-1), Flags: EntryKinded | EntryTTL, Kind: KindLease, TTL: 9, Age: 10},
		{Version: 109, Key: []byte("loa"), Flags: EntryLeased, Lease: 1<<32 - 1, Value: []byte("v")},
		{Version: 110, Key: []byte("loa"), Flags: EntryLeased | EntryTTL | EntryStamp, Lease: 1, TTL: 9, Age: 9, Stamp: -1 << 63, Value: []byte("w")},
		{Version: 111, Key: []byte("lob"), Flags: EntryKinded | EntryStamp, Kind: 255, Stamp: 1<<63 - 1, Value: []byte("what is not known yet")},
		{Version: 200, Key: []byte("b"), Flags: EntryMore | EntryTombstone, Rest: BatchMax - 1},
		{Version: 202, Key: []byte("bb"), Flags: EntryMore | EntryTTL, TTL: 5, Rest: BatchMax - 3, Value: []byte("v")}, // the last one was written again
		{Version: VersionMax, Key: []byte("loaf"), Value: []byte("v")},
	}
}

func equalEntry(a, b *Entry) bool {
	return a.Version == b.Version && a.Flags == b.Flags && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) &&
		a.TTL == b.TTL && a.Age == b.Age && a.Stamp == b.Stamp && a.Ref == b.Ref &&
		a.Lease == b.Lease && a.Kind == b.Kind && a.Rest == b.Rest
}

func TestRunRoundTrip(t *testing.T) {
	entries := testEntries()
	for _, from := range []uint64{0, 10} {
		for _, floor := range []uint64{0, 1, VersionMax} {
			for n := range len(entries) + 1 {
				for _, more := range []uint64{0, 5} {
					for _, top := range []uint64{0, 1000, VersionMax} {
						checkRun(t, entries[:n], RunHead{42, from, floor, top, floor == 1}, more)
					}
				}
			}
		}
	}
}

func checkRun(t *testing.T, entries []Entry, head RunHead, more uint64) {
	t.Helper()
	var w RunWriter
	if !w.Begin([]byte("x"), 3000, head) {
		t.Fatal("no room")
	}
	size := 1 + RunOverhead(head.From, head.Floor) - runTailBytes
	prev, stamp := Entry{Version: head.From}, int64(0)
	for i := range entries {
		e := &entries[i]
		size += entryBytes(e, e.Version-prev.Version-1, commonPrefix(prev.Key, e.Key), stamp)
		if most := EntryBytes(e, prev.Version, prev.Key); most < entryBytes(e, e.Version-prev.Version-1, commonPrefix(prev.Key, e.Key), stamp) {
			t.Fatalf("entry %d: %d bytes predicted at most", i, most)
		}
		if !w.Entry(e) {
			t.Fatal("no room")
		}
		key := prev.Key
		if prev = *e; prev.Flags&EntryByRef != 0 {
			prev.Key = key
		}
		if e.Flags&EntryStamp != 0 {
			stamp = e.Stamp
		}
	}
	to := min(max(w.Last(), prev.End())+more, VersionMax)
	if to > w.Last() {
		size += versionBytes
	}
	if head.Max > to {
		size += versionBytes
	}
	b := w.End(to)
	if len(b) != size {
		t.Fatalf("%d bytes, %d predicted", len(b), size)
	}
	var r Run
	if _, err := parseRun(b[1+RecordBytes:], &r); err != nil {
		t.Fatal(err)
	}
	head.Max = max(head.Max, to)
	if r.RunHead != head || r.To != to || r.Count != len(entries) || r.Level() != (to == head.Max) {
		t.Fatalf("%+v", r)
	}
	var it RunIter
	it.Reset(&r)
	var e Entry
	for i := range entries {
		if !it.Next(&e) || !equalEntry(&e, &entries[i]) {
			t.Fatalf("entry %d: %+v, want %+v", i, e, entries[i])
		}
	}
	if it.Next(&e) {
		t.Fatal("one too many")
	}
}

// TestOnlyRunsHaveReferences: who takes entries in any order does not know what came before, and who
// mends does not trust it.
func TestOnlyRunsHaveReferences(t *testing.T) {
	var w RunWriter
	for _, e := range []Entry{
		{Flags: EntryByRef, Ref: 1},
		{Flags: EntryByRef | EntryLeased, Ref: 1, Lease: 2},
	} {
		e.Version = 9
		w.Begin(nil, FrameBytesDefault, RunHead{ID: 1, From: 8})
		if !w.Entry(&e) {
			t.Fatal("no room")
		}
		var r Run
		body := w.End(9)[RecordBytes:]
		if err := ParseRun(body, &r); err != nil {
			t.Error(err)
		}
		var p PreciseRunWriter
		p.Begin(nil, FrameBytesDefault, 1)
		if !p.Entry(&e) {
			t.Fatal("no room")
		}
		if err := ParsePreciseRun(p.End()[RecordBytes:], &r); err != ErrUnsupported {
			t.Errorf("%+v: %v", e, err)
		}
		if err := ParsePart(body, &r); err != ErrUnsupported {
			t.Errorf("%+v in a part: %v", e, err)
		}
	}
}

func TestRunFull(t *testing.T) {
	f := func(limit int, more uint64) {
		t.Helper()
		var w RunWriter
		w.Begin(nil, limit, RunHead{ID: 1})
		e := Entry{Version: 1, Key: []byte("key"), Value: []byte("value")}
		for w.Entry(&e) {
			e.Version++
		}
		to := w.Last() + more
		b := w.End(to)
		var r Run
		if len(b) > limit || ParseRun(b[3:], &r) != nil || r.Count != int(e.Version-1) || r.To != to {
			t.Fatalf("limit %d: %d bytes, %+v", limit, len(b), r)
		}
	}
	for limit := RunOverhead(0, 0); limit < 200; limit++ {
		f(limit, 0)
		f(limit, VersionMax/2)
	}
}

// TestLargestEntryFits builds the worst frame that the limits allow: what one node accepts, every
// node can send.
func TestLargestEntryFits(t *testing.T) {
	h := Header{Flags: flagBlocks, KeyID: 255, Sender: 1}
	b := AppendHeader(nil, &h)
	in := Intro{ID: 1, Gen: 1<<64 - 1, Since: 1, Name: make([]byte, NameBytesMax), Addr: testAddrs[2]}
	b = AppendIntro(b, &in)
	key := bytes.Repeat([]byte("k"), KeyBytesMax)
	e := Entry{
		Version: VersionMax - BatchMax + 1, Key: key, Value: make([]byte, EntryBytesMax-KeyBytesMax), Stamp: 1<<63 - 1,
		Flags: EntryTTL | EntryStamp | EntryLeased | EntryKinded | EntryMore, TTL: 1<<32 - 1, Age: 1<<32 - 1, Lease: 1<<32 - 1, Kind: 255, Rest: BatchMax - 1,
	}
	for _, from := range []uint64{0, VersionMax - BatchMax} {
		var w RunWriter
		if !w.Begin(b, FrameBytesFloor-TagBytes, RunHead{ID: 1, From: from, Floor: VersionMax, Max: VersionMax, Dirty: true}) || !w.Entry(&e) {
			t.Fatal("the largest entry does not fit the smallest frame")
		}
		end := w.End(VersionMax)
		var r Run
		if _, err := parseRun(end[len(b)+RecordBytes:], &r); err != nil || r.Count != 1 {
			t.Fatal(err)
		}
		t.Logf("from %d: %d of %d bytes", from, len(end)+TagBytes, FrameBytesFloor)
	}
}

// TestNoRunEndsWithinABatch: whoever takes a run takes whole batches, whatever its sender says.
func TestNoRunEndsWithinABatch(t *testing.T) {
	f := func(to uint64, want error, entries ...Entry) {
		t.Helper()
		b := appendUvarint([]byte{1, 0, 0, 0, 0, 0, 0, 0}, 10<<runBits|runLevel)
		prev := Entry{Version: 10}
		for i := range entries {
			e := &entries[i]
			b = appendEntry(b, e, e.Version-prev.Version-1, commonPrefix(prev.Key, e.Key), 0)
			prev = *e
		}
		if to > prev.Version {
			b = appendVersion(b, to)
			orUvarint(b[8:], runTo)
		}
		var r Run
		if err := ParseRun(b, &r); err != want {
			t.Errorf("to %d: %v, want %v", to, err, want)
		}
	}
	more := func(v uint64, rest uint8, key string) Entry {
		return Entry{Version: v, Key: []byte(key), Flags: EntryMore, Rest: rest}
	}
	last := Entry{Version: 13, Key: []byte("c")}
	f(13, nil, more(11, 2, "a"), more(12, 1, "b"), last)
	f(13, nil, more(11, 2, "a"), last)             // the second was written again
	f(13, nil, more(11, 2, "a"), more(12, 1, "b")) // the last was
	f(12, ErrOrder, more(11, 2, "a"), more(12, 1, "b"))
	f(11, ErrOrder, more(11, 2, "a"))
	f(14, ErrEntry, more(11, 2, "a"), more(12, 2, "b"), Entry{Version: 14, Key: []byte("c")})
	f(13, ErrEntry, more(11, 2, "a"), Entry{Version: 12, Key: []byte("b")}, last)
	f(60, ErrFlags, more(11, BatchMax, "a"))
	f(60, ErrFlags, more(11, 0, "a"))
	var r Run
	var w PreciseRunWriter
	w.Begin(nil, 200, 1)
	e := more(11, 2, "a")
	w.Entry(&e)
	if err := ParsePreciseRun(w.End()[RecordBytes:], &r); err == nil {
		t.Error("a precise run has a batch")
	}
}

// TestBatchEntryBytes: what a batch is charged is the most that it takes in any run, so that one
// which is taken fits.
func TestBatchEntryBytes(t *testing.T) {
	for _, e := range testEntries() {
		if e.Flags&(EntryByRef|EntryStamp) != 0 {
			continue
		}
		e.Flags, e.Rest, e.Age = e.Flags|EntryMore, 1, 1<<32-1
		if e.Flags&EntryLeased != 0 {
			e.Flags, e.TTL = e.Flags|EntryTTL, 1<<32-1
		}
		for _, before := range []string{"", "k", "kkkkkkkkkkkkkkkkkkkk", "addr/v"} {
			if n := entryBytes(&e, BatchMax-2, commonPrefix([]byte(before), e.Key), 0); n > BatchEntryBytes(e.Flags, len(e.Key), len(e.Value)) {
				t.Errorf("%.20q: %d bytes, charged %d", e.Key, n, BatchEntryBytes(e.Flags, len(e.Key), len(e.Value)))
			}
		}
	}
}
