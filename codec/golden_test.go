package codec

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/golden.txt")

// samples are frames and records by name, in a fixed order: the goldens, and the seeds of the
// fuzzers.
func samples() (names []string, bytesOf map[string][]byte) {
	bytesOf = map[string][]byte{}
	add := func(name string, b []byte) {
		names = append(names, name)
		bytesOf[name] = b
	}
	frame := func(h Header, records []byte) []byte {
		return AppendChecksum(append(AppendHeader(nil, &h), records...), 0)
	}
	bare := Header{Cluster: ClusterTag([]byte("prod")), Sender: MakeOriginID(FrameKey([]byte("prod")), []byte("web-1"), 1)}
	add("frame/bare", frame(bare, nil))
	idle := bare
	idle.Flags, idle.Seq, idle.Ack, idle.AckMap, idle.Credit, idle.StatePrint = FlagFlow|FlagPrints, 3, 2, 1, 64, 0xfeed
	add("frame/idle", frame(idle, AppendSync(nil, Sync{Kind: SyncPushPull})))
	add("frame/all", frame(fullHeader(), AppendPad(AppendRecord(nil, 40, []byte("?")), 6)))
	sealed := fullHeader()
	sealed.Flags |= FlagSeal | FlagHello
	sealed.KeyID, sealed.Counter, sealed.Salt = 2, 1, [16]byte{15: 1}
	add("frame/sealed", append(AppendHeader(nil, &sealed), make([]byte, TagBytes)...))

	hello := Hello{Flags: 1, Mode: 0x77, Gen: 5, Salt: [16]byte{1, 2}, Name: []byte("web-1"), Addr: testAddrs[1]}
	add("record/hello", AppendHello(nil, &hello))
	hello.Addr = testAddrs[2]
	add("record/hello6", AppendHello(nil, &hello))
	add("record/reply", AppendHelloReply(nil, &HelloReply{Hello: hello, Echo: [16]byte{3}, KnownGen: 4, KnownAlive: true}))
	hello.Speak, hello.Since, hello.Gen = Versions{1, 255}, 1, 1<<64-1
	add("record/hello-senior", AppendHello(nil, &hello))
	add("record/intro-senior", AppendIntro(nil, &Intro{ID: 1<<64 - 1, Gen: 300, Since: 3, Speak: Versions{1, 3}, Age: 80, Name: []byte("w"), Addr: testAddrs[2]}))
	add("record/intro", AppendIntro(nil, &Intro{ID: 0x0102030405060708, Gen: 5, Name: []byte("web-1")}))
	add("record/sync", AppendSync(nil, Sync{Kind: SyncPush}))
	add("record/have", AppendHave(nil, Have{Max: 300, Floor: 1}))
	add("record/have-dirty", AppendHave(nil, Have{Max: 300, Floor: 301, Dirty: true}))
	add("record/have-most", AppendHave(nil, Have{VersionMax, VersionMax, VersionMax, true}))
	add("record/pad", AppendPad(nil, 7))
	var d DigestWriter
	d.Begin(nil, 200, DigestWantRuns, 1)
	d.Add(DigestEntry{ID: 2, Max: 5})
	d.Add(DigestEntry{ID: 1 << 63, Max: 1 << 20, Floor: 9})
	d.Add(DigestEntry{1<<64 - 1, VersionMax, VersionMax, true})
	add("record/digest", d.End(1<<64-1))
	d.Begin(nil, 200, DigestOffer|DigestFinal, 0)
	add("record/digest-empty", d.End(0))
	var p PullWriter
	p.Begin(nil, 200)
	p.Add(9, 0)
	p.Add(3, VersionMax)
	add("record/pull", p.End())
	var r RunWriter
	r.Begin(nil, 200, RunHead{ID: 7})
	r.Entry(&Entry{Version: 1, Key: []byte("addr"), Value: []byte("x")})
	r.Entry(&Entry{Version: 2, Key: []byte("addr6"), Value: []byte("y")})
	add("record/run", r.End(2))
	r.Begin(nil, 200, RunHead{ID: 7, From: 2, Floor: 1})
	add("record/run-empty", r.End(9))
	r.Begin(nil, 3000, RunHead{ID: 42, From: 10, Floor: 3})
	for _, e := range testEntries() {
		r.Entry(&e)
	}
	add("record/run-all", r.End(r.Last()))
	r.Begin(nil, 3000, RunHead{ID: 1<<64 - 1, From: VersionMax - 2, Floor: VersionMax, Max: VersionMax, Dirty: true})
	add("record/run-behind", r.End(VersionMax-2))
	r.Begin(nil, 3000, RunHead{ID: 1, Max: 5})
	add("record/run-behind-to", r.End(3))
	addPrecise(add)
	addMember(add)
	addNews(add)
	addLimits(add)
	addIntervals(add)
	addDelegate(add)
	return names, bytesOf
}

func TestGolden(t *testing.T) {
	names, bytesOf := samples()
	var out strings.Builder
	for _, name := range names {
		fmt.Fprintf(&out, "%s %x\n", name, bytesOf[name])
	}
	if *update {
		if err := os.WriteFile("testdata/golden.txt", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != out.String() {
		t.Error("the wire format has changed: see testdata/golden.txt, and -update if that is meant")
	}
	for line := range strings.Lines(string(file)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		again, err := reencode(name, b)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: %v\n%x\n%x", name, err, b, again)
		}
	}
}

// reencode parses a sample and encodes what it has understood.
func reencode(name string, b []byte) ([]byte, error) {
	if strings.HasPrefix(name, "record/") {
		if err := ParseRecords(b); err != nil {
			return nil, err
		}
		var c recoder
		return c.records(nil, b)
	}
	var h Header
	if b[4] != 0 {
		sealed, err := ParseHeader(b, &h)
		return append(AppendHeader(nil, &h), sealed...), err
	}
	records, err := ParseFrame(b, &h)
	if err != nil {
		return nil, err
	}
	return AppendChecksum(append(AppendHeader(nil, &h), records...), 0), nil
}
