package ring

import (
	"runtime"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// queue is what the two queues have in common, for the tests only.
type queue interface {
	Push(int) bool
	Pop() (int, bool)
	PopN([]int) int
	Cap() int
}

func newSPSC(size int) queue {
	q := new(SPSC[int])
	q.Init(size)
	return q
}

func newMPSC(size int) queue {
	q := new(MPSC[int])
	q.Init(size)
	return q
}

func TestSPSCAgainstSlice(t *testing.T) { againstSlice(t, newSPSC) }
func TestMPSCAgainstSlice(t *testing.T) { againstSlice(t, newMPSC) }

func againstSlice(t *testing.T, make func(int) queue) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 9).Draw(t, "size")
		q := make(size)
		if q.Cap() < max(size, 1) || q.Cap() > 2*max(size, 1) {
			t.Fatalf("room for %d when %d were asked for", q.Cap(), size)
		}
		var model []int
		pushed := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 12).Draw(t, "times") {
					pushed++
					if got, want := q.Push(pushed), len(model) < q.Cap(); got != want {
						t.Fatalf("Push = %v with %d of %d", got, len(model), q.Cap())
					} else if got {
						model = append(model, pushed)
					}
				}
			},
			"pop": func(t *rapid.T) {
				v, ok := q.Pop()
				if ok != (len(model) > 0) || ok && v != model[0] {
					t.Fatalf("Pop = %d, %v; model %v", v, ok, model)
				}
				model = model[min(1, len(model)):]
			},
			"popN": func(t *rapid.T) {
				var dst [20]int
				want := rapid.IntRange(0, len(dst)).Draw(t, "n")
				n := q.PopN(dst[:want])
				if n != min(want, len(model)) {
					t.Fatalf("PopN(%d) = %d of %d", want, n, len(model))
				}
				for i := range n {
					if dst[i] != model[i] {
						t.Fatalf("PopN: %v; model %v", dst[:n], model)
					}
				}
				model = model[n:]
			},
			"": func(t *rapid.T) {
				switch q := q.(type) {
				case *SPSC[int]:
					if q.Len() != len(model) {
						t.Fatalf("Len = %d, want %d", q.Len(), len(model))
					}
				case *MPSC[int]:
					if q.Empty() != (len(model) == 0) {
						t.Fatalf("Empty = %v with %d", q.Empty(), len(model))
					}
				}
			},
		})
	})
}

func TestSPSCStress(t *testing.T) { stress(t, newSPSC(8), 1) }
func TestMPSCStress(t *testing.T) { stress(t, newMPSC(8), 4) }

// stress sends numbers from some producers through a queue that is mostly full
// or mostly empty: each arrives once and each producer's in order. Under the
// race detector it also shows that the hand-over is a happens-before edge.
func stress(t *testing.T, q queue, producers int) {
	const each = 5000
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				for !q.Push(i*producers + p) {
					runtime.Gosched()
				}
			}
		})
	}
	next := make([]int, producers)
	dst := make([]int, 5)
	for got := 0; got < each*producers; {
		n := 1
		if got%2 == 0 {
			n = q.PopN(dst)
		} else if v, ok := q.Pop(); ok {
			dst[0] = v
		} else {
			n = 0
		}
		if n == 0 {
			runtime.Gosched()
		}
		for _, v := range dst[:n] {
			p := v % producers
			if v/producers != next[p] {
				t.Fatalf("producer %d: %d came, want %d", p, v/producers, next[p])
			}
			next[p]++
		}
		got += n
	}
	wg.Wait()
	if v, ok := q.Pop(); ok {
		t.Errorf("%d is left over", v)
	}
}

// What was popped is not kept alive by the queue.
func TestPopForgets(t *testing.T) {
	var s SPSC[*int]
	var m MPSC[*int]
	s.Init(2)
	m.Init(2)
	for range 3 {
		s.Push(new(int))
		s.Push(new(int))
		m.Push(new(int))
		s.Pop()
		s.PopN(make([]*int, 2))
		m.Pop()
	}
	for i := range 2 {
		if s.slots[i] != nil || m.slots[i].value != nil {
			t.Errorf("slot %d still points somewhere", i)
		}
	}
}

func TestQueueAllocs(t *testing.T) {
	var s SPSC[[4]uint64]
	var m MPSC[[4]uint64]
	s.Init(8)
	m.Init(8)
	var dst [4][4]uint64
	if got := testing.AllocsPerRun(1000, func() {
		s.Push(dst[0])
		m.Push(dst[1])
		s.PopN(dst[:])
		m.PopN(dst[:])
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkSPSC(b *testing.B) {
	var q SPSC[uint64]
	q.Init(64)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(1)
		q.Pop()
	}
}

func BenchmarkMPSC(b *testing.B) {
	var q MPSC[uint64]
	q.Init(64)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(1)
		q.Pop()
	}
}

// One op is one element that goes from another goroutine to this one.
func BenchmarkSPSCAcross(b *testing.B) {
	var q SPSC[uint64]
	q.Init(1024)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := uint64(0); ; i++ {
			for !q.Push(i) {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched()
				}
			}
		}
	}()
	var dst [64]uint64
	have := 0
	b.ReportAllocs()
	for b.Loop() {
		for have == 0 {
			if have = q.PopN(dst[:]); have == 0 {
				runtime.Gosched()
			}
		}
		have--
	}
	close(stop)
	<-done
}
