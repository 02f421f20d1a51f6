package checkpoint

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

// signedDesk is a desk whose owner signs, and whose replica verifies. The notaries are not
// there: a test says what came of a job.
func signedDesk(required bool) *desk {
	x := newDesk()
	for _, s := range []*side{&x.owner, &x.replica} {
		p := s.word.parts
		p.Signing = Signing{Signs: s == &x.owner, Verifies: true, Required: required}
		s.word.Init(&p)
		for o := range s.o + 1 {
			s.word.Reset(o)
		}
	}
	return x
}

// answer is what the owner answers to the replica, record by record.
func (x *desk) answer() (types []codec.Type, bodies [][]byte) {
	b := x.owner.word.Answer(x.buf[:0], x.page())
	for t, body, rest := codec.NextRecord(b); t != 0; t, body, rest = codec.NextRecord(rest) {
		types, bodies = append(types, t), append(bodies, append([]byte(nil), body...))
	}
	return types, bodies
}

// signature is that in the owner's next answer; nil: there is none.
func (x *desk) signature() []byte {
	types, bodies := x.answer()
	if n := len(types); n > 0 && types[n-1] == codec.TypeSignature {
		return bodies[n-1]
	}
	return nil
}

// sign lets time go by until the owner's shell has something to sign, and signs it.
func (x *desk) sign(t *testing.T) {
	t.Helper()
	var j Job
	for range 40 {
		if x.owner.word.Step(x.now); x.owner.word.NextJob(x.now, &j) {
			if j.Verify || string(j.Name) != "own0" || j.Version != x.version {
				t.Fatalf("%+v", j)
			}
			j.Verdict = Made
			x.owner.word.Complete(x.now, &j)
			return
		}
		x.now += pause
	}
	t.Fatal("nothing is to be signed")
}

// judge hands a signature to the replica in a frame of a peer. If it is verified, that comes
// to the verdict, after something was done.
func (x *desk) judge(peer uint32, body []byte, v Verdict, meanwhile func()) (verified bool) {
	f := new(reconcile.Frame)
	f.Begin(x.now, 1, peer)
	f.Fresh = true
	if x.replica.word.ReceiveSigned(f, body) != reconcile.Taken {
		return false
	}
	var j Job
	x.now += 10 * sched.Second // whatever there was before
	if !x.replica.word.NextJob(x.now, &j) || !j.Verify {
		return false
	}
	if meanwhile != nil {
		meanwhile()
	}
	j.Verdict = v
	x.replica.word.Complete(x.now, &j)
	return true
}

// signed is a desk whose owner has signed its log, and the signature.
func signed(t *testing.T) (*desk, []byte) {
	t.Helper()
	x := signedDesk(false)
	x.write("k", "v", "v")
	if x.signature() != nil {
		t.Fatal("there is one before it was made")
	}
	x.sign(t)
	body := x.signature()
	if body == nil {
		t.Fatal("it is not sent")
	}
	return x, body
}

// TestOwnLogIsSignedWhenItIsAskedFor: once for each version, when the log rests; each peer is
// sent it once, and again when it asks later.
func TestOwnLogIsSignedWhenItIsAskedFor(t *testing.T) {
	x, _ := signed(t)
	if x.signature() != nil {
		t.Error("it is sent twice")
	}
	if x.now += signAgain; x.signature() == nil {
		t.Error("it is not sent to a peer that asks again")
	}
	var j Job
	if x.now += sched.Second; x.owner.word.NextJob(x.now, &j) {
		t.Error("a log that did not move is signed again")
	}
	x.write("k", "w", "w")
	if x.owner.word.NextJob(x.now, &j) {
		t.Error("it is signed before somebody asks")
	}
	if x.signature() != nil {
		t.Error("the signature of an older version is sent")
	}
	x.sign(t)
	if !x.owner.debts[1].Answers() || x.owner.board.Of(1) == 0 {
		t.Error("the peer that asked is not sent it")
	}
	if x.signature() == nil || x.owner.count.CheckpointsMade != 2 {
		t.Errorf("%+v", x.owner.count)
	}
}

