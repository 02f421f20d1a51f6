package paper

import "fmt"

// Summary is a run in a few numbers.
type Summary struct {
	Name      string  `json:"name"`
	Peak      float64 `json:"peak_staleness_s"`
	PeakAt    int     `json:"peak_at_s"`
	Published float64 `json:"published_peak_s,omitempty"`
	PeakAge   float64 `json:"peak_age_s"`        // of the author's newest update among those that somebody lacks
	Baseline  float64 `json:"baseline_s"`        // largest staleness before the load, in the mean
	StaleBase float64 `json:"baseline_stale"`    // stale mappings before the load, in the mean
	StaleTop  float64 `json:"stale_at_the_end"`  // when the double load ends
	Growth    float64 `json:"stale_growth"`      // mappings a second, from the double load on to its end
	Recovered int     `json:"recovered_after_s"` // after the double load until staleness is below twice the baseline for calmSeconds
	Zero      int     `json:"zero_after_s"`      // after the last update until nothing is stale; -1: not before the end
}

// Summarize reduces the samples of a run.
func Summarize(p Plan, name string, all []Sample) Summary {
	p.fill()
	s := Summary{Name: name, Zero: -1}
	if p.Published() {
		s.Published = publishedPeaks[name]
	}
	n := 0.0
	for _, x := range all {
		if x.Second > 5 && x.Second <= p.Limit {
			s.Baseline, s.StaleBase = s.Baseline+x.Staleness, s.StaleBase+x.Stale
			n++
		}
		if x.Staleness > s.Peak {
			s.Peak, s.PeakAt = x.Staleness, x.Second
		}
		s.PeakAge = max(s.PeakAge, x.Age)
	}
	s.Baseline, s.StaleBase = s.Baseline/max(1, n), s.StaleBase/max(1, n)
	s.StaleTop = at(all, p.Single).Stale
	s.Growth = (s.StaleTop - at(all, p.Double).Stale) / float64(p.Single-p.Double)
	s.Recovered = recovered(p, all, 2*s.Baseline)
	for _, x := range all {
		if x.Second > p.Stop && x.Stale == 0 {
			s.Zero = x.Second - p.Stop
			break
		}
	}
	return s
}

// calmSeconds is how long staleness stays below a bound until a run has recovered. The largest
// staleness is one key at one participant: where what is left is newest first, one update now and
// then waits for a few seconds also at the load that can be carried, and that is no relapse.
const calmSeconds = 10

// recovered is after how many seconds of single load staleness is below a bound, and stays there.
func recovered(p Plan, all []Sample, bound float64) (after int) {
	calm := 0
	for _, x := range all {
		switch {
		case x.Second <= p.Single:
		case x.Staleness > bound:
			calm, after = 0, x.Second+1-p.Single
		default:
			if calm++; calm == calmSeconds {
				return after
			}
		}
	}
	return after
}

func at(all []Sample, second int) Sample {
	for _, x := range all {
		if x.Second == second {
			return x
		}
	}
	return Sample{}
}

// Shape says in what the runs differ from the shape of the paper's figure: the
// order of the peaks, who recovers before the updates stop, and that all end
// fresh. Orderings that were not run are not missed.
func Shape(p Plan, all []Summary) (off []string) {
	p.fill()
	of := map[string]Summary{}
	for _, s := range all {
		of[s.Name] = s
	}
	rise := []string{"scuttle-depth", "precise-oldest", "scuttle-breadth", "precise-newest"}
	for i, low := range rise {
		for _, high := range rise[i+1:] {
			a, b := of[low], of[high]
			if a.Name != "" && b.Name != "" && a.Peak >= b.Peak {
				off = append(off, fmt.Sprintf("%s peaks at %.1f s, %s at %.1f s", low, a.Peak, high, b.Peak))
			}
		}
	}
	for _, soon := range []string{"scuttle-depth", "precise-newest"} {
		for _, late := range []string{"precise-oldest", "scuttle-breadth"} {
			a, b := of[soon], of[late]
			if a.Name != "" && b.Name != "" && a.Recovered >= b.Recovered {
				off = append(off, fmt.Sprintf("%s recovers %d s after the double load, %s %d s", soon, a.Recovered, late, b.Recovered))
			}
		}
	}
	for _, s := range all {
		if s.Zero < 0 || s.Zero > 10 {
			off = append(off, fmt.Sprintf("%s is not fresh 10 s after the last update", s.Name))
		}
	}
	return off
}
