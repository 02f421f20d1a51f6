package checkpoint

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// desk is an owner's node and a replica's, each of which is peer 1 to the other, and a
// third member, peer 2, that the replica knows.
type desk struct {
	now            sched.Instant
	owner, replica side
	version        uint64
	buf            [codec.FrameBytesMax]byte
}

type side struct {
	store  state.Store
	o      state.Origin // the owner's log
	author uint32
	word   Checkpoints
	board  due.Board
	wheel  sched.Wheel
	debts  [4]mail.Debt
	rtt    sched.RTT
	count  Counters
	doubts []uint64 // from where the log was to be gone through
	told   []accusation
	silent bool // peers take nothing
	whole  bool // the last doubt
	lives  uint32
}

func (s *side) Author(state.Origin) uint32 { return s.author }
func (s *side) Takes(uint32) bool          { return !s.silent }
func (s *side) RTT(uint32) *sched.RTT      { return &s.rtt }
func (s *side) ID(p uint32) codec.OriginID { return codec.OriginID(100 + p + 1000*s.lives) }
func (s *side) Boot(p uint32) uint64       { return 1000 + uint64(p) }
func (s *side) Debt(p uint32) *mail.Debt   { return &s.debts[p] }

func (s *side) Doubt(_ sched.Instant, _ state.Origin, from uint64, whole bool) {
	s.doubts = append(s.doubts, from)
	s.whole = whole
}

func (s *side) Contradicted(_ state.Origin, by codec.OriginID, version uint64, why Why) {
	s.told = append(s.told, accusation{by, version, why})
}

func newDesk() *desk {
	x := &desk{now: sched.Second}
	for i, s := range []*side{&x.owner, &x.replica} {
		s.store.Init(state.Limits{Origins: 4, Keys: 4000, ValueBytes: 1 << 20}, uint64(i))
		s.board.Init(3)
		s.wheel.Init(1, x.now)
		own, _ := s.store.Add(codec.OriginID(10+i), 1, fmt.Append(nil, "own", i))
		s.o, s.author = own, 0
		if s == &x.replica {
			s.o, _ = s.store.Add(10, 1, []byte("own0"))
			s.author = 1
		}
		s.store.SetOwner(own)
		s.word.Init(&Parts{Host: s, Store: &s.store, Own: own, Mender: s, Witness: s, Board: &s.board, Due: 1, Timer: s.wheel.Timer(0), Lag: new(sched.Instant), Count: &s.count})
		for o := range s.o + 1 {
			s.word.Reset(o)
		}
	}
	return x
}

// write writes at the owner, and at the replica, which may get another value.
func (x *desk) write(key, value, there string) {
	x.version++
	for _, w := range []struct {
		*side
		value string
	}{{&x.owner, value}, {&x.replica, there}} {
		w.store.Apply(w.o, &codec.Entry{Version: x.version, Key: []byte(key), Value: []byte(w.value)})
		w.store.Advance(w.o, x.version, 0)
	}
	x.replica.word.Took(x.now, x.replica.o, 1, x.version-1, x.version)
}

func (x *desk) page() *reconcile.Page {
	return &reconcile.Page{Now: x.now, Peer: 1, Limit: codec.FrameBytesFloor}
}

// pass hands a checkpoint to the replica; false: the owner said none.
func (x *desk) pass(b []byte) bool {
	t, body, _ := codec.NextRecord(b)
	if t != codec.TypeCheckpoint {
		return false
	}
	f := new(reconcile.Frame)
	f.Begin(x.now, 1, 1)
	f.Fresh = true
	return x.replica.word.Receive(f, body) == reconcile.Taken
}

// look lets time go by until the replica looks again, and tells whether it asks.
func (x *desk) look() bool {
	x.now += pause
	asked := x.replica.count.CheckpointsAsked
	x.replica.word.Step(x.now)
	return x.replica.count.CheckpointsAsked != asked
}

const restLooks = int(rest/pause) + 1 // until a log rests

// looks looks so often, and tells whether the replica asked.
func (x *desk) looks(n int) (asked bool) {
	for range n {
		asked = x.look() || asked
	}
	return asked
}

func TestWhatIsTheSameIsNotAskedForAgain(t *testing.T) {
	x := newDesk()
	x.write("k", "v", "v")
	if !x.pass(x.owner.word.Ride(x.buf[:0], x.page())) || x.replica.count.CheckpointsEqual != 1 {
		t.Fatalf("%+v", x.replica.count)
	}
	for range 50 {
		if x.look() {
			t.Fatal("it is asked for")
		}
	}
	if x.pass(x.owner.word.Ride(x.buf[:0], x.page())) {
		t.Error("it is said again")
	}
}