// TestLogThatGoesOnIsSignedAllTheSame: each two seconds, however it moves; what moved while it was
// signed is signed anew.
func TestLogThatGoesOnIsSignedAllTheSame(t *testing.T) {
	x, _ := signed(t)
	var j Job
	made := uint64(0)
	for range 100 {
		x.write("k", "w", "w")
		x.signature()
		x.owner.word.Step(x.now)
		if x.owner.word.NextJob(x.now, &j) {
			j.Verdict = Made
			if made++; made%2 == 0 {
				x.write("k", "w", "w")
			}
			x.owner.word.Complete(x.now, &j)
		}
		x.now += pause
	}
	if made < 4 || made > 12 || x.owner.count.CheckpointsMade >= made || x.signature() != nil {
		t.Errorf("%d signatures in 10 s, %+v", made, x.owner.count)
	}
}

// TestWhatIsSignedIsNotAskedForAgain: until the log moves, or somebody mends it.
func TestWhatIsSignedIsNotAskedForAgain(t *testing.T) {
	x, body := signed(t)
	if !x.looks(40) {
		t.Fatal("nobody asks for it")
	}
	if !x.judge(1, body, Same, nil) || x.replica.count.CheckpointsSigned != 1 {
		t.Fatalf("%+v", x.replica.count)
	}
	if v, signs := x.replica.word.Signed(x.replica.o); v != 1 || !signs || !x.replica.word.Compared(x.replica.o) {
		t.Errorf("signed up to %d, %v", v, signs)
	}
	if x.looks(600) || x.judge(1, body, Same, nil) {
		t.Error("it is asked for, or verified again")
	}
	x.replica.store.Unsum(x.replica.o) // as when something was mended
	x.replica.word.Edited(x.now, x.replica.o)
	if !x.looks(40) || !x.judge(1, body, Same, nil) {
		t.Error("what was mended is not held against the signature")
	}
	x.write("k", "w", "w")
	if x.judge(1, body, Same, nil) {
		t.Error("an old signature is verified")
	}
	if !x.looks(40) {
		t.Error("a new version is not asked for")
	}
}

// TestForgedSignatureIsTold: once in ten seconds; the true one is taken after it.
func TestForgedSignatureIsTold(t *testing.T) {
	x, body := signed(t)
	for range 2 {
		if !x.judge(1, body, Forged, nil) || x.replica.count.SignaturesForged == 0 || len(x.replica.told) != 1 || x.replica.told[0] != (accusation{version: 1, why: NotTheirs}) {
			t.Fatalf("%+v %+v", x.replica.count, x.replica.told)
		}
		x.now -= 9 * sched.Second
	}
	if v, signs := x.replica.word.Signed(x.replica.o); v != 0 || signs {
		t.Error("it counts")
	}
	x.now += 9 * sched.Second
	if !x.judge(1, body, Same, nil) {
		t.Error("the true one is not taken")
	}
}

// TestForgedSignaturesAreVerifiedSeldom: ten a second of an owner, however many come.
func TestForgedSignaturesAreVerifiedSeldom(t *testing.T) {
	x, body := signed(t)
	var j Job
	verified := 0
	for range 10000 {
		f := new(reconcile.Frame)
		f.Begin(x.now, 1, 1)
		f.Fresh = true
		x.replica.word.ReceiveSigned(f, body)
		if x.replica.word.NextJob(x.now, &j) {
			verified++
			j.Verdict = Forged
			x.replica.word.Complete(x.now, &j)
		}
		x.now += 100 * sched.Microsecond
	}
	if verified < 5 || verified > 11 {
		t.Errorf("%d in a second", verified)
	}
}

