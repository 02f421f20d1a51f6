package rumor

import (
	"reflect"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"pgregory.net/rapid"
)

func pushCounter(k uint8) tune.RumorPolicy {
	return tune.RumorPolicy{Shape: tune.ShapePush, Loss: tune.LossCounter, K: k, Reset: true}
}

func newTable(origins int, p tune.RumorPolicy) *Table {
	t := new(Table)
	t.Init(origins, p, 1)
	return t
}

// contact offers o and takes the answer.
func (t *Table) contact(o uint32, peer uint32, kind Kind, counter uint8) Effect {
	_, hi, _ := t.Window(o)
	t.Sent(o)
	return t.Feedback(o, hi, peer, kind, counter)
}

func TestFootprint(t *testing.T) {
	if got := reflect.TypeOf(rumor{}).Size(); got != 56 {
		t.Errorf("a rumor is %d bytes: correct Footprint and the comments", got)
	}
}

func TestCounterRemovesAfterKUnneededContacts(t *testing.T) {
	r := newTable(4, pushCounter(2))
	if r.State(1) != Susceptible || r.Hot() != 0 {
		t.Fatal("a new table is not empty")
	}
	r.Learned(1, 4, 5, 9, 0)
	if r.State(1) != Infective {
		t.Fatal("news is not hot")
	}
	step := func(kind Kind, want State) {
		t.Helper()
		r.contact(1, 3, kind, 0)
		r.CycleEnd()
		if r.State(1) != want {
			t.Fatalf("state %d, want %d", r.State(1), want)
		}
	}
	step(Known, Infective)
	step(Needed, Infective) // back to zero
	step(Known, Infective)
	step(Refused, Infective) // no contact at all
	step(Known, Removed)
	if r.Counter(1) != Removal {
		t.Error("a removed rumor does not show it")
	}
}

func TestPullFootnote(t *testing.T) {
	p := tune.Demers(tune.ShapePull, tune.LossCounter, false, 2)
	r := newTable(1, p)
	r.Learned(1, 0, 1, 0, 0)
	for _, answers := range [][]Kind{
		{Known, Known, Known},  // adds one, however many
		{Known, Needed, Known}, // any needed: reset
		{Known},
	} {
		for _, k := range answers {
			r.contact(1, 0, k, 0)
		}
		r.CycleEnd()
		if r.State(1) != Infective {
			t.Fatalf("removed after %v", answers)
		}
	}
	r.contact(1, 0, Known, 0)
	r.CycleEnd()
	if r.State(1) != Removed {
		t.Error("not removed after two cycles in vain")
	}
}

func TestBlindCounterLastsKCycles(t *testing.T) {
	r := newTable(1, tune.Demers(tune.ShapePush, tune.LossCounter, true, 3))
	r.Learned(1, 0, 1, 0, 0)
	for cycle := 1; cycle <= 3; cycle++ {
		if r.State(1) != Infective {
			t.Fatalf("cold in cycle %d", cycle)
		}
		r.contact(1, 0, Needed, 0)
		r.CycleEnd()
	}
	if r.State(1) != Removed {
		t.Error("still hot after k cycles")
	}
}

func TestImmediate(t *testing.T) {
	p := pushCounter(1)
	p.Immediate = true
	r := newTable(1, p)
	r.Learned(1, 0, 1, 0, 0)
	if got := r.contact(1, 2, Known, 0); got != Cooled || r.State(1) != Removed {
		t.Errorf("effect %d, state %d", got, r.State(1))
	}
}

