package flow

import (
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

// mesh is a cluster of sources without anything around them.
type mesh struct {
	s     []Source
	pairs [][]Pair
	now   sched.Instant
}

func newMesh(n int, plan Plan) *mesh {
	m := &mesh{s: make([]Source, n), pairs: make([][]Pair, n)}
	for i := range m.s {
		m.s[i].Init(plan)
		m.pairs[i] = make([]Pair, n)
	}
	return m
}

func (m *mesh) told(from, to int) (h codec.Rates) {
	m.s[from].Tell(&m.pairs[from][to], &h, false)
	return h
}

func (m *mesh) hear(to, from int, h *codec.Rates, fresh bool) bool {
	return m.s[to].Meet(m.now, &m.pairs[to][from], h, fresh, len(m.s)-1, sched.Second)
}

// exchange lets two nodes tell each other until neither has to say more.
func (m *mesh) exchange(p, q int) {
	for range 4 {
		h := m.told(p, q)
		again := m.hear(q, p, &h, true)
		h = m.told(q, p)
		if !m.hear(p, q, &h, true) && !again {
			return
		}
	}
}

// total is all rate, and what is on its way.
func (m *mesh) total() (sum int64) {
	for i := range m.s {
		sum += int64(m.s[i].tau)
		for j := range m.pairs[i] {
			sum += m.pairs[i][j].given - m.pairs[j][i].taken
		}
	}
	return sum
}

func (m *mesh) agree() bool {
	for i := range m.pairs {
		for j := range m.pairs {
			if m.pairs[i][j].given != m.pairs[j][i].taken {
				return false
			}
		}
	}
	return true
}

// TestPairVectors runs the vectors through two sources and their ledgers.
func TestPairVectors(t *testing.T) {
	f := func(tauP, tauQ, rhoP, rhoQ, wantP, wantQ uint32) {
		t.Helper()
		m := newMesh(2, PaperPlan(1000, sched.Second))
		m.s[0].tau, m.s[1].tau = tauP*1000, tauQ*1000
		m.s[0].Want(0, rhoP*1000)
		m.s[1].Want(0, rhoQ*1000)
		m.exchange(0, 1)
		if m.s[0].tau != wantP*1000 || m.s[1].tau != wantQ*1000 || !m.agree() {
			t.Errorf("τ %d %d ρ %d %d: %d %d", tauP, tauQ, rhoP, rhoQ, m.s[0].tau, m.s[1].tau)
		}
	}
	f(4, 2, 1, 1, 3, 3)
	f(4, 2, 1, 3, 2, 4)
	f(4, 2, 5, 5, 3, 3)
	f(4, 2, 1, 9, 1, 5)
	f(4, 2, 9, 1, 5, 1)
	f(0, 6, 3, 3, 3, 3)
}

// TestSumIsKept: whatever is lost, doubled or reordered, rate is neither made
// nor lost, and once frames arrive again both ledgers of every pair agree.
func TestSumIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "nodes")
		m := newMesh(n, PaperPlan(1_000_000, sched.Second))
		for i := range m.s {
			m.s[i].tau = rapid.Uint32Range(0, 1_000_000).Draw(t, "tau")
			m.s[i].Want(0, rapid.Uint32Range(0, 2_000_000).Draw(t, "rho"))
		}
		sum := m.total()
		type flight struct {
			from, to, seq int
			h             codec.Rates
		}
		var air []flight
		sent, heard := map[[2]int]int{}, map[[2]int]int{}
		deliver := func(f flight) {
			way := [2]int{f.from, f.to}
			fresh := f.seq > heard[way]
			heard[way] = max(heard[way], f.seq)
			m.hear(f.to, f.from, &f.h, fresh)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.now += sched.Second
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				p := rapid.IntRange(0, n-1).Draw(t, "p")
				q := (p + rapid.IntRange(1, n-1).Draw(t, "q")) % n
				sent[[2]int{p, q}]++
				air = append(air, flight{p, q, sent[[2]int{p, q}], m.told(p, q)})
			case 2: // any frame on its way arrives, and perhaps stays to arrive again
				if len(air) > 0 {
					i := rapid.IntRange(0, len(air)-1).Draw(t, "which")
					deliver(air[i])
					if rapid.Bool().Draw(t, "once") {
						air = append(air[:i], air[i+1:]...)
					}
				}
			case 3:
				m.s[rapid.IntRange(0, n-1).Draw(t, "who")].Want(0, rapid.Uint32Range(0, 2_000_000).Draw(t, "rho"))
			}
			if got := m.total(); got != sum {
				t.Fatalf("the sum is %d, was %d", got, sum)
			}
		}
		for p := range n { // the ledgers settle without another gift
			for q := range n {
				if p != q {
					h := m.told(p, q)
					m.s[q].take(m.now, &m.pairs[q][p], &h, true)
				}
			}
		}
		var tau int64
		for i := range m.s {
			tau += int64(m.s[i].tau)
		}
		if !m.agree() || tau != sum {
			t.Fatalf("settled at %d of %d", tau, sum)
		}
	})
}