// TestOtherLogThanSignedIsGoneThrough: from where it was signed last, and whole where the sums are
// equal.
func TestOtherLogThanSignedIsGoneThrough(t *testing.T) {
	x, body := signed(t)
	if !x.judge(1, body, Other, nil) || len(x.replica.doubts) != 1 || x.replica.doubts[0] != 0 || x.replica.whole {
		t.Fatalf("%+v", x.replica.doubts)
	}
	x, body = signed(t)
	if !x.pass(x.owner.word.Ride(x.buf[:0], x.page())) {
		x.now += sched.Second
		x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
	}
	if !x.replica.word.Compared(x.replica.o) {
		t.Fatal("the sums are not equal")
	}
	if !x.judge(1, body, Other, nil) || len(x.replica.doubts) != 1 || !x.replica.whole {
		t.Fatalf("%+v %v", x.replica.doubts, x.replica.whole)
	}
	x.now += sched.Second
	if x.judge(1, body, Other, nil); len(x.replica.doubts) != 2 {
		t.Error("it is not gone through again")
	}
}

// TestWhatMovedMeanwhileIsNotJudged: the log was another one while it was verified.
func TestWhatMovedMeanwhileIsNotJudged(t *testing.T) {
	for name, meanwhile := range map[string]func(x *desk){
		"it went on":    func(x *desk) { x.write("k", "w", "w") },
		"it was mended": func(x *desk) { x.replica.store.Unsum(x.replica.o) },
		"it was removed": func(x *desk) {
			x.replica.store.Remove(x.replica.o)
		},
	} {
		for _, v := range []Verdict{Same, Other, Forged, Moved} {
			x, body := signed(t)
			if !x.judge(1, body, v, func() { meanwhile(x) }) {
				t.Fatal("it is not verified")
			}
			if n := &x.replica.count; n.CheckpointsSigned+n.CheckpointsDiffer+n.SignaturesForged != 0 || len(x.replica.told)+len(x.replica.doubts) > 0 {
				t.Errorf("%s: %+v", name, n)
			}
		}
	}
}

// TestLogThatIsBehindMayBeSignedAndMayDiffer: what is here is what the owner signed, whatever more
// there is to come; if it is not, that is no lie where there is more to come.
func TestLogThatIsBehindMayBeSignedAndMayDiffer(t *testing.T) {
	for _, v := range []Verdict{Same, Other} {
		x, body := signed(t)
		x.replica.store.Promise(x.replica.o, 9)
		if !x.judge(1, body, v, nil) || len(x.replica.doubts) > 0 {
			t.Errorf("%+v", x.replica.doubts)
		}
		if at, _ := x.replica.word.Signed(x.replica.o); (at == 1) != (v == Same) {
			t.Errorf("signed up to %d", at)
		}
	}
}

// TestWhoSpeaksOfAnothersLogIsNamed: a sum, a signature or a key of a log in frames of somebody
// else than its author.
func TestWhoSpeaksOfAnothersLogIsNamed(t *testing.T) {
	x, body := signed(t)
	if x.judge(2, body, Same, nil) {
		t.Error("it is verified")
	}
	f := new(reconcile.Frame)
	f.Begin(x.now, 1, 2)
	_, sum, _ := codec.NextRecord(codec.AppendCheckpoint(nil, &codec.Checkpoint{ID: 10, Version: 1, Sum: 7}))
	_, key, _ := codec.NextRecord(codec.AppendPublicKey(nil, &codec.PublicKey{ID: 10}))
	x.now += nameGap
	if f.Now = x.now; x.replica.word.Receive(f, sum) != reconcile.Taken || x.replica.word.ReceiveKey(f, key) != reconcile.Taken {
		t.Error("malformed")
	}
	if n := x.replica.count.CheckpointsForged; n != 3 || len(x.replica.told) != 2 || x.replica.told[0] != (accusation{by: 102, version: 1}) {
		t.Errorf("%d, %+v", n, x.replica.told)
	}
	_, unknown, _ := codec.NextRecord(codec.AppendCheckpoint(nil, &codec.Checkpoint{ID: 77, Version: 1, Sum: 7}))
	if x.replica.word.Receive(f, unknown); x.replica.count.CheckpointsForged != 3 {
		t.Error("whose log is not known here is not a lie")
	}
}

