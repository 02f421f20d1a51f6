package member

import (
	"bytes"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

func TestRecordSizes(t *testing.T) {
	f := func(what string, got []byte, want int) {
		if len(got) != want {
			t.Errorf("%s: %d bytes, want %d", what, len(got), want)
		}
	}
	f("probe", AppendProbe(nil, &Probe{}), ProbeBytes)
	f("ack", AppendAck(nil, &ProbeAck{}), AckBytes)
	f("vote", AppendVote(nil, &Vote{}), VoteBytes)
	f("fact", AppendFact(nil, Fact{}), FactBytes)
	x, _ := alone(t, 3)
	f("digest", x.AppendDigest(nil, true), DigestBytes)
	const frame = codec.HeaderBytesFixed + 16 + codec.RecordBytes + ProbeBytes + codec.ChecksumBytes
	if frame > 64 {
		t.Errorf("a probe is a frame of %d bytes", frame)
	}
}

// What parses, appends to the same bytes; nothing panics; a live table takes anything.
func FuzzRecords(f *testing.F) {
	f.Add(byte(codec.TypeProbe), AppendProbe(nil, &Probe{Target: testID(1), Nonce: 7, Incarnation: 3, Status: Suspect, Health: 2}))
	f.Add(byte(codec.TypeProbeAck), AppendAck(nil, &ProbeAck{Nonce: 7, Incarnation: 3}))
	f.Add(byte(codec.TypeVote), AppendVote(nil, &Vote{Subject: testID(2), Round: 1, Stance: Against, Reply: true}))
	f.Add(byte(codec.TypeVerdict), AppendFact(AppendFact(nil, Fact{testID(2), 1, Dead}), Fact{testID(1), 1<<32 - 1, Left}))
	x, now := alone(f, 20)
	f.Add(byte(codec.TypeObserved), x.AppendDigest(nil, false))
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		var p Probe
		if ParseProbe(b, &p) == nil && !bytes.Equal(AppendProbe(nil, &p), b) {
			t.Error("probe")
		}
		var a ProbeAck
		if ParseAck(b, &a) == nil && !bytes.Equal(AppendAck(nil, &a), b) {
			t.Error("ack")
		}
		var v Vote
		if ParseVote(b, &v) == nil && !bytes.Equal(AppendVote(nil, &v), b) {
			t.Error("vote")
		}
		if facts, err := ParseFacts(b); err == nil {
			var again []byte
			for i := range facts.Len() {
				again = AppendFact(again, facts.At(i))
			}
			if !bytes.Equal(again, b) {
				t.Error("facts")
			}
		}
		*now += 3 * ms
		var ack ProbeAck
		var s Send
		x.OnRecord(*now, *now, uint32(typ)%22, codec.Type(typ), b, &ack)
		x.Tick(*now)
		for x.Next(*now, &s) {
			x.AppendSend(nil, 1300, &s)
		}
		if x.print != x.recomputePrint() {
			t.Error("print")
		}
	})
}
