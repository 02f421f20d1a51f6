package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type due struct {
	at    Instant
	order int
}

func (d due) Before(o due) bool { return d.at < o.at || d.at == o.at && d.order < o.order }

// A heap gives what a sorted list gives, whatever is pushed between two pops.
func TestHeapAgainstASortedList(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var h Heap[due]
	var model []due
	compare := func(a, b due) int {
		switch {
		case a.Before(b):
			return -1
		case b.Before(a):
			return 1
		}
		return 0
	}
	for i := range 20000 {
		switch {
		case len(model) == 0 || r.IntN(2) == 0:
			d := due{Instant(r.IntN(50)), i}
			h.Push(d)
			at, _ := slices.BinarySearchFunc(model, d, compare)
			model = slices.Insert(model, at, d)
		case r.IntN(200) == 0:
			r.Shuffle(len(h), func(i, j int) { h[i], h[j] = h[j], h[i] })
			h.Init()
		default:
			if got := h.Pop(); got != model[0] {
				t.Fatalf("step %d: %v, want %v", i, got, model[0])
			}
			model = model[1:]
		}
		if len(h) != len(model) || len(h) > 0 && h[0] != model[0] {
			t.Fatalf("step %d: the top differs", i)
		}
	}
}

func TestHeapDoesNotAllocate(t *testing.T) {
	h := make(Heap[due], 0, 64)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		for len(h) < cap(h) {
			i++
			h.Push(due{Instant(i * 7919 % 101), i})
		}
		for len(h) > 0 {
			h.Pop()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
