package sched

import (
	"slices"
	"testing"
)

// A pick has no more than was asked for, than there are, and than there is room for;
// all of it is of the list, and each handle comes up as often as the others.
func TestSampler(t *testing.T) {
	const seed, rounds = 3, 9000
	var r Rand
	r.Seed(seed)
	var s Sampler
	s.Init(4)
	count := map[uint32]int{}
	for range rounds {
		s.Reset()
		for h := uint32(1); h <= 6; h++ {
			s.Add(h)
		}
		picked := s.Pick(&r, 3)
		for i, h := range picked {
			if slices.Contains(picked[:i], h) || !slices.Contains(s.All(), h) {
				t.Fatalf("seed %d: picked %v", seed, picked)
			}
			count[h]++
		}
		if len(picked) != 3 || len(s.Pick(&r, 9)) != 4 {
			t.Fatal("too few or too many")
		}
	}
	for h, n := range count {
		if n < rounds*45/100 || n > rounds*55/100 {
			t.Errorf("seed %d: %d came up %d times of %d", seed, h, n, rounds)
		}
	}
	if s.Reset(); len(s.Pick(&r, 3)) != 0 {
		t.Error("something of nothing")
	}
}