func TestMinimizeCountsTheSmaller(t *testing.T) {
	p := tune.RumorPolicy{Shape: tune.ShapePushPull, Loss: tune.LossCounter, K: 10, Minimize: true}
	for _, c := range []struct{ mine, theirs, wantMine, wantTheirs uint8 }{
		{3, 5, 4, 5}, {5, 3, 5, 4}, {4, 4, 5, 5},
	} {
		a, b := newTable(1, p), newTable(1, p)
		a.Learned(1, 0, 1, 0, 0)
		b.Learned(1, 0, 1, 0, 0)
		a.rumors[1].count, b.rumors[1].count = c.mine, c.theirs
		b.Shown(1, 1, 1, a.Counter(1))
		a.contact(1, 2, Known, b.Counter(1))
		a.CycleEnd()
		b.CycleEnd()
		if a.Counter(1) != c.wantMine || b.Counter(1) != c.wantTheirs {
			t.Errorf("%+v: got %d and %d", c, a.Counter(1), b.Counter(1))
		}
	}
}

func TestMedianRule(t *testing.T) {
	p := tune.RumorPolicy{Shape: tune.ShapePushPull, Loss: tune.LossMedian, K: 3, Final: 2}
	r := newTable(1, p)
	r.Learned(1, 0, 1, 7, 1)
	round := func(want uint8, peers ...uint8) {
		t.Helper()
		for _, c := range peers {
			kind := Known
			if c == 0 {
				kind = Needed
			}
			r.contact(1, 0, kind, c)
		}
		r.CycleEnd()
		if got := r.Counter(1); got != want {
			t.Fatalf("age %d after peers %v, want %d", got, peers, want)
		}
	}
	round(1, 0, 0, 1) // fewer at or above
	round(1, 0, 1)    // a tie does not count
	round(2, 1, 1, 0)
	round(2, 1, 1, 2)
	round(Removal, 2) // ctr_max: state C
	if r.State(1) != Infective {
		t.Fatal("silent at once in state C")
	}
	round(Removal, 0)
	round(Removal, 0)
	if r.State(1) != Removed {
		t.Error("not silent after Final rounds")
	}
	r.Learned(1, 1, 2, 7, Removal) // told by one in C
	if r.Counter(1) != Removal || r.State(1) != Infective {
		t.Error("not in C after hearing from C")
	}
	r.Learned(1, 2, 3, 7, 2)
	round(Removal, Removal) // met one in C
}

func TestNotBackToTheSource(t *testing.T) {
	r := newTable(3, pushCounter(2))
	r.Learned(1, 0, 1, 5, 0)
	r.Learned(2, 0, 1, 6, 0)
	r.Learned(1, 0, 1, 7, 0) // 7 sent it too
	var dst [3]Offer
	f := func(peer uint32, want int) {
		t.Helper()
		if n := r.Select(peer, dst[:]); n != want {
			t.Errorf("%d offers to %d, want %d", n, peer, want)
		}
	}
	f(5, 1)
	f(6, 1)
	f(7, 1)
	f(8, 2)
	r.contact(1, 8, Needed, 0) // two are remembered
	f(8, 1)
	f(5, 2)
	r.Learned(1, 1, 2, 8, 0) // newer: 7 does not have it
	f(7, 2)
}

func TestSelectGoesRound(t *testing.T) {
	r := newTable(5, pushCounter(2))
	for o := uint32(1); o <= 5; o++ {
		r.Learned(o, 0, uint64(o), 0, 0)
	}
	seen := map[uint32]int{}
	var dst [2]Offer
	for range 5 {
		for _, o := range dst[:r.Select(9, dst[:])] {
			seen[o.Origin]++
		}
	}
	for o := uint32(1); o <= 5; o++ {
		if seen[o] != 2 {
			t.Errorf("origin %d was offered %d times of 2", o, seen[o])
		}
	}
}

func TestNewVersionResets(t *testing.T) {
	r := newTable(1, pushCounter(2))
	r.Learned(1, 3, 5, 0, 0)
	r.contact(1, 0, Known, 0)
	r.CycleEnd()
	r.Sent(1)
	r.Learned(1, 5, 8, 0, 0)
	if lo, hi, ok := r.Window(1); !ok || lo != 3 || hi != 8 || r.Counter(1) != 0 {
		t.Errorf("window (%d, %d], counter %d", lo, hi, r.Counter(1))
	}
	if r.Feedback(1, 5, 2, Known, 0) != Ignored { // for the old one
		t.Error("a late answer counts")
	}
}