// TestWhoNeverSignsIsLeftAlone: after three questions, until a minute later the log moves; told if
// signatures are required.
func TestWhoNeverSignsIsLeftAlone(t *testing.T) {
	for _, required := range []bool{false, true} {
		x := signedDesk(required)
		x.now = 1000 * sched.Second
		x.write("k", "v", "v")
		x.pass(x.owner.word.Ride(x.buf[:0], x.page()))
		for x.replica.count.CheckpointsAsked < signTries-1 {
			x.look()
		}
		if len(x.replica.told) > 0 {
			t.Error("it is told before the last question")
		}
		x.replica.count.CheckpointsAsked = 0
		ask := func() (n uint64) {
			n = x.replica.count.CheckpointsAsked
			x.looks(100)
			return x.replica.count.CheckpointsAsked - n
		}
		if n := ask(); n != 1 {
			t.Errorf("%d questions more", n)
		}
		if told := len(x.replica.told) == 1 && x.replica.told[0].why == Unsigned; told != required {
			t.Errorf("required %v: told %+v", required, x.replica.told)
		}
		again := func() uint64 {
			x.write("k", "v", "v")
			x.now += sched.Second
			x.pass(x.owner.word.Ride(x.buf[:0], x.page()))
			return ask()
		}
		if n := again(); n != 0 {
			t.Errorf("%d questions at once", n)
		}
		if x.now += signSeldom; again() != 1 {
			t.Error("it is not asked once more")
		}
	}
}

// TestWhoSignedIsAskedOnAndOn: until the signature of what it holds comes; it is told of once.
func TestWhoSignedIsAskedOnAndOn(t *testing.T) {
	x, body := signed(t)
	x.judge(1, body, Same, nil)
	x.write("k", "w", "w")
	x.now += sched.Second
	x.pass(x.owner.word.Ride(x.buf[:0], x.page()))
	was := x.replica.count.CheckpointsAsked
	for x.replica.count.CheckpointsAsked < was+signKnown-1 {
		x.look()
	}
	if len(x.replica.told) > 0 {
		t.Error("it is told at once")
	}
	was = x.replica.count.CheckpointsAsked
	if x.looks(600); x.replica.count.CheckpointsAsked-was < 25 || x.replica.count.CheckpointsAsked-was > 40 {
		t.Errorf("%d questions in a minute", x.replica.count.CheckpointsAsked-was)
	}
	if len(x.replica.told) != 1 || x.replica.told[0] != (accusation{version: 2, why: Unsigned}) {
		t.Errorf("%+v", x.replica.told)
	}
}

// TestSignaturesAreAskedForAtRest: half a second after the last write; of a log that moves on and
// on two seconds after it began to, and then as seldom.
func TestSignaturesAreAskedForAtRest(t *testing.T) {
	x := signedDesk(false)
	equal := func() {
		x.write("k", "v", "v")
		x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
		if !x.replica.word.Compared(x.replica.o) {
			t.Fatal("the sums were not compared")
		}
	}
	equal()
	moved := x.now
	for !x.look() {
	}
	if took := x.now - moved; took < signRest || took > signRest+pause {
		t.Errorf("asked after %d ms", took/sched.Millisecond)
	}
	x.replica.word.sign.pens[x.replica.o].known = true
	x.replica.word.Step(x.now)
	x.now += signSeldom
	var asked []sched.Instant
	for begun := x.now; x.now-begun < 10*sched.Second; {
		x.now += answerGap
		equal()
		x.replica.word.origins[x.replica.o].since = max(begun, 1) // as if its sums had not been compared since
		if x.look() {
			asked = append(asked, x.now-begun)
		}
	}
	if len(asked) < 4 || len(asked) > 5 || asked[0] < signLate {
		t.Errorf("asked after %d", asked)
	}
}

