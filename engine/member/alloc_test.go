package member

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

func TestFootprintIsHonest(t *testing.T) {
	f := func(what string, got uintptr, said int) {
		if int(got) != said {
			t.Errorf("%s has %d bytes, Footprint says %d", what, got, said)
		}
	}
	f("fact", unsafe.Sizeof(fact{}), factBytes)
	f("watch", unsafe.Sizeof(watch{}), watchBytes)
	f("ballots", unsafe.Sizeof(ballots{}), caseBytes)
	f("hotFact", unsafe.Sizeof(hotFact{}), hotBytes)
	f("silence", unsafe.Sizeof(silence{}), silenceBytes)
}

// alone is one table among n members that never answer but to the test.
func alone(t testing.TB, n int) (*Table, *sched.Instant) {
	var r Ring
	x, cfg, now := new(Table), quick(), sched.Instant(sched.Second)
	r.Init(n+1, [2]uint64{5, 6})
	x.Init(&cfg, DefaultLimits(n+1), &r, 1, testID(1), 7, now)
	for h := uint32(2); h <= uint32(n); h++ {
		if !x.Add(now, h, testID(h)) {
			t.Fatal("add")
		}
	}
	return x, &now
}

func TestNothingAllocates(t *testing.T) {
	x, now := alone(t, 64)
	buf, room := make([]byte, 0, 1400), 1300
	var s Send
	var ch Change
	var ack codec.ProbeAck
	var e Evidence
	step, inc := 0, uint32(0)
	once := func() {
		step++
		*now += 7 * ms
		x.Tick(*now)
		for x.Next(*now, &s) {
			buf = x.AppendSend(buf[:0], room, &s)
			if s.Kind == SendProbe && s.To%4 != 0 {
				x.OnAck(*now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce, Incarnation: x.Incarnation(s.To)})
			}
		}
		from := uint32(2 + step%60)
		body := codec.AppendProbe(buf[:0], &codec.Probe{Target: testID(1), Nonce: 5, Incarnation: x.Incarnation(1), Status: Status(step & 1)})[codec.RecordBytes:]
		x.OnRecord(*now, from, codec.TypeProbe, body, &ack)
		inc++
		body = codec.AppendVote(buf[:0], &codec.Vote{Subject: testID(from + 1), Round: inc, Stance: codec.StanceAgainst, Incarnation: x.Incarnation(from + 1)})[codec.RecordBytes:]
		x.OnRecord(*now, from, codec.TypeVote, body, &ack)
		body = codec.AppendFact(buf[:0], codec.Fact{ID: testID(from + 2), Incarnation: x.Incarnation(from + 2), Status: Suspect})
		x.OnRecord(*now, from, codec.TypeVerdict, body, &ack)
		body = codec.AppendObserved(buf[:0], false, &x.sums)[codec.RecordBytes:]
		body[9] ^= 1
		x.OnRecord(*now, from, codec.TypeObserved, body, &ack)
		x.SeenPrint(*now, from, uint64(step))
		x.Explain(*now, from, &e)
		x.Phi(from, *now)
		for x.NextChange(&ch) {
		}
		if step%16 == 0 {
			x.Add(*now, 65, testID(65))
			x.Remove(*now, 65)
		}
	}
	for range 500 {
		once()
	}
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if x.Counters().Deaths == 0 || x.Counters().VotesTaken == 0 || x.Counters().Replies == 0 {
		t.Errorf("the run did not visit all: %+v", *x.Counters())
	}
}

func BenchmarkAnswerProbe(b *testing.B) {
	x, now := alone(b, 1000)
	body := codec.AppendProbe(nil, &codec.Probe{Target: testID(1), Nonce: 5})[codec.RecordBytes:]
	buf := make([]byte, 0, 200)
	var ack codec.ProbeAck
	b.ReportAllocs()
	for b.Loop() {
		x.OnRecord(*now, 3, codec.TypeProbe, body, &ack)
		buf = x.AppendAnswer(buf[:0], 1300, &ack)
	}
}

func BenchmarkProbeRound(b *testing.B) {
	x, now := alone(b, 1000)
	buf := make([]byte, 0, 200)
	var s Send
	b.ReportAllocs()
	for b.Loop() {
		*now = x.Deadline()
		x.Tick(*now)
		for x.Next(*now, &s) {
			buf = x.AppendSend(buf[:0], 1300, &s)
			x.OnAck(*now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce})
		}
	}
}

func BenchmarkRebuild(b *testing.B) {
	for _, n := range []int{100, 10000} {
		x, now := alone(b, n)
		b.Run(map[int]string{100: "100", 10000: "10000"}[n], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.rebuild(*now)
			}
		})
	}
}

func BenchmarkRingAdd(b *testing.B) {
	x, _ := alone(b, 10000)
	b.ReportAllocs()
	for b.Loop() {
		x.ring.Add(10001, testID(10001))
		x.ring.Remove(10001)
	}
}