func TestWindowAges(t *testing.T) {
	p := pushCounter(2)
	p.Age = 2
	r := newTable(1, p)
	r.Learned(1, 0, 10, 0, 0)
	for v := uint64(10); v < 100; v++ {
		r.Learned(1, v, v+1, 0, 0)
		r.CycleEnd()
		if lo, hi, _ := r.Window(1); hi-lo > 14 {
			t.Fatalf("window (%d, %d] has grown", lo, hi)
		}
	}
	for range 4 {
		r.CycleEnd()
	}
	if r.State(1) != Removed {
		t.Error("a rumor that nobody answers lives for ever")
	}
}

func TestReheatOnce(t *testing.T) {
	p := pushCounter(1)
	p.Redistribute = true
	r := newTable(1, p)
	if r.Reheat(1, 0, 1) {
		t.Error("news that was never learned became hot")
	}
	r.Learned(1, 0, 1, 0, 0)
	cool := func() { r.contact(1, 0, Known, 0); r.CycleEnd() }
	cool()
	if !r.Reheat(1, 0, 1) || r.State(1) != Infective {
		t.Error("not hot again")
	}
	cool()
	if r.Reheat(1, 0, 1) || r.State(1) != Removed {
		t.Error("hot a third time")
	}
}

func TestForgedFeedback(t *testing.T) {
	r := newTable(2, pushCounter(1))
	r.Learned(1, 0, 5, 0, 0)
	if r.Feedback(1, 5, 2, Known, 0) != Ignored || r.State(1) != Infective {
		t.Error("an answer to nothing counted")
	}
	r.contact(1, 2, Known, 0)
	r.CycleEnd()
	r.Sent(1)
	for _, k := range []Kind{0, Needed, Known, Gap, Refused, Shown, 200} {
		r.Feedback(1, 5, 2, k, 0)
		r.Shown(1, 5, 2, 0)
		r.Learned(1, 0, 5, 2, 0)
		r.CycleEnd()
		if r.State(1) != Removed || r.Hot() != 0 {
			t.Fatalf("kind %d brought a removed rumor back", k)
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	p := pushCounter(1)
	p.Limit, p.Hunt = 2, 1
	r := newTable(1, p)
	for i, accepts := range []bool{true, true, false} { // a limit of 2
		if r.Accept() != accepts {
			t.Errorf("connection %d: accepted is not %v", i+1, accepts)
		}
	}
	r.CycleEnd()
	if !r.Accept() {
		t.Error("the limit is not for each cycle")
	}
	if !r.Hunts(1) || r.Hunts(2) {
		t.Error("hunt 1 does not try one more")
	}
}

// Any calls: the hot list and the rumors agree, nothing grows, and only news
// makes a rumor hot.
func TestTableInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const origins = 6
		p := rapid.SampledFrom([]tune.RumorPolicy{
			pushCounter(2), tune.Demers(tune.ShapePull, tune.LossCoin, false, 2), tune.Karp(100),
			{Shape: tune.ShapePushPull, K: 3, Minimize: true, Age: 2},
			{K: 2, Blind: true, Redistribute: true},
			{K: 1, Immediate: true, Limit: 1, Hunt: tune.HuntForever},
		}).Draw(t, "policy")
		r := newTable(origins, p)
		var max [origins + 1]uint64
		var dst [4]Offer
		for range rapid.IntRange(1, 80).Draw(t, "calls") {
			o := rapid.Uint32Range(1, origins).Draw(t, "origin")
			v := rapid.Uint64Range(0, 9).Draw(t, "version")
			peer := rapid.Uint32Range(0, 4).Draw(t, "peer")
			was := r.State(o)
			switch rapid.IntRange(0, 7).Draw(t, "call") {
			case 0:
				if r.Learned(o, v, v+1, peer, 1) != (v+1 > max[o]) {
					t.Fatal("Learned renewed old news or refused new")
				}
				max[o] = maxOf(max[o], v+1)
				was = Infective
			case 1:
				r.Sent(o)
			case 2:
				r.Feedback(o, v, peer, Kind(rapid.IntRange(0, 6).Draw(t, "kind")), uint8(v))
			case 3:
				r.Shown(o, v, peer, Removal)
			case 4:
				r.CycleEnd()
			case 5:
				if r.Reheat(o, 0, v) {
					was = Infective
				}
			case 6:
				for _, of := range dst[:r.Select(peer, dst[:])] {
					if of.Lo > of.Hi || of.Hi != max[of.Origin] || r.State(of.Origin) != Infective {
						t.Fatalf("offer %+v", of)
					}
				}
			case 7:
				r.Forget(o)
				max[o], was = 0, Susceptible
			}
			if r.State(o) == Infective && was != Infective {
				t.Fatal("became hot without news")
			}
			checkTable(t, r)
		}
	})
}