// TestWhatIsNotComparedIsAskedFor: after the log rests, again and again at growing
// intervals, and not for ever.
func TestWhatIsNotComparedIsAskedFor(t *testing.T) {
	x := newDesk()
	x.write("k", "v", "v")
	begun := x.now
	var at []sched.Instant
	for range 2000 {
		if x.look() {
			at = append(at, x.now-begun)
			if !x.replica.debts[1].Asks() || x.replica.board.Of(1) != 1 {
				t.Fatal("the next frame does not ask")
			}
		}
	}
	if len(at) != triesMost || at[0] > rest+pause {
		t.Fatalf("asked at %v", at)
	}
	for i := 2; i < len(at); i++ {
		if at[i]-at[i-1] < at[i-1]-at[i-2] {
			t.Errorf("asked at %v", at)
		}
	}
	x.write("k", "w", "w")
	if !x.looks(restLooks) {
		t.Error("it moved on, and nobody is asked")
	}
	if !x.pass(x.owner.word.Answer(x.buf[:0], x.page())) || x.replica.count.CheckpointsEqual != 1 {
		t.Errorf("%+v", x.replica.count)
	}
}

// TestALogThatNeverRestsIsAskedFor, since what its author sends may be lost each time.
func TestALogThatNeverRestsIsAskedFor(t *testing.T) {
	x := newDesk()
	begun := x.now
	for x.replica.count.CheckpointsAsked == 0 {
		if x.now-begun > late+pause {
			t.Fatal("nobody asked")
		}
		x.now += pause
		x.write("k", "v", "v")
		x.replica.word.Step(x.now)
	}
	if x.now-begun < late {
		t.Errorf("asked after %d ms: its owner's frames bring its word", (x.now-begun)/sched.Millisecond)
	}
}

// TestWordsOfALogThatMovesAreRare: they ride each half second with what hardly moves, and with each
// rideMany versions, and else after rideLate.
func TestWordsOfALogThatMovesAreRare(t *testing.T) {
	f := func(every sched.Instant, want int) {
		x := newDesk()
		words := 0
		for end := x.now + 80*sched.Second; x.now < end; x.now += every {
			x.write(fmt.Sprint("k", x.version%50), "v", "v")
			if x.pass(x.owner.word.Ride(x.buf[:0], x.page())) {
				words++
			}
		}
		if words < want-2 || words > want+2 || x.replica.count.CheckpointsEqual != uint64(words) {
			t.Errorf("a version every %d ms: %d words in 80 s, want %d: %+v", every/sched.Millisecond, words, want, x.replica.count)
		}
	}
	f(sched.Second, 80)
	f(100*sched.Millisecond, 160)
	f(50*sched.Millisecond, 20)
	f(20*sched.Millisecond, 20)
	f(10*sched.Millisecond, 20)
	f(5*sched.Millisecond, 80*200/rideMany)
	f(sched.Millisecond/2, 80*2000/(2000/2))
}

func TestWhatDiffersIsGoneThrough(t *testing.T) {
	x := newDesk()
	x.write("a", "v", "v")
	x.pass(x.owner.word.Ride(x.buf[:0], x.page()))
	x.write("b", "true", "forged")
	for range 10 * 60 * 10 { // ten minutes, in which nobody mends anything
		if x.look() {
			x.now += answerGap
			x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
		}
		x.replica.word.Moved(x.now, x.replica.o)
	}
	if n := len(x.replica.doubts); n < 3 || n > 25 || x.replica.doubts[0] != 1 {
		t.Errorf("gone through %d times in ten minutes, from %v", n, x.replica.doubts)
	}
}

// TestOnlyTheOwnersNewestWordCounts.
func TestOnlyTheOwnersNewestWordCounts(t *testing.T) {
	x := newDesk()
	x.write("a", "true", "forged")
	b := x.owner.word.Answer(x.buf[:0], x.page())
	t0, body, _ := codec.NextRecord(b)
	if t0 != codec.TypeCheckpoint {
		t.Fatal(t0)
	}
	f := new(reconcile.Frame)
	say := func(p uint32, fresh bool) {
		f.Begin(x.now, 1, p)
		f.Fresh = fresh
		if v := x.replica.word.Receive(f, body); v != reconcile.Taken {
			t.Fatal(v)
		}
	}
	say(2, true)  // somebody else says so
	say(1, false) // a frame that later ones overtook
	x.replica.store.Advance(x.replica.o, 2, 0)
	say(1, true) // the replica is ahead of it
	if n := x.replica.count; n.CheckpointsDiffer+n.CheckpointsEqual != 0 || len(x.replica.doubts) != 0 {
		t.Errorf("%+v", n)
	}
}

