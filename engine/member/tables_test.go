package member

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestBallotsAgainstModel: each voter has one vote, its last; a new one takes an unused place, or
// that of the vote that is oldest.
func TestBallotsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c ballots
		want := map[uint32]ballot{}
		for at := range sched.Instant(rapid.IntRange(1, 60).Draw(t, "votes")) {
			b := ballot{voter: rapid.Uint32Range(1, Electors+6).Draw(t, "voter"), stance: codec.Stance(rapid.IntRange(1, 2).Draw(t, "stance")), at: at + 1}
			if _, votes := want[b.voter]; !votes && len(want) == len(c.votes) {
				oldest := b
				for _, w := range want {
					if w.at < oldest.at {
						oldest = w
					}
				}
				delete(want, oldest.voter)
			}
			want[b.voter] = b
			if got := c.put(b.voter, b.stance, b.at); *got != b {
				t.Fatalf("put %+v, there is %+v", b, *got)
			}
			many := 0
			for _, x := range c.votes {
				if x.voter == 0 {
					continue
				}
				if many++; x != want[x.voter] {
					t.Fatalf("%+v, want %+v", x, want[x.voter])
				}
			}
			if many != len(want) {
				t.Fatalf("%d votes, want %d", many, len(want))
			}
		}
	})
}

// small is a table of few places, which knows members 1..n and is the first of them.
func small(t testing.TB, n int, l Limits) (*Table, *Ring) {
	t.Helper()
	r, x, cfg := new(Ring), new(Table), quick()
	r.Init(n, [2]uint64{1, 1})
	x.Init(&cfg, l, r, 1, testID(1), 1, 1)
	for h := uint32(2); h <= uint32(n); h++ {
		if !x.Add(1, h, testID(h)) {
			t.Fatal("add")
		}
	}
	return x, r
}

// TestFactsSentMostGiveWay: where there is no room for another fact to spread, the one that was sent
// most goes, and that is counted; a fact that comes anew is as if it had never been sent.
func TestFactsSentMostGiveWay(t *testing.T) {
	l := DefaultLimits(40)
	l.Hot = 8
	x, _ := small(t, 40, l)
	for h := uint32(2); h < 10; h++ {
		x.learn(2, h, 1, Suspect, 3)
	}
	if len(x.hot) != l.Hot || x.counters.FactsEvicted != 0 {
		t.Fatalf("%d facts are hot, %d were evicted", len(x.hot), x.counters.FactsEvicted)
	}
	fact := func(h uint32) *hotFact { return &x.hot[x.facts[x.standings[h].fact].hot-1] }
	for i, h := range []uint32{4, 7, 2, 9, 3, 5, 8, 6} {
		fact(h).sent = uint16(i)
	}
	x.heat(3, x.standings[6].fact) // again: the one that was sent most is fresh
	for i, h := range []uint32{8, 5, 3, 9, 2, 7} {
		x.learn(4, 20+uint32(i), 1, Suspect, 3)
		if x.facts[x.standings[h].fact].hot != 0 || x.counters.FactsEvicted != uint64(i+1) || len(x.hot) != l.Hot {
			t.Errorf("news %d: that of %d is hot still, or %d were evicted, %d are hot", i, h, x.counters.FactsEvicted, len(x.hot))
		}
	}
	for i := range x.hot {
		if got := x.facts[x.hot[i].fact].hot; int(got) != i+1 {
			t.Errorf("hot fact %d believes to be %d", i, got)
		}
	}
}

// TestFactsGrowWithWhatIsSaid: members that are alive in their first incarnation take no fact; there are as
// many as members had one, up to the limit, beyond which the next one is counted.
func TestFactsGrowWithWhatIsSaid(t *testing.T) {
	l := DefaultLimits(400)
	l.Facts = 300
	x, _ := small(t, 400, l)
	if len(x.facts) != 2 || cap(x.facts) > 1+factsFirst {
		t.Fatalf("all are alive, and there are %d facts and room for %d", len(x.facts)-1, cap(x.facts)-1)
	}
	for h := uint32(2); h <= 400; h++ {
		x.learn(2, h, 1, Suspect, 1)
		if n := min(int(h), l.Facts); len(x.facts)-1 != n || x.counters.FullFacts != uint64(int(h)-n) {
			t.Fatalf("%d have a fact, there are %d, and %d found no room", h, len(x.facts)-1, x.counters.FullFacts)
		}
	}
	if x.LivePrint() != x.recomputePrint() || x.lists[Suspect].len != l.Facts-1 {
		t.Errorf("%d are suspected", x.lists[Suspect].len)
	}
}

// TestWatchingHasAnEnd: as many are watched as there is room for, the next one is counted, and a
// place that is free again is taken again.
func TestWatchingHasAnEnd(t *testing.T) {
	l := DefaultLimits(40)
	l.Watch = Observers
	x, _ := small(t, 40, l)
	for i := range x.watches {
		if x.taken>>i&1 != 0 {
			x.unwatch(i)
		}
	}
	const next = 2 + Observers
	for h := uint32(2); h < next; h++ {
		if i := x.watch(2, h); i != int(h)-2 || x.freeWatches() != next-1-int(h) || x.watchOf(h) != i {
			t.Fatalf("member %d has seat %d, %d are free", h, i, x.freeWatches())
		}
	}
	if i := x.watch(2, next); i != -1 || x.counters.FullWatch != 1 || x.watching(next) != nil {
		t.Errorf("one too many has seat %d; counted %d times", i, x.counters.FullWatch)
	}
	x.unwatch(3)
	if i := x.watch(2, next); i != 3 || x.watching(5) != nil || x.watching(next) == nil || x.freeWatches() != 0 {
		t.Errorf("the free seat is 3, it has %d; %d are free", i, x.freeWatches())
	}
}

