package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// observersOf is who watches h in x's view, without x itself.
func observersOf(x *Table, h uint32, want int) (o []uint32) {
	var buf [Electors]uint32
	for _, w := range buf[:x.observers(h, buf[:want])] {
		if w != x.self {
			o = append(o, w)
		}
	}
	return o
}

// subject is a member that x watches.
func subject(x *Table) uint32 {
	var buf [64]uint32
	if x.targets(buf[:]) == 0 {
		panic("x watches nobody")
	}
	return buf[0]
}

func TestVotesThatDoNotCount(t *testing.T) {
	x, now := alone(t, 60)
	h := subject(x)
	o := observersOf(x, h, Electors)
	outsider := uint32(2)
	for contains(o, outsider) || outsider == h {
		outsider++
	}
	c := x.Counters()
	f := func(what string, from uint32, v codec.Vote, counter *uint64) {
		t.Helper()
		before, taken := *counter, c.VotesTaken
		if v.Stance == 0 {
			v.Stance = codec.StanceAgainst
		}
		x.OnVote(*now, from, &v)
		if *counter != before+1 || c.VotesTaken != taken {
			t.Errorf("%s: not dropped by its reason: %+v", what, *c)
		}
	}
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 10, Stance: codec.StanceAgainst})
	f("replayed", o[0], codec.Vote{Subject: testID(h), Round: 10}, &c.DropReplay)
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 12, Stance: codec.StanceAgainst})
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 11, Stance: codec.StanceAgainst}) // overtaken, not replayed
	f("overtaken and replayed", o[0], codec.Vote{Subject: testID(h), Round: 11}, &c.DropReplay)
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 200, Stance: codec.StanceAgainst})
	f("very old", o[0], codec.Vote{Subject: testID(h), Round: 9}, &c.DropReplay)
	f("stranger", 0, codec.Vote{Subject: testID(h), Round: 11}, &c.DropStranger)
	f("about a stranger", o[0], codec.Vote{Subject: testID(99), Round: 201}, &c.DropStranger)
	f("about me", o[0], codec.Vote{Subject: testID(1), Round: 201}, &c.DropSelf)
	f("for oneself", h, codec.Vote{Subject: testID(h), Round: 1}, &c.DropSelf)
	f("as if mine", 1, codec.Vote{Subject: testID(h), Round: 1}, &c.DropSelf)
	f("no observer", outsider, codec.Vote{Subject: testID(h), Round: 1}, &c.DropElector)
	f("ahead", o[1], codec.Vote{Subject: testID(h), Incarnation: 1, Round: 1}, &c.DropIncarnation)
	f("impossible", o[1], codec.Vote{Subject: testID(h), Incarnation: 1<<32 - 1, Round: 1}, &c.DropIncarnation)
	x.set(*now, o[1], 0, Dead, 2)
	f("dead voter", o[1], codec.Vote{Subject: testID(h), Round: 1}, &c.DropDead)
	x.set(*now, h, 1, Alive, h)
	f("behind", o[2], codec.Vote{Subject: testID(h), Round: 1}, &c.FactsStale)
	if x.Status(h) != Alive {
		t.Error("suspected")
	}
}

// Five of eight observers suspect; four don't, nor one that votes five times, nor five of which one
// changes its mind.
func TestQuorum(t *testing.T) {
	f := func(what string, against []int, want Status) {
		t.Helper()
		x, now := alone(t, 60)
		h := subject(x)
		o := observersOf(x, h, Observers)
		for i, k := range against {
			v := codec.Vote{Subject: testID(h), Round: uint32(i + 1), Stance: codec.StanceAgainst}
			if k < 0 {
				k, v.Stance = -k, codec.StanceFor
			}
			x.OnVote(*now, o[k], &v)
		}
		if x.Status(h) != want {
			t.Errorf("%s: %v, want %v", what, x.Status(h), want)
		}
	}
	f("four", []int{0, 1, 2, 3}, Alive)
	f("five", []int{0, 1, 2, 3, 4}, Suspect)
	f("one, five times", []int{1, 1, 1, 1, 1}, Alive)
	f("five, less one", []int{0, 1, 2, 3, -3, 4}, Alive)
}

