package codec

import "bytes"

// recodeMember is the recoder's part for the detector's records.
func (c *recoder) recodeMember(dst []byte, t Type, body []byte) ([]byte, error) {
	switch t {
	case TypeProbe:
		var p Probe
		if err := ParseProbe(body, &p); err != nil {
			return dst, err
		}
		return AppendProbe(dst, &p), nil
	case TypeProbeAck:
		var a ProbeAck
		if err := ParseProbeAck(body, &a); err != nil {
			return dst, err
		}
		return AppendProbeAck(dst, &a), nil
	case TypeVote:
		var v Vote
		if err := ParseVote(body, &v); err != nil {
			return dst, err
		}
		return AppendVote(dst, &v), nil
	case TypeVerdict:
		facts, err := ParseFacts(body)
		if err != nil {
			return dst, err
		}
		start := len(dst)
		dst = BeginRecord(dst, t)
		for i := range facts.Len() {
			dst = AppendFact(dst, facts.At(i))
		}
		return EndRecord(dst, start), nil
	}
	o, err := ParseObserved(body)
	if err != nil {
		return dst, err
	}
	var sums [ObservedBuckets]uint64
	for i := range sums {
		sums[i] = 1<<63 | uint64(o.Sum(i)) // only the low half travels
	}
	return AppendObserved(dst, o.Answer(), &sums), nil
}

// recodeNews is the recoder's part for rumors, broadcasts, ring repair, sketches, ranges and
// notices of keys.
func (c *recoder) recodeNews(dst []byte, t Type, body []byte) ([]byte, error) {
	start := len(dst)
	switch t {
	case TypeRumorFeedback:
		l, err := ParseFeedbacks(body)
		return EndRecord(appendFeedbacks(BeginRecord(dst, t), l), start), err
	case TypeTurn:
		turn, l, err := ParseTurn(body)
		return EndRecord(appendFeedbacks(BeginTurn(dst, turn), l), start), err
	case TypeEvent:
		if len(body) == 0 { // it asks for those that are kept
			return AppendRecord(dst, t, nil), nil
		}
		var e Event
		if err := ParseEvent(body, &e); err != nil {
			return dst, err
		}
		if !e.Fits() {
			panic("parsed, and does not fit")
		}
		return EndRecord(AppendEventBody(BeginRecord(dst, t), &e), start), nil
	case TypeRepair:
		var k Token
		if err := ParseToken(body, &k); err != nil {
			return dst, err
		}
		return AppendToken(dst, &k), nil
	case TypeSketch:
		s, err := ParseSketch(body)
		if err != nil {
			return dst, err
		}
		dst = BeginSketch(dst, s.Cells(), s.Salt())
		for i := range s.Cells() {
			dst = AppendSketchCell(dst, s.Cell(i))
		}
		return EndRecord(dst, start), nil
	case TypeRanges:
		r, err := ParseRanges(body)
		if err != nil {
			return dst, err
		}
		dst = BeginRanges(dst, r.Bits, r.Lo)
		for i := range r.Len() {
			_, print := r.At(i)
			dst = AppendRangePrint(dst, print)
		}
		return EndRecord(dst, start), nil
	}
	var k KeyNotice
	if err := ParseKeyNotice(body, &k); err != nil {
		return dst, err
	}
	return AppendKeyNotice(dst, &k), nil
}

func appendFeedbacks(dst []byte, l Feedbacks) []byte {
	var a Feedback
	for l.Next(&a) {
		dst = AppendFeedback(dst, &a)
	}
	return dst
}

// addMember adds samples of the detector's records, boundary values among them.
func addMember(add func(name string, b []byte)) {
	const last = OriginID(1<<64 - 1)
	add("record/probe", AppendProbe(nil, &Probe{Target: 2, Nonce: 7, Incarnation: 3, Status: StatusSuspect, Health: 1}))
	add("record/probe-most", AppendProbe(nil, &Probe{
		Target: last, Nonce: 1<<32 - 1, Incarnation: 1<<32 - 1, Status: StatusBuried, Health: HealthMax,
	}))
	add("record/probe-echo", AppendProbe(nil, &Probe{Target: 2, Nonce: 7, Incarnation: 3, Echoes: true, Echo: 6, Held: 200_000}))
	add("record/probe-ack", AppendProbeAck(nil, &ProbeAck{Nonce: 7, Incarnation: 3}))
	add("record/probe-ack-left", AppendProbeAck(nil, &ProbeAck{Nonce: 1<<32 - 1, Incarnation: 1<<32 - 1, Status: StatusLeft, Health: HealthMax}))
	add("record/vote", AppendVote(nil, &Vote{Subject: 2, Round: 1, Stance: StanceAgainst}))
	add("record/vote-reply", AppendVote(nil, &Vote{
		Subject: last, Incarnation: 1<<32 - 1, Round: 1<<32 - 1, Stance: StanceAbstain, Reply: true, Health: HealthMax,
	}))
	b := AppendFact(BeginRecord(nil, TypeVerdict), Fact{2, 1, StatusDead})
	for s := range Statuses {
		b = AppendFact(b, Fact{last, 1<<32 - 1, s})
	}
	add("record/verdict", EndRecord(b, 0))
	var sums [ObservedBuckets]uint64
	for i := range sums {
		sums[i] = uint64(i) * 0x9e3779b97f4a7c15
	}
	add("record/observed", AppendObserved(nil, false, &sums))
	add("record/observed-answer", AppendObserved(nil, true, new([ObservedBuckets]uint64)))
}

