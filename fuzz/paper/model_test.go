package paper

import (
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// The model is the same experiment without engines: arrays of versions, and
// exchanges that happen at an instant. It checks that what the engines show is
// the algorithms' doing, and it is where the choices that the paper leaves open
// were tried. TestVariants with -paper.variants prints those.

var variantsFlag = flag.Int("paper.variants", 0, "seeds of each variant that TestVariants prints")

type model struct {
	Plan
	rnd  *rand.Rand
	have [][][]uint64 // version by replica, author, key
	max  [][]uint64   // by replica, author
	made [][][]uint64 // versions by author, key
	at   [][]float64  // by author, version - 1
	turn [][]int      // what is left of a participant's round
}

type modelDelta struct {
	author, key int
	version     uint64
	at          float64
}

func (m *model) set(q int, d modelDelta) {
	m.have[q][d.author][d.key] = max(m.have[q][d.author][d.key], d.version)
	m.max[q][d.author] = max(m.max[q][d.author], d.version)
}

func (m *model) write(p int, now float64) {
	k := m.rnd.IntN(m.Keys)
	m.at[p] = append(m.at[p], now)
	v := uint64(len(m.at[p]))
	m.made[p][k] = append(m.made[p][k], v)
	m.set(p, modelDelta{p, k, v, now})
}

// delta is what s sends to q: at most limit entries.
func (m *model) delta(s, q, limit int) (out []modelDelta) {
	var lists [][]modelDelta
	for p := range m.Nodes {
		var l []modelDelta
		for k, v := range m.have[s][p] {
			if known := m.have[q][p][k]; m.Order.Precise() && v > known || !m.Order.Precise() && v > m.max[q][p] {
				l = append(l, modelDelta{p, k, v, m.at[p][v-1]})
			}
		}
		slices.SortFunc(l, func(a, b modelDelta) int { return cmp.Compare(a.version, b.version) })
		if len(l) > 0 {
			lists = append(lists, l)
		}
	}
	m.rnd.Shuffle(len(lists), func(i, j int) { lists[i], lists[j] = lists[j], lists[i] })
	switch m.Order {
	case tune.OrderDepth:
		slices.SortStableFunc(lists, func(a, b []modelDelta) int { return len(b) - len(a) })
		for _, l := range lists {
			if len(out) >= limit {
				break
			}
			out = append(out, l...)
		}
		if !m.Cut {
			return out
		}
	case tune.OrderBreadth:
		for rank := 0; rank < m.Keys; rank++ {
			for _, l := range lists {
				if rank < len(l) {
					out = append(out, l[rank])
				}
			}
		}
	default:
		out = slices.Concat(lists...)
		slices.SortFunc(out, func(a, b modelDelta) int { return cmp.Compare(a.at, b.at) })
		if m.Order == tune.OrderPreciseNewest {
			slices.Reverse(out)
		}
	}
	return out[:min(limit, len(out))]
}

func (m *model) exchange(a, b, limit int) {
	there, back := m.delta(a, b, limit), m.delta(b, a, limit)
	for _, d := range there {
		m.set(b, d)
	}
	for _, d := range back {
		m.set(a, d)
	}
}

// partner is whom p calls; ring is this second's even choice.
func (m *model) partner(p int, ring []int) int {
	switch m.Partners {
	case Even:
		return ring[(slices.Index(ring, p)+1)%m.Nodes]
	case Uniform:
		return (p + 1 + m.rnd.IntN(m.Nodes-1)) % m.Nodes
	}
	for {
		if len(m.turn[p]) == 0 {
			m.turn[p] = m.rnd.Perm(m.Nodes)
		}
		q := m.turn[p][0]
		m.turn[p] = m.turn[p][1:]
		if q != p {
			return q
		}
	}
}

// runModel makes one run.
func runModel(p Plan) (samples []Sample) {
	p.fill()
	m := &model{Plan: p, rnd: rand.New(rand.NewPCG(p.Seed, 2))}
	m.at, m.turn = make([][]float64, p.Nodes), make([][]int, p.Nodes)
	writes, calls := make([]float64, p.Nodes), make([]float64, p.Nodes)
	for i := range p.Nodes {
		m.max = append(m.max, make([]uint64, p.Nodes))
		m.made = append(m.made, make([][]uint64, p.Keys))
		m.have = append(m.have, nil)
		for range p.Nodes {
			m.have[i] = append(m.have[i], make([]uint64, p.Keys))
		}
		writes[i], calls[i] = m.rnd.Float64(), m.rnd.Float64()
	}
	for s := range p.End {
		limit, period := 1<<30, 1.0
		if s >= p.Limit {
			limit = p.MTU
		}
		if s >= p.Double && s < p.Single {
			period = 0.5
		}
		ring := m.rnd.Perm(p.Nodes)
		for {
			w, c := slices.Index(writes, slices.Min(writes)), slices.Index(calls, slices.Min(calls))
			if min(writes[w], calls[c]) >= float64(s+1) {
				break
			}
			if calls[c] < writes[w] || s >= p.Stop {
				m.exchange(c, m.partner(c, ring), limit)
				calls[c] += 0.875 + m.rnd.Float64()/4
				continue
			}
			m.write(w, writes[w])
			writes[w] += period * (0.5 + m.rnd.Float64())
		}
		if s+1 >= p.Stop {
			for i := range writes {
				writes[i] = float64(p.End + 1)
			}
		}
		samples = append(samples, m.sample(s+1))
	}
	return samples
}

func (m *model) sample(s int) Sample {
	oldest, stale := float64(s), 0
	for q := range m.Nodes {
		for p, keys := range m.made {
			for k, made := range keys {
				i := len(made)
				for i > 0 && made[i-1] > m.have[q][p][k] {
					i--
				}
				if i < len(made) {
					stale++
					oldest = min(oldest, m.at[p][made[i]-1])
				}
			}
		}
	}
	return Sample{Second: s, Staleness: float64(s) - oldest, Stale: float64(stale) / float64(m.Nodes)}
}

// TestModelAgrees: engines and model have the same number of stale mappings
// when the load is doubled, and before.
func TestModelAgrees(t *testing.T) {
	for _, o := range Orderings() {
		if o.Name == "fair" {
			continue // ours alone
		}
		p := small(o)
		samples, err := Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		p.fill()
		got, want := Summarize(p, o.Name, samples), Summarize(p, o.Name, runModel(p))
		t.Logf("%s: engines %.0f and %.0f stale, peak %.1f s; model %.0f and %.0f, %.1f s", o.Name,
			got.StaleBase, got.StaleTop, got.Peak, want.StaleBase, want.StaleTop, want.Peak)
		if r := got.StaleTop / want.StaleTop; r < 0.85 || r > 1.15 {
			t.Errorf("%s: %.0f stale mappings, the model has %.0f", o.Name, got.StaleTop, want.StaleTop)
		}
		if r := got.StaleBase / want.StaleBase; r < 0.8 || r > 1.25 {
			t.Errorf("%s: %.0f stale mappings without load, the model has %.0f", o.Name, got.StaleBase, want.StaleBase)
		}
	}
}

func TestVariants(t *testing.T) {
	for by := Even; by <= Uniform; by++ {
		for _, o := range Orderings() {
			if o.Name == "fair" {
				continue
			}
			var peaks []float64
			for seed := range *variantsFlag {
				s := Summarize(Plan{}, o.Name, runModel(Plan{Ordering: o, Seed: uint64(seed + 1), Partners: by}))
				peaks = append(peaks, s.Peak)
			}
			if len(peaks) > 0 {
				t.Logf("%-8v %-18s %.0f s; the paper's %.0f s", by, o.Name, peaks, publishedPeaks[o.Name])
			}
		}
	}
}