func TestVotesRunOut(t *testing.T) {
	x, now := alone(t, 60)
	h := subject(x)
	for i, o := range observersOf(x, h, Observers)[:5] {
		x.OnVote(*now, o, &codec.Vote{Subject: testID(h), Round: uint32(i + 1), Stance: codec.StanceAgainst})
		*now += 70 * ms
	}
	if x.Status(h) != Alive {
		t.Error("votes that were never valid together suspect")
	}
}

// Observers under suspicion count neither way: of eight, four suspected, three votes of the rest
// are enough.
func TestQuorumIsRelative(t *testing.T) {
	x, now := alone(t, 60)
	h := subject(x)
	o := observersOf(x, h, Observers)
	for _, s := range o[:4] {
		x.set(*now, s, 0, Suspect, 2)
		x.OnVote(*now, s, &codec.Vote{Subject: testID(h), Round: 1, Stance: codec.StanceAgainst})
	}
	for _, s := range o[4:6] {
		x.OnVote(*now, s, &codec.Vote{Subject: testID(h), Round: 1, Stance: codec.StanceAgainst})
	}
	if x.Status(h) != Alive {
		t.Error("two of four")
	}
	x.OnVote(*now, o[6], &codec.Vote{Subject: testID(h), Round: 1, Stance: codec.StanceAgainst})
	if x.Status(h) != Suspect {
		t.Error("three of four don't suspect")
	}
}

// A vote is answered with the own stance, once, and an answer is not answered.
func TestVotesAreAnswered(t *testing.T) {
	x, now := alone(t, 60)
	x.Tick(*now)
	h := subject(x)
	o := observersOf(x, h, Observers)
	answers := func() (n int) {
		var s Send
		for x.Next(*now, &s) {
			if s.Kind == SendVote && s.Vote.Reply && s.To == o[0] && s.Vote.Subject == testID(h) {
				n++
			}
		}
		return n
	}
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 1, Stance: codec.StanceAgainst})
	if answers() != 1 || answers() != 0 {
		t.Error("not answered once")
	}
	x.OnVote(*now, o[0], &codec.Vote{Subject: testID(h), Round: 2, Stance: codec.StanceAgainst, Reply: true})
	if answers() != 0 {
		t.Error("an answer is answered")
	}
}

func TestExplain(t *testing.T) {
	x, now := alone(t, 60)
	h := subject(x)
	o := observersOf(x, h, Observers)
	for i := range 5 {
		x.OnVote(*now, o[i], &codec.Vote{Subject: testID(h), Round: 1, Stance: codec.StanceAgainst})
	}
	var e Evidence
	x.Explain(*now, h, &e)
	if e.Status != Suspect || e.By != 1 || e.VoterCount != 5 || e.Since != *now || e.Against != 5 || e.Live != 8 {
		t.Errorf("%+v", e)
	}
}

// A sick node slows down and accuses nobody; answers make it well again.
func TestOwnHealth(t *testing.T) {
	x, now := alone(t, 60)
	x.Tick(*now)
	x.health, x.calmAt = HealthMax, *now+400*ms
	var s Send
	votes := 0
	for range 20 {
		*now += 10 * ms
		x.Tick(*now)
		for x.Next(*now, &s) {
			if s.Kind == SendVote && !s.Vote.Reply {
				votes++
			}
			if s.Kind == SendProbe && x.dues[x.watchOf(s.To)]-*now != 90*ms {
				t.Errorf("timeout %d ms", (x.dues[x.watchOf(s.To)]-*now)/ms)
			}
		}
	}
	if votes != 0 {
		t.Errorf("%d votes", votes)
	}
	for range 200 {
		*now += 10 * ms
		x.Tick(*now)
		for x.Next(*now, &s) {
			answerAll(x, *now, &s)
		}
	}
	if x.Health() != 0 {
		t.Errorf("health %d", x.Health())
	}
	x.Lagged(*now, 5*ms)
	if x.Health() != 0 {
		t.Error("a short delay counts")
	}
	x.Lagged(*now, 450*ms)
	if x.Health() != 3 || x.Counters().Stalls == 0 {
		t.Errorf("health %d after a stall", x.Health())
	}
}