// jain is Jain's index of fairness: 1 when all are equal, 1/n when one has all.
func jain(x []float64) float64 {
	var sum, square float64
	for _, v := range x {
		sum += v
		square += v * v
	}
	return sum * sum / (float64(len(x)) * square)
}

// gossip lets every node meet a random other one, once a second.
func (m *mesh) gossip(rnd *rand.Rand, seconds int) {
	n := len(m.s)
	for range seconds {
		m.now += sched.Second
		for p := range n {
			m.exchange(p, (p+1+rnd.IntN(n-1))%n)
		}
	}
}

// TestFairWithoutCoordinator: 64 nodes, everything allowed to one of them at
// first, half of them idle. The wanting half ends up with all, evenly.
func TestFairWithoutCoordinator(t *testing.T) {
	const n = 64
	rnd := rand.New(rand.NewPCG(3, 4))
	m := newMesh(n, PaperPlan(1000, sched.Second))
	m.s[0].tau = 320_000
	for i := range n / 2 {
		m.s[i].Want(0, 1_000_000)
	}
	m.gossip(rnd, 400)
	var busy []float64
	var idle uint32
	for i := range m.s {
		if i < n/2 {
			busy = append(busy, float64(m.s[i].tau))
		} else {
			idle += m.s[i].tau
		}
	}
	t.Logf("Jain %.4f, idle nodes keep %d of 320000", jain(busy), idle)
	if jain(busy) < 0.99 || idle > 3200 {
		t.Errorf("Jain %.4f, idle nodes keep %d of 320000", jain(busy), idle)
	}
}

// TestLiar: a node that always says that it wants all and has nothing, and
// admits whatever it was given, does not starve the others.
func TestLiar(t *testing.T) {
	const n, fair = 32, 4000
	rnd := rand.New(rand.NewPCG(5, 6))
	m := newMesh(n, PaperPlan(1000, sched.Second))
	for i := range m.s {
		m.s[i].tau = fair
		m.s[i].Want(fair, 1_000_000)
	}
	taken := func(i int) int64 { return m.pairs[i][0].given }
	for range 300 {
		m.now += sched.Second
		for p := 1; p < n; p++ {
			m.exchange(p, 1+(p+rnd.IntN(n-2))%(n-1))
			for range 20 { // and the liar tells everybody, all the time
				h := codec.Rates{Rho: 1 << 31, Tau: 0, Taken: taken(p)}
				m.hear(p, 0, &h, true)
			}
		}
	}
	var least uint32 = 1 << 31
	for p := 1; p < n; p++ {
		least = min(least, m.s[p].tau)
	}
	t.Logf("the poorest honest node has %d of %d", least, fair)
	if least < fair*9/10 {
		t.Errorf("the poorest honest node has %d of %d", least, fair)
	}
	if m.s[1].Clamped == 0 {
		t.Error("absurd wishes are not counted")
	}
}

// TestAbsurdLedger: gifts beyond the limit, and ledgers that run backwards.
func TestAbsurdLedger(t *testing.T) {
	m := newMesh(2, PaperPlan(10, sched.Second))
	m.s[0].tau = 5000
	m.s[0].Want(5000, 9000)
	for _, given := range []int64{1 << 62, -1 << 63, 1<<63 - 1, -5, 0} {
		for _, taken := range []int64{1 << 62, -1 << 63, 0} {
			h := codec.Rates{Rho: 1<<32 - 1, Tau: 1<<32 - 1, Given: given, Taken: taken}
			m.hear(0, 1, &h, true)
			if m.s[0].tau > 10_000 {
				t.Fatalf("τ = %d beyond the limit", m.s[0].tau)
			}
		}
	}
	if m.s[0].Clamped == 0 || m.s[0].Spilled == 0 {
		t.Error("not counted")
	}
}
