package flowcontrol

// Summary is a run in a few numbers. Rates are updates a second of each
// participant.
type Summary struct {
	Nodes           int     `json:"nodes"`
	Order           string  `json:"order"`
	CapacityBefore  float64 `json:"capacity_before"`
	CapacityAfter   float64 `json:"capacity_after"`
	RateBefore      float64 `json:"rate_before"`        // mean over 60 to 90 s
	RateAfter       float64 `json:"rate_after"`         // mean over 140 to 180 s
	RatePeak        float64 `json:"rate_peak"`          // largest mean of all participants
	Undershoot      float64 `json:"undershoot"`         // how far below rate_after the rate fell after 90 s
	RecoverySeconds float64 `json:"recovery_s"`         // after 90 s until staleness stays near what it was
	StaleBefore     float64 `json:"staleness_before_s"` // largest, mean over 60 to 90 s
	StalePeak       float64 `json:"staleness_peak_s"`   // after 90 s
	StaleEnd        float64 `json:"staleness_end_s"`    // mean over 140 to 180 s
	Jain            float64 `json:"jain"`               // of the updates that each made in 30 s; mean over both spans
}

// Summarize reduces the samples of a run.
func Summarize(p Plan, order string, all []Sample) Summary {
	p.fill()
	s := Summary{
		Nodes: p.Nodes, Order: order,
		CapacityBefore: Capacity(p.Nodes, p.MTU), CapacityAfter: Capacity(p.Nodes, p.MTU/2),
	}
	late := p.Half + (p.End-p.Half)*5/9 // 140 of 90 to 180
	s.RateBefore = mean(all, p.Half-30, p.Half, func(x Sample) float64 { return x.Rate })
	s.RateAfter = mean(all, late, p.End, func(x Sample) float64 { return x.Rate })
	s.StaleBefore = mean(all, p.Half-30, p.Half, func(x Sample) float64 { return x.Staleness })
	s.StaleEnd = mean(all, late, p.End, func(x Sample) float64 { return x.Staleness })
	jain := func(x Sample) float64 { return x.Jain }
	s.Jain = (mean(all, p.Half-1, p.Half, jain) + mean(all, late, p.End, jain)) / 2
	least := s.RateAfter
	for _, x := range all {
		s.RatePeak = max(s.RatePeak, x.Rate)
		if x.Second <= p.Half {
			continue
		}
		least = min(least, x.Rate)
		s.StalePeak = max(s.StalePeak, x.Staleness)
		if x.Staleness > 1.5*s.StaleBefore+1 {
			s.RecoverySeconds = float64(x.Second - p.Half)
		}
	}
	s.Undershoot = s.RateAfter - least
	return s
}

func mean(all []Sample, from, to int, f func(Sample) float64) (m float64) {
	n := 0
	for _, x := range all {
		if x.Second > from && x.Second <= to {
			m += f(x)
			n++
		}
	}
	return m / float64(max(1, n))
}
