package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A live table takes anything.
func FuzzRecords(f *testing.F) {
	body := func(record []byte) []byte { return record[codec.RecordBytes:] }
	f.Add(byte(codec.TypeProbe), body(codec.AppendProbe(nil, &codec.Probe{Target: testID(1), Nonce: 7, Incarnation: 3, Status: Suspect})))
	f.Add(byte(codec.TypeProbeAck), body(codec.AppendProbeAck(nil, &codec.ProbeAck{Nonce: 7, Incarnation: 3})))
	f.Add(byte(codec.TypeVote), body(codec.AppendVote(nil, &codec.Vote{Subject: testID(2), Round: 1, Stance: codec.StanceAgainst, Reply: true})))
	f.Add(byte(codec.TypeVerdict), codec.AppendFact(codec.AppendFact(nil, codec.Fact{ID: testID(2), Incarnation: 1, Status: Dead}),
		codec.Fact{ID: testID(1), Incarnation: 1<<32 - 1, Status: Left}))
	x, now := alone(f, 20)
	f.Add(byte(codec.TypeObserved), body(codec.AppendObserved(nil, false, &x.sums)))
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		*now += 3 * ms
		var ack codec.ProbeAck
		var s Send
		x.OnRecord(*now, uint32(typ)%22, codec.Type(typ), b, &ack)
		x.Tick(*now)
		for x.Next(*now, &s) {
			x.AppendSend(nil, 1300, &s)
		}
		if x.print != x.recomputePrint() {
			t.Error("print")
		}
	})
}