// TestLeavingEnds: the announcement is over when its time is, when it has been spread as often as it
// will, or when nobody is there to hear it; not before, and not where nobody leaves.
func TestLeavingEnds(t *testing.T) {
	x, _ := small(t, 8, DefaultLimits(8))
	if x.LeaveDone(sched.Second) {
		t.Error("done before it begins")
	}
	now := sched.Instant(sched.Second)
	x.Leave(now)
	if x.LeaveDone(now) || x.LeaveDone(now+x.cfg.LeaveFor-1) {
		t.Error("done while it is told and has time")
	}
	if !x.LeaveDone(now + x.cfg.LeaveFor) {
		t.Error("not done when its time is over")
	}
	x.cool(x.standings[x.self].fact)
	if !x.LeaveDone(now) {
		t.Error("not done when it was spread")
	}
	y, _ := small(t, 2, DefaultLimits(2))
	y.Leave(now)
	if y.LeaveDone(now) {
		t.Error("done while another one is there")
	}
	z, _ := small(t, 1, DefaultLimits(1))
	z.Leave(now)
	if !z.LeaveDone(now) {
		t.Error("nobody else is there, and it is not done")
	}
}

// TestRingBytesIsWhatIsTaken: identifiers, zones once somebody is in one, and the orders.
func TestRingBytesIsWhatIsTaken(t *testing.T) {
	for _, n := range []int{1, 7, 1000} {
		var r Ring
		r.Init(n, [2]uint64{1, 1})
		r.Move(1, 3)
		bytes := cap(r.ids)*int(unsafe.Sizeof(r.ids[0])) + cap(r.zones)*int(unsafe.Sizeof(r.zones[0]))
		for _, o := range r.order {
			bytes += cap(o) * int(unsafe.Sizeof(o[0]))
		}
		if RingBytes(n) != bytes {
			t.Errorf("%d members: %d bytes are told, %d are taken", n, RingBytes(n), bytes)
		}
	}
}

// TestIncarnationsAreSpentInTime: a node is exhausted while there is room for two refutations more,
// and not before.
func TestIncarnationsAreSpentInTime(t *testing.T) {
	x, _ := small(t, 4, DefaultLimits(4))
	for _, c := range []struct {
		at   uint32
		want bool
	}{{1, false}, {IncarnationMax - 2*IncarnationStep - 1, false}, {IncarnationMax - 2*IncarnationStep, true}, {IncarnationMax, true}} {
		x.set(2, x.self, c.at, Alive, x.self)
		if x.Exhausted() != c.want {
			t.Errorf("at %d of %d: exhausted %v", c.at, uint32(IncarnationMax), x.Exhausted())
		}
	}
}

// TestAnUnwellNodeHasNoVote: what it misses while its own health is bad is counted as barred, and is
// no word against anybody.
func TestAnUnwellNodeHasNoVote(t *testing.T) {
	x, _ := small(t, 8, DefaultLimits(8))
	h := subject(x)
	i := x.watchOf(h)
	if i < 0 {
		i = x.watch(2, h)
	}
	x.cfg.Without &^= OwnHealth
	for n, health := range []uint8{x.cfg.BarFrom, x.cfg.BarFrom + 1, x.cfg.BarFrom - 1} {
		x.health = health
		x.watches[i].stance = codec.StanceFor
		x.doubt(sched.Second, i)
		barred := n < 2
		if barred != (x.watches[i].stance == 0) || x.counters.VotesBarred != uint64(min(n+1, 2)) {
			t.Errorf("health %d, barred from %d: stance %v, %d barred", health, x.cfg.BarFrom, x.watches[i].stance, x.counters.VotesBarred)
		}
	}
}

// TestPresetsAgree: whatever the network, times stand in one order, and a wider network has no
// shorter ones.
func TestPresetsAgree(t *testing.T) {
	var before Config
	for i, c := range []Config{Local(), LAN(), WAN()} {
		if c.PushGap <= 0 || c.PushGap >= c.PushEvery || c.PushEvery >= c.Period || c.TimeoutMin >= c.TimeoutMax || c.TimeoutMax >= c.Period ||
			c.Period >= c.Grace || c.Grace >= c.SoloGrace || c.ClosedGrace > c.Grace || c.LeaveFor < c.PushEvery {
			t.Errorf("preset %d: %+v", i, c)
		}
		if c.PushGap < before.PushGap || c.PushEvery < before.PushEvery || c.Period < before.Period || c.Grace < before.Grace || c.LagMin < before.LagMin || c.LeaveFor < before.LeaveFor {
			t.Errorf("preset %d is faster than a nearer one", i)
		}
		before = c
	}
}