// TestJobsArePaced: signatures take less than a hundredth of a core, and so does what is hashed for
// them.
func TestJobsArePaced(t *testing.T) {
	for _, bytes := range []int{1, 60000} {
		x, _ := signed(t)
		for i := range 1 + bytes/1000 {
			value := string(make([]byte, min(bytes, 1000)))
			x.write(string(rune('a'+i)), value, value)
		}
		var j Job
		jobs, held, keys := 0, x.replica.store.Bytes(x.replica.o), x.replica.store.Keys(x.replica.o)
		for begun := x.now; x.now-begun < 10*sched.Second; x.now += sched.Millisecond {
			slot0 := &x.replica.word.sign.slots[0]
			slot0.Signature, slot0.origin = codec.Signature{ID: 10, Version: x.version}, x.replica.o
			if x.replica.word.NextJob(x.now, &j) {
				jobs++
				j.Verdict = Same
				x.replica.word.Complete(x.now, &j)
			}
		}
		cost := sched.Instant(jobs) * (80*sched.Microsecond + sched.Instant(keys)*160 + sched.Instant(held)*3/2)
		if most := sched.Instant(10 * sched.Second / 100); jobs < 10 || cost > most {
			t.Errorf("%d bytes: %d jobs in 10 s, %d ms", held, jobs, cost/sched.Millisecond)
		}
		x.replica.word.NextJob(x.now+sched.Second*10, &j)
		if x.replica.word.NextJob(x.now+sched.Second*20, &j) {
			t.Error("the shell has two jobs")
		}
	}
}

// TestKeysSuccessionComesWithItsSignature: and not with that of somebody else.
func TestKeysSuccessionComesWithItsSignature(t *testing.T) {
	x := signedDesk(false)
	x.write("k", "v", "v")
	x.answer()
	x.now += sched.Second
	var j Job
	if x.owner.word.Step(x.now); !x.owner.word.NextJob(x.now, &j) {
		t.Fatal("nothing is to be signed")
	}
	j.Verdict, j.Succession = Made, codec.PublicKey{ID: j.ID, Key: [32]byte{1}, Former: [32]byte{2}}
	x.owner.word.Complete(x.now, &j)
	types, bodies := x.answer()
	if n := len(types); n < 2 || types[n-2] != codec.TypePublicKey || types[n-1] != codec.TypeSignature {
		t.Fatal(types)
	}
	n := len(types)
	f := new(reconcile.Frame)
	f.Begin(x.now, 1, 1)
	f.Fresh = true
	x.replica.word.ReceiveKey(f, bodies[n-2])
	x.replica.word.ReceiveSigned(f, bodies[n-1])
	if !x.replica.word.NextJob(x.now+sched.Second, &j) || j.Succession.Former[0] != 2 {
		t.Errorf("%+v", j.Succession)
	}
	x, body := signed(t)
	x.replica.word.sign.came = codec.PublicKey{ID: 11}
	f.Now = x.now
	x.replica.word.ReceiveSigned(f, body)
	if !x.replica.word.NextJob(x.now+sched.Second, &j) || j.Succession.ID != 0 {
		t.Errorf("%+v", j.Succession)
	}
}

// TestSignedAllocatesNothing: a signature that comes, is verified and holds.
func TestSignedAllocatesNothing(t *testing.T) {
	x, body := signed(t)
	f := new(reconcile.Frame)
	var j Job
	round := func() {
		x.now += sched.Second
		f.Begin(x.now, 1, 1)
		f.Fresh = true
		x.replica.word.sign.pens[x.replica.o].signed = 0
		x.replica.word.ReceiveSigned(f, body)
		if !x.replica.word.NextJob(x.now, &j) {
			t.Fatal("it is not verified")
		}
		j.Verdict = Same
		x.replica.word.Complete(x.now, &j)
		x.owner.word.Answer(x.buf[:0], x.page())
	}
	round()
	if n := testing.AllocsPerRun(1000, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNothingIsSignedWhereNothingIsSaid: as in a precise cluster.
func TestNothingIsSignedWhereNothingIsSaid(t *testing.T) {
	x, body := signed(t)
	x.owner.word.parts.Off, x.replica.word.parts.Off = true, true
	if x.now += sched.Second; x.signature() != nil || x.judge(1, body, Same, nil) {
		t.Error("it is signed or verified")
	}
}
