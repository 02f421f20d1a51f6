package grammar

import (
	"github.com/quidnunc/quidnunc/codec"
)

// record is one record, of at most limit bytes.
func (l *liar) record(limit int) []byte {
	var b []byte
	switch t := codec.Type(1 + l.pick(33)); t {
	case codec.TypeRun, 22, 28, 29: // most often
		b = l.run(limit)
	case codec.TypePreciseRun:
		b = l.preciseRun(limit)
	case codec.TypeDigest:
		b = l.digest(limit)
	case codec.TypePreciseDigest:
		b = l.preciseDigest(limit)
	case codec.TypePull:
		b = l.pull(limit)
	case codec.TypePrecisePull:
		b = l.precisePull(limit)
	case codec.TypeProbe, codec.TypeProbeAck, codec.TypeVote, codec.TypeVerdict, codec.TypeObserved:
		b = l.member(t)
	case codec.TypeHello, codec.TypeHelloReply, codec.TypeIntro:
		b = l.who(t)
	case 30:
		b = l.ranges()
	case codec.TypeRumorFeedback, codec.TypeTurn, codec.TypeEvent, codec.TypeRepair, codec.TypeSketch:
		b = l.news(t)
	default:
		b = l.small(t)
	}
	if len(b) > limit {
		return nil
	}
	return b
}

func (l *liar) member(t codec.Type) []byte {
	status := func() codec.Status { return codec.Status(l.pick(int(codec.Statuses))) }
	health := uint8(l.pick(codec.HealthMax + 1))
	switch t {
	case codec.TypeProbe:
		return codec.AppendProbe(nil, &codec.Probe{
			Target: max(1, l.id()), Nonce: choose(l.script, numbers), Incarnation: choose(l.script, numbers), Status: status(), Health: health,
			Echoes: l.pick(2) == 1, Echo: choose(l.script, numbers), Held: choose(l.script, numbers),
		})
	case codec.TypeProbeAck:
		return codec.AppendProbeAck(nil, &codec.ProbeAck{
			Nonce: choose(l.script, numbers), Incarnation: choose(l.script, numbers), Status: codec.StatusLeft * codec.Status(l.pick(2)), Health: health,
		})
	case codec.TypeVote:
		return codec.AppendVote(nil, &codec.Vote{
			Subject: max(1, l.id()), Incarnation: choose(l.script, numbers), Round: choose(l.script, numbers),
			Stance: codec.Stance(1 + l.pick(3)), Reply: l.pick(2) == 1, Health: health,
		})
	case codec.TypeVerdict:
		b := codec.BeginRecord(nil, t)
		for range 1 + l.pick(5) {
			b = codec.AppendFact(b, codec.Fact{ID: max(1, l.id()), Incarnation: choose(l.script, numbers), Status: status()})
		}
		return codec.EndRecord(b, 0)
	}
	var sums [codec.ObservedBuckets]uint64
	sums[l.pick(len(sums))] = uint64(choose(l.script, numbers))
	return codec.AppendObserved(nil, l.pick(2) == 1, &sums)
}

func (l *liar) who(t codec.Type) []byte {
	gen := choose(l.script, gens)
	h := codec.Hello{
		Flags: codec.HelloFlags(l.pick(256)), Speak: codec.Versions{Min: 1, Max: uint8(1 + l.pick(255))}, Mode: choose(l.script, numbers),
		Gen: gen, Since: min(gen, choose(l.script, gens)), Name: []byte(l.name()), Addr: choose(l.script, addrs),
	}
	switch t {
	case codec.TypeHello:
		return codec.AppendHello(nil, &h)
	case codec.TypeHelloReply:
		return codec.AppendHelloReply(nil, &codec.HelloReply{Hello: h, KnownGen: choose(l.script, gens), KnownAlive: l.pick(2) == 1})
	}
	in := codec.Intro{ID: l.spy.IDOf(string(h.Name), h.Gen), Gen: h.Gen, Since: h.Since, Speak: h.Speak, Name: h.Name, Addr: h.Addr}
	if l.pick(4) == 3 {
		in.ID = max(1, l.id())
	}
	return codec.AppendIntro(nil, &in)
}

func (l *liar) feedbacks(b []byte, n int) []byte {
	for range n {
		a := codec.Feedback{
			Kind: codec.FeedbackKind(1 + l.pick(5)), Counter: uint8(l.pick(256)), Origin: max(1, l.id()), Hi: max(1, choose(l.script, versions)),
		}
		if a.Kind == codec.FeedbackGap {
			a.Max = min(a.Hi-1, choose(l.script, versions))
		}
		b = codec.AppendFeedback(b, &a)
	}
	return codec.EndRecord(b, 0)
}

