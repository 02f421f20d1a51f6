package ring

import "testing"

// A queue gives values back in order, at any fill, and refuses what is too much.
func TestQueueInOrder(t *testing.T) {
	const size = 5
	var q Queue[int]
	q.Init(size)
	in, out := 0, 0
	for round := range 100 {
		for range 1 + round%7 {
			if full := q.Len() == size; q.Push(in) == full {
				t.Fatalf("with %d waiting, Push says %v", q.Len(), full)
			} else if !full {
				in++
			} else if !q.Lost() || q.Lost() {
				t.Fatal("what is lost is not told once")
			}
		}
		for range 1 + round%3 {
			v := -1
			if ok := q.Pop(&v); ok != (out < in) || ok && v != out {
				t.Fatalf("popped %d %v, want %d of %d", v, ok, out, in)
			} else if ok {
				out++
			}
		}
	}
}

func TestQueueDoesNotAllocate(t *testing.T) {
	var q Queue[[3]uint64]
	q.Init(4)
	var v [3]uint64
	if n := testing.AllocsPerRun(100, func() {
		q.Push(v)
		q.Pop(&v)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
