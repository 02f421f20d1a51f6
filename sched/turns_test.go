package sched

import (
	"slices"
	"testing"
)

// Turns against a slice, for random pushes and pops.
func TestTurnsAgainstASlice(t *testing.T) {
	const seed, handles = 7, 9
	var r Rand
	r.Seed(seed)
	var q Turns
	q.Init(handles)
	var model []uint32
	for step := range 10_000 {
		if h := r.Uint32n(2 * handles); h > handles {
			q.Pop()
			model = model[min(1, len(model)):]
		} else if h > 0 {
			q.Push(h)
			if !slices.Contains(model, h) {
				model = append(model, h)
			}
		}
		first := uint32(0)
		if len(model) > 0 {
			first = model[0]
		}
		if q.First() != first {
			t.Fatalf("seed %d, step %d: first is %d, want %d", seed, step, q.First(), first)
		}
		for h := uint32(1); h <= handles; h++ {
			if q.Has(h) != slices.Contains(model, h) {
				t.Fatalf("seed %d, step %d: has %d: %v", seed, step, h, q.Has(h))
			}
		}
	}
}