func (l *liar) news(t codec.Type) []byte {
	switch t {
	case codec.TypeRumorFeedback:
		return l.feedbacks(codec.BeginRecord(nil, t), 1+l.pick(5))
	case codec.TypeTurn:
		return l.feedbacks(codec.BeginTurn(nil, uint8(l.pick(256))), l.pick(5))
	case codec.TypeEvent:
		if l.pick(4) == 0 {
			return codec.AppendRecord(nil, t, nil)
		}
		e := codec.Event{
			Origin: max(1, l.id()), Seq: max(1, choose(l.script, gens)), Time: min(codec.EventTimeMax, choose(l.script, gens)),
			Topic: []byte(l.name()), Payload: choose(l.script, values),
		}
		return codec.AppendRecord(nil, t, codec.AppendEventBody(nil, &e))
	case codec.TypeRepair:
		hops := choose(l.script, []uint32{0, 1, 2, 4, codec.HopsMax})
		return codec.AppendToken(nil, &codec.Token{
			Kind: codec.TokenKind(1 + l.pick(4)), Walk: max(1, choose(l.script, gens)), Starter: max(1, l.id()), At: l.id(),
			Hop: min(hops, choose(l.script, numbers)), Hops: hops, Copied: choose(l.script, numbers), Entries: choose(l.script, gens),
		})
	}
	cells := choose(l.script, codec.SketchSizes[:3])
	b := codec.BeginSketch(nil, cells, uint8(l.pick(3)))
	for i := range cells {
		c := codec.SketchCell{}
		if i < 4 {
			c = codec.SketchCell{Span: int32(choose(l.script, numbers)), Check: choose(l.script, numbers), IDs: choose(l.script, stamps)}
		}
		b = codec.AppendSketchCell(b, c)
	}
	return codec.EndRecord(b, 0)
}

// ranges are fingerprints of parts anywhere, some of them the end of all.
func (l *liar) ranges() []byte {
	bits := 1 + l.pick(64)
	lo := l.id() >> (64 - bits) << (64 - bits)
	b := codec.AppendRangePrint(codec.BeginRanges(nil, bits, lo), choose(l.script, gens))
	for last := ^codec.OriginID(0); l.pick(40) > 0 && lo>>(64-bits) < last>>(64-bits) && len(b) < 1000; lo += 1 << (64 - bits) {
		b = codec.AppendRangePrint(b, choose(l.script, gens))
	}
	return codec.EndRecord(b, 0)
}

func (l *liar) small(t codec.Type) []byte {
	switch t {
	case codec.TypeSync:
		return codec.AppendSync(nil, codec.Sync{Kind: codec.SyncKind(1 + l.pick(3)), Hint: uint8(l.pick(4))})
	case codec.TypeHave:
		v := choose(l.script, versions)
		return codec.AppendHave(nil, codec.Have{Max: v, Floor: choose(l.script, versions), Open: min(v, choose(l.script, versions)), Dirty: l.pick(2) == 1})
	case codec.TypeKeyNotice:
		return codec.AppendKeyNotice(nil, &codec.KeyNotice{Serial: uint8(l.pick(256)), Primary: 9, Held: codec.KeySet{1, 9, 200}})
	case codec.TypeRefusal:
		return codec.AppendRefusal(nil, &codec.Refusal{Reason: codec.RefusalReason(1 + l.pick(12)), Detail: choose(l.script, gens), Echo: l.spy.Salt})
	case codec.TypeFullAt:
		b := codec.BeginRecord(nil, t)
		for _, id := range append(l.ids(), 1<<64-1) {
			v := choose(l.script, versions)
			b = codec.AppendFullAt(b, &codec.FullAt{ID: id, Version: v, Through: max(v, choose(l.script, versions)), Missing: choose(l.script, versions)})
		}
		return codec.EndRecord(b, 0)
	case codec.TypeCheckpoint:
		return codec.AppendCheckpoint(nil, &codec.Checkpoint{ID: max(1, l.id()), Version: max(1, choose(l.script, versions)), Sum: 7})
	case codec.TypeSignature:
		return codec.AppendSignature(nil, &codec.Signature{ID: max(1, l.id()), Version: max(1, choose(l.script, versions))})
	case codec.TypePublicKey:
		return codec.AppendPublicKey(nil, &codec.PublicKey{ID: max(1, l.id())})
	case 31: // a run whose key is empty, which no writer makes
		body := []byte{8: 4<<1 | 1, 9: 1, 10: 0x00, 11: 3, 12: 'x'}
		for i := range 8 {
			body[i] = byte(uint64(l.spy.ID) >> (8 * i))
		}
		return codec.AppendRecord(nil, codec.TypeRun, body)
	}
	n := min(l.pick(64), len(l.b))
	body := l.b[:n]
	l.b = l.b[n:]
	return codec.AppendRecord(nil, codec.Type(1+l.pick(255)), body) // any body, of any type
}