// TestAnOwnerThatHoldsWritesBackSaysNothing: what they replace is missing in its log.
func TestAnOwnerThatHoldsWritesBackSaysNothing(t *testing.T) {
	x := newDesk()
	x.write("a", "v", "v")
	x.owner.store.Apply(x.owner.o, &codec.Entry{Version: 2, Key: []byte("a"), Value: []byte("w")})
	if x.pass(x.owner.word.Answer(x.buf[:0], x.page())) {
		t.Error("it says a sum")
	}
}

// TestALogThatLooksEndless: somebody said that it goes on, its owner says where it ends.
func TestALogThatLooksEndless(t *testing.T) {
	x := newDesk()
	x.write("a", "v", "v")
	x.pass(x.owner.word.Ride(x.buf[:0], x.page()))
	x.replica.store.Promise(x.replica.o, codec.VersionMax)
	x.replica.word.Took(x.now, x.replica.o, 2, 1, 1)
	if !x.looks(restLooks) {
		t.Fatal("nobody is asked")
	}
	x.now += answerGap
	if x.pass(x.owner.word.Answer(x.buf[:0], x.page())); !x.replica.store.Level(x.replica.o) || x.replica.count.CheckpointsEqual != 2 {
		t.Errorf("%+v", x.replica.count)
	}
}

// TestWhoBroughtItIsNamed: the first who did, once in a while, and nobody for what the
// owner itself brought.
func TestWhoBroughtItIsNamed(t *testing.T) {
	x := newDesk()
	w, o := &x.replica.word, x.replica.o
	w.Took(x.now, o, 1, 0, 10)
	w.Took(x.now, o, 2, 10, 20)
	w.Took(x.now, o, 3, 15, 30)
	differs := func(first, alien uint64) { w.Differed(x.now, o, &state.Healed{First: first, Alien: alien}) }
	expect := func(want ...accusation) {
		t.Helper()
		if fmt.Sprint(x.replica.told) != fmt.Sprint(want) {
			t.Fatalf("told %v, want %v", x.replica.told, want)
		}
	}
	differs(5, 18) // 5 is the older form of a key that 18 took the place of
	expect(accusation{by: 102, version: 18})
	differs(17, 0)
	differs(18, 19)
	expect(accusation{by: 102, version: 18}) // not again
	differs(25, 25)
	expect(accusation{by: 102, version: 18}, accusation{by: 103, version: 25})
	x.now += nameGap
	differs(18, 18)
	expect(accusation{by: 102, version: 18}, accusation{by: 103, version: 25}, accusation{by: 102, version: 18})
	x.replica.told = nil
	x.write("a", "v", "v")
	x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
	expect()
	differs(5, 5) // of the owner itself: told when all is well again
	expect()
	x.now += answerGap
	x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
	expect(accusation{by: 0, version: 5})
	for p := range uint64(1000) { // more runs than are remembered, more liars than are
		w.Took(x.now, o, 2, 100+p, 101+p)
		differs(101+p, 101+p)
	}
	if n := len(x.replica.told); n > 3 {
		t.Errorf("told %d times", n)
	}
}

// TestALargeLogIsSummedUpInSteps: no call takes long, and in the end all is compared.
func TestALargeLogIsSummedUpInSteps(t *testing.T) {
	x := newDesk()
	for i := range 3000 {
		x.write(fmt.Sprint("k", i), "v", "v")
	}
	for range 100 {
		x.now += answerGap
		if x.replica.count.CheckpointsEqual == 1 {
			return
		}
		x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
	}
	t.Errorf("%+v", x.replica.count)
}

func TestCheckpointsAllocateNothing(t *testing.T) {
	x := newDesk()
	x.write("k", "v", "v")
	x.pass(x.owner.word.Answer(x.buf[:0], x.page()))
	page, f, key := x.page(), new(reconcile.Frame), []byte("k")
	if n := testing.AllocsPerRun(1000, func() {
		x.version++
		for _, s := range []*side{&x.owner, &x.replica} {
			s.store.Apply(s.o, &codec.Entry{Version: x.version, Key: key, Value: key})
			s.store.Advance(s.o, x.version, 0)
		}
		x.replica.word.Took(x.now, x.replica.o, 2, x.version-1, x.version)
		x.now += sched.Second
		x.replica.word.Step(x.now)
		page.Now = x.now
		_, body, _ := codec.NextRecord(x.owner.word.Answer(x.buf[:0], page))
		f.Begin(x.now, 1, 1)
		f.Fresh = true
		x.replica.word.Receive(f, body)
		x.replica.word.Differed(x.now, x.replica.o, &state.Healed{First: 1})
	}); n != 0 {
		t.Error(n, "allocations")
	}
	if x.replica.count.CheckpointsEqual < 1000 {
		t.Errorf("%+v", x.replica.count)
	}
}
