package member

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// host reaches the members that it lists.
type host map[uint32]known

type known struct {
	id     codec.OriginID
	proven bool
	heard  sched.Instant
}

func addrOf(m uint32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(m)}), 7946)
}

func (h host) Reaches(m uint32) bool    { return h[m].id != 0 }
func (h host) Contact(m uint32) Contact { return Contact{addrOf(m), h[m].proven, h[m].heard} }
func (h host) Unproven(id codec.OriginID) uint32 {
	for m, is := range h {
		if is.id == id && !is.proven {
			return m
		}
	}
	return 0
}

func newDetector(h host) *Detector {
	d, cfg, graves := new(Detector), LAN(), new(names.Graves)
	graves.Init([2]uint64{1, 2}, cfg.GraveAge)
	d.Init(&cfg, 16, 99, graves, 3, 0, h)
	return d
}

// next is what the detector sends next, and the body of its first record.
func next(t *testing.T, d *Detector, now sched.Instant) (s *Send, typ codec.Type, body []byte) {
	t.Helper()
	if s = d.Next(now); s == nil {
		t.Fatal("nothing to send")
	}
	typ, body, _ = codec.NextRecord(d.AppendSend(nil, 1000, s))
	return s, typ, body
}

// A zero Detector watches nobody and takes nothing.
func TestNoDetector(t *testing.T) {
	var d Detector
	var c Change
	var rand sched.Rand
	d.Watch(0, 1, 7)
	d.Leave(0)
	d.Renew(0, 8)
	d.SeenPrint(0, 1, 2)
	d.Tick(sched.Second)
	if d.Ping(1, 7, &rand, 1) || d.Next(0) != nil || d.NextChange(&c) || d.Left(0, 1, 7) || d.Renewal(true) {
		t.Error("a detector that is off acts")
	}
	if d.Status(1) != Alive || d.Watched(1) != 0 || d.Deadline() != sched.Never || !d.Heard(0, 1) || d.Bury(0, 7, netip.AddrPort{}) >= 0 {
		t.Error("a detector that is off believes something")
	}
	if _, took, err := d.Receive(0, 1, codec.TypeProbe, []byte{1}); took || err != nil {
		t.Error("a detector that is off reads records")
	}
}

// An answer to a probe goes first, then the ping that the host asked for, and its
// answer is given once.
func TestAnswersThenPings(t *testing.T) {
	d := newDetector(host{1: {id: 11, proven: true}, 2: {id: 12, proven: true}})
	d.Watch(0, 1, 11)
	d.Watch(0, 2, 12)
	var rand sched.Rand
	rand.Seed(1)
	if !d.Ping(2, 12, &rand, 42) {
		t.Fatal("no ping")
	}
	probe := codec.AppendProbe(nil, &codec.Probe{Target: 99, Nonce: 5})
	if _, _, err := d.Receive(0, 1, codec.TypeProbe, probe[codec.RecordBytes:]); err != nil {
		t.Fatal(err)
	}
	if s, typ, _ := next(t, d, 0); s.Kind != SendAnswer || s.To != 1 || typ != codec.TypeProbeAck {
		t.Fatalf("first goes %+v", s)
	}
	s, typ, body := next(t, d, 10)
	if s.Kind != SendPing || s.To != 2 || typ != codec.TypeProbe {
		t.Fatalf("then goes %+v", s)
	}
	var p codec.Probe
	if codec.ParseProbe(body, &p) != nil || p.Target != 12 {
		t.Fatalf("%+v", p)
	}
	ack := codec.AppendProbeAck(nil, &codec.ProbeAck{Nonce: p.Nonce})[codec.RecordBytes:]
	if _, took, _ := d.Receive(25, 1, codec.TypeProbeAck, ack); took {
		t.Error("another member's answer is taken")
	}
	pong, took, err := d.Receive(25, 2, codec.TypeProbeAck, ack)
	if !took || err != nil || pong != (Pong{42, 15}) {
		t.Errorf("%+v %v %v", pong, took, err)
	}
	if _, took, _ := d.Receive(26, 2, codec.TypeProbeAck, ack); took {
		t.Error("an answer is given twice")
	}
}

// More pings or answers than there is room for take the oldest's place, or are asked
// again: nothing grows.
func TestPingsAndAnswersAreBounded(t *testing.T) {
	d := newDetector(host{1: {id: 11, proven: true}})
	d.Watch(0, 1, 11)
	var rand sched.Rand
	rand.Seed(2)
	probe := codec.AppendProbe(nil, &codec.Probe{Target: 99, Nonce: 5})[codec.RecordBytes:]
	for k := range 100 {
		d.Ping(1, 11, &rand, uint64(k))
		_, _, _ = d.Receive(0, 1, codec.TypeProbe, probe)
	}
	sent := map[SendKind]int{}
	for s := d.Next(0); s != nil; s = d.Next(0) {
		d.AppendSend(nil, 1000, s)
		sent[s.Kind]++
	}
	if sent[SendAnswer] != 32 || sent[SendPing] != 16 {
		t.Errorf("%v", sent)
	}
}

// A member that never answered is entered when its death is told, and not before.
func TestDeathOfOneThatNeverAnswered(t *testing.T) {
	d := newDetector(host{1: {id: 11, proven: true}, 2: {id: 12}})
	d.Watch(0, 1, 11)
	for _, status := range []Status{Suspect, Dead} {
		fact := codec.AppendFact(nil, codec.Fact{ID: 12, Incarnation: 0, Status: status})
		if _, _, err := d.Receive(0, 1, codec.TypeVerdict, fact); err != nil {
			t.Fatal(err)
		}
		if entered := d.Watched(2) != 0; entered != (status == Dead) {
			t.Errorf("%v: entered %v", status, entered)
		}
	}
}

// A member that speaks of a buried origin is told so, once for all that it named.
func TestNamedAndBuried(t *testing.T) {
	h := host{1: {id: 11, proven: true}, 2: {id: 12, proven: true}, 3: {id: 13, proven: true}}
	d := newDetector(h)
	for m, is := range h {
		d.Watch(0, m, is.id)
	}
	for _, m := range []uint32{2, 3} {
		d.Left(0, m, h[m].id)
		d.bury(0, d.standings[m].fact)
	}
	d.Named(0, 1, 12)
	d.Named(0, 1, 12) // again
	d.Named(0, 1, 13)
	s, typ, body := next(t, d, 1)
	facts, err := codec.ParseFacts(body)
	if s.Kind != SendBurials || s.To != 1 || typ != codec.TypeVerdict || err != nil || facts.Len() != 2 {
		t.Fatalf("%+v %v %d facts", s, err, facts.Len())
	}
	if f := facts.At(0); f.ID != 12 || f.Status != Buried {
		t.Errorf("%+v", f)
	}
	for s := d.Next(1); s != nil; s = d.Next(1) {
		if s.Kind == SendBurials {
			t.Error("told twice")
		}
		d.AppendSend(nil, 1000, s)
	}
}