func maxOf(a, b uint64) uint64 { return max(a, b) }

func checkTable(t *rapid.T, r *Table) {
	hot := 0
	for o := 1; o < len(r.rumors); o++ {
		if at := r.rumors[o].at; at != 0 {
			hot++
			if r.hot[at-1] != uint32(o) {
				t.Fatalf("origin %d is not in its place", o)
			}
		}
	}
	if hot != r.Hot() || cap(r.hot) != len(r.rumors)-1 {
		t.Fatalf("%d hot, list of %d, capacity %d", hot, r.Hot(), cap(r.hot))
	}
}

func TestTableAllocates(t *testing.T) {
	r := newTable(100, pushCounter(2))
	var dst [8]Offer
	v := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		v++
		r.Learned(uint32(v%100)+1, v, v+1, 3, 0)
		for _, o := range dst[:r.Select(2, dst[:])] {
			r.Sent(o.Origin)
			r.Feedback(o.Origin, o.Hi, 2, Known, 0)
		}
		r.CycleEnd()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLearnSelectFeedback(b *testing.B) {
	r := newTable(1000, pushCounter(3))
	var dst [4]Offer
	b.ReportAllocs()
	v := uint64(0)
	for b.Loop() {
		v++
		r.Learned(uint32(v%1000)+1, v, v+1, 3, 0)
		for _, o := range dst[:r.Select(2, dst[:])] {
			r.Sent(o.Origin)
			r.Feedback(o.Origin, o.Hi, 2, Known, 0)
		}
		if v%64 == 0 {
			r.CycleEnd()
		}
	}
}

func BenchmarkCycleEnd1000Hot(b *testing.B) {
	p := pushCounter(200)
	r := newTable(1000, p)
	for o := uint32(1); o <= 1000; o++ {
		r.Learned(o, 0, 1, 0, 0)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.CycleEnd()
	}
}

// TestAnswersAreToOffersOfNow: so many answers count as offers of the newest news left, whatever was
// offered of older news and came to nothing.
func TestAnswersAreToOffersOfNow(t *testing.T) {
	for offers := range 4 {
		r := newTable(1, pushCounter(4))
		r.Learned(1, 0, 5, 0, 0)
		for range 3 {
			r.Sent(1)
		}
		r.Learned(1, 5, 8, 0, 0)
		for range offers {
			r.Sent(1)
		}
		counted := 0
		for peer := range uint32(8) {
			if r.Feedback(1, 8, peer+1, Known, 0) != Ignored {
				counted++
			}
		}
		if counted != offers {
			t.Errorf("%d offers of the newest news left, and %d answers count", offers, counted)
		}
	}
}