func TestProbeForSomeoneElseIsNotAnswered(t *testing.T) {
	x, now := alone(t, 10)
	var ack codec.ProbeAck
	if x.OnProbe(*now, 2, &codec.Probe{Target: testID(3)}, &ack) || x.Counters().DropTarget != 1 {
		t.Error("answered for another")
	}
	if !x.OnProbe(*now, 0, &codec.Probe{Target: testID(1), Status: Dead}, &ack) || ack.Incarnation != 0 || x.Incarnation(1) != 0 {
		t.Error("a stranger's accusation counts")
	}
	if !x.OnProbe(*now, 2, &codec.Probe{Target: testID(1), Status: Suspect}, &ack) || ack.Incarnation != 1 || x.Incarnation(1) != 1 {
		t.Error("an accusation is not refuted in the answer")
	}
}

func TestLateAndUnaskedAnswersAreIgnored(t *testing.T) {
	x, now := alone(t, 10)
	x.Tick(*now)
	var s Send
	for x.timerUntilProbe(now, &s); s.Kind != SendProbe; {
		x.timerUntilProbe(now, &s)
	}
	c := x.Counters()
	other := s.To%9 + 2
	x.OnAck(*now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce + 1, Incarnation: 9})
	x.OnAck(*now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce - 1, Incarnation: 9})
	x.OnAck(*now, other, &codec.ProbeAck{Nonce: s.Probe.Nonce, Incarnation: 9})
	x.OnAck(*now, 0, &codec.ProbeAck{Nonce: s.Probe.Nonce, Incarnation: 9})
	if c.AcksTaken != 0 || c.AcksLate != 3 || x.Incarnation(s.To) != 0 {
		t.Errorf("%+v", c)
	}
	x.OnAck(*now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce, Incarnation: 2})
	if c.AcksTaken != 1 || x.Incarnation(s.To) != 2 {
		t.Errorf("%+v", c)
	}
}

// timerUntilProbe lets time go on to the next thing to send.
func (t *Table) timerUntilProbe(now *sched.Instant, s *Send) {
	for !t.Next(*now, s) {
		*now = max(*now+1, t.Deadline())
		t.Tick(*now)
	}
}

// A handle that another member has now begins its rounds anew.
func TestRoundsBeginAnewWithAMember(t *testing.T) {
	x, now := alone(t, 10)
	for _, id := range []uint32{3, 11} {
		for round := uint32(1); round < 4; round++ {
			v := codec.Vote{Subject: testID(4), Round: round, Stance: codec.StanceFor}
			if x.OnVote(*now, 3, &v); x.Counters().DropReplay != 0 {
				t.Fatalf("member %d: round %d is taken for a replay", id, round)
			}
		}
		x.Remove(*now, 3)
		x.Add(*now, 3, testID(11))
	}
}

// TestARoundAheadSilencesNoVoter: somebody votes in another's name, with a round far beyond its own.
// The fourth of its own votes counts again; what comes again, or goes back, moves nothing.
func TestARoundAheadSilencesNoVoter(t *testing.T) {
	for _, jump := range []uint32{65, 1000, 1<<32 - 1 - 200} {
		var x Table
		is := func(round uint32, fresh bool) {
			t.Helper()
			if got := x.fresh(7, round); got != fresh {
				t.Errorf("%d ahead: round %d: fresh %v", jump, round, got)
			}
		}
		is(100, true)
		is(100+jump, true)
		for range 10 {
			is(30, false)
			is(29, false)
		}
		is(31, false)
		is(32, false)
		is(32, false)
		is(33, true)
		is(33, false)
		is(34, true)
		is(35, true)
	}
}

// TestAVoteCountsOnce: rounds come in any order, none further behind than a window is long: each is
// new once, whichever came in between.
func TestAVoteCountsOnce(t *testing.T) {
	var rng sched.Rand
	seed := testSeed(t)
	rng.Seed(seed)
	for range 200 {
		var x Table
		high := rng.Uint32n(1 << 30)
		came := map[uint32]bool{high: true}
		if !x.fresh(7, high) {
			t.Fatal("the first is none")
		}
		for range 300 {
			round := high + rng.Uint32n(5) - min(high, rng.Uint32n(68))
			if back := int64(high) - int64(round); back > 64 {
				continue
			}
			if got := x.fresh(7, round); got == came[round] {
				t.Fatalf("seed %d: round %d, the highest is %d: fresh %v", seed, round, high, got)
			}
			came[round], high = true, max(high, round)
		}
	}
}