// addNews adds samples of the records that recodeNews knows, boundary values among them.
func addNews(add func(name string, b []byte)) {
	b := BeginRecord(nil, TypeRumorFeedback)
	for k := FeedbackNeeded; k < feedbackEnd; k++ {
		a := Feedback{Kind: k, Counter: uint8(k), Origin: 9, Hi: 300}
		if k == FeedbackGap {
			a.Max = 299
		}
		b = AppendFeedback(b, &a)
	}
	add("record/feedback", EndRecord(b, 0))
	most := Feedback{Kind: FeedbackGap, Counter: 255, Origin: 1<<64 - 1, Hi: VersionMax}
	add("record/feedback-most", EndRecord(AppendFeedback(BeginRecord(nil, TypeRumorFeedback), &most), 0))
	add("record/turn", EndRecord(BeginTurn(nil, 1), 0))
	add("record/turn-end", EndRecord(AppendFeedback(BeginTurn(nil, TurnEnd), &most), 0))
	e := Event{Origin: 1, Seq: 2, Time: 3, Topic: []byte("t"), Payload: []byte("p")}
	add("record/event", AppendRecord(nil, TypeEvent, AppendEventBody(nil, &e)))
	e = Event{Origin: 1<<64 - 1, Seq: 1<<64 - 1, Time: EventTimeMax, Topic: bytes.Repeat([]byte("t"), TopicBytesMax)}
	add("record/event-most", AppendRecord(nil, TypeEvent, AppendEventBody(nil, &e)))
	add("record/event-ask", AppendRecord(nil, TypeEvent, nil))
	for k := TokenOpen; k < tokenEnd; k++ {
		add("record/repair-"+string('0'+k), AppendToken(nil, &Token{k, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
	}
	add("record/repair-most", AppendToken(nil, &Token{
		TokenReport, 1<<64 - 1, 1<<64 - 1, 1<<64 - 1, HopsMax, HopsMax, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<64 - 1,
	}))
	b = BeginSketch(nil, SketchSizes[0], 1)
	for i := range SketchSizes[0] {
		b = AppendSketchCell(b, SketchCell{int32(-i), uint32(i) << 24, -int64(i) << 40})
	}
	add("record/sketch", EndRecord(b, 0))
	b = AppendRangePrint(AppendRangePrint(BeginRanges(nil, 6, 62<<58), 0xfeed), 0)
	add("record/ranges", EndRecord(b, 0))
	add("record/ranges-most", EndRecord(AppendRangePrint(BeginRanges(nil, 64, 1<<64-1), 1<<64-1), 0))
	add("record/keys", AppendKeyNotice(nil, &KeyNotice{Serial: 1, Primary: 2, Held: KeySet{2}}))
	add("record/keys-most", AppendKeyNotice(nil, &KeyNotice{Serial: 255, Primary: 255, Held: KeySet{1, 2, 3, 4, 5, 6, 7, 255}}))
}

// recodeLimits is the recoder's part for refusals, limits that were reached, checkpoints and their
// signatures.
func (c *recoder) recodeLimits(dst []byte, t Type, body []byte) ([]byte, error) {
	switch t {
	case TypeRefusal:
		var r Refusal
		if err := ParseRefusal(body, &r); err != nil {
			return dst, err
		}
		return AppendRefusal(dst, &r), nil
	case TypeFullAt:
		l, err := ParseFullAts(body)
		if err != nil {
			return dst, err
		}
		start := len(dst)
		dst = BeginRecord(dst, t)
		for f := (FullAt{}); l.Next(&f); {
			dst = AppendFullAt(dst, &f)
		}
		return EndRecord(dst, start), nil
	case TypeSignature:
		var sig Signature
		if err := ParseSignature(body, &sig); err != nil {
			return dst, err
		}
		return AppendSignature(dst, &sig), nil
	case TypePublicKey:
		var k PublicKey
		if err := ParsePublicKey(body, &k); err != nil {
			return dst, err
		}
		return AppendPublicKey(dst, &k), nil
	}
	var p Checkpoint
	if err := ParseCheckpoint(body, &p); err != nil {
		return dst, err
	}
	return AppendCheckpoint(dst, &p), nil
}

// addLimits adds samples of the records that recodeLimits knows, boundary values among them.
func addLimits(add func(name string, b []byte)) {
	salt := [SaltBytes]byte{1, 2, 3, 15: 16}
	for r := RefusedVersion; r <= RefusedBusy; r++ {
		add("record/refusal-"+string('0'+r), AppendRefusal(nil, &Refusal{Reason: r, Detail: uint64(r), Echo: salt}))
	}
	add("record/refusal-most", AppendRefusal(nil, &Refusal{255, Versions{1, 255}, 1<<64 - 1, salt}))
	b := AppendFullAt(BeginRecord(nil, TypeFullAt), &FullAt{ID: 1})
	b = AppendFullAt(b, &FullAt{2, 300, 310, 7})
	add("record/full", EndRecord(AppendFullAt(b, &FullAt{1<<64 - 1, VersionMax, VersionMax, VersionMax}), 0))
	add("record/checkpoint", AppendCheckpoint(nil, &Checkpoint{7, 300, 0xfeed}))
	var sig Signature
	sig.ID, sig.Version, sig.Digest[0], sig.Key[1], sig.Sig[63] = 7, 300, 1, 2, 3
	add("record/signature", AppendSignature(nil, &sig))
	sig.Version = VersionMax
	add("record/signature-most", AppendSignature(nil, &sig))
	add("record/public-key", AppendPublicKey(nil, &PublicKey{7, [32]byte{1}, [32]byte{2}, [64]byte{63: 3}}))
	add("record/checkpoint-most", AppendCheckpoint(nil, &Checkpoint{1<<64 - 1, VersionMax, 1<<64 - 1}))
}
