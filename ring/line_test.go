package ring

import (
	"runtime"
	"sync"
	"testing"
	"weak"

	"pgregory.net/rapid"
)

// line is what queues of both kinds are.
type line interface {
	Init(size int)
	Cap() int
	Push(v int) bool
	Pop() (int, bool)
	Empty() bool
}

// spsc is one that says whether it is empty by its length.
type spsc struct{ SPSC[int] }

func (q *spsc) Empty() bool { return q.Len() == 0 }

// lines are both.
func lines() map[string]line { return map[string]line{"SPSC": new(spsc), "MPSC": new(MPSC[int])} }

// TestLinesAgainstASlice: what went in comes out in that order, as much as fits, however often it
// went round.
func TestLinesAgainstASlice(t *testing.T) {
	for name, q := range lines() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				size := rapid.IntRange(1, 20).Draw(t, "size")
				q.Init(size)
				if c := q.Cap(); c < size || c >= max(3, 2*size) || c&(c-1) != 0 {
					t.Fatalf("room for %d, asked for %d", c, size)
				}
				var want []int
				next := 0
				for range rapid.IntRange(1, 30).Draw(t, "turns") {
					for range rapid.IntRange(0, 2*size).Draw(t, "in") {
						fits := len(want) < q.Cap()
						if q.Push(next) != fits {
							t.Fatalf("%d of %d are in: push is %v", len(want), q.Cap(), !fits)
						}
						if fits {
							want = append(want, next)
						}
						next++
					}
					for range rapid.IntRange(0, 2*size).Draw(t, "out") {
						if q.Empty() != (len(want) == 0) {
							t.Fatalf("%d are in, empty is %v", len(want), q.Empty())
						}
						v, ok := q.Pop()
						if ok != (len(want) > 0) || ok && v != want[0] {
							t.Fatalf("pop gives %d, %v; want %v", v, ok, want)
						}
						if ok {
							want = want[1:]
						}
					}
				}
			})
		})
	}
}

// TestManyFillOneLine: of what many push at the same time all comes, once, and in the order of each.
func TestManyFillOneLine(t *testing.T) {
	const each = 20_000
	for name, q := range lines() {
		t.Run(name, func(t *testing.T) {
			many := 4
			if name == "SPSC" {
				many = 1
			}
			q.Init(8)
			var group sync.WaitGroup
			for p := range many {
				group.Go(func() {
					for i := range each {
						for !q.Push(p*each + i) {
							runtime.Gosched()
						}
					}
				})
			}
			next := make([]int, many)
			for got := 0; got < many*each; {
				v, ok := q.Pop()
				if !ok {
					runtime.Gosched()
					continue
				}
				if p := v / each; v%each != next[p] {
					t.Fatalf("%d of producer %d comes, %d is next", v%each, p, next[p])
				}
				next[v/each]++
				got++
			}
			group.Wait()
			if _, ok := q.Pop(); ok || !q.Empty() {
				t.Error("more comes than was pushed")
			}
		})
	}
}

// TestWhatIsTakenIsLetGo: a queue keeps nothing alive that was taken out of it.
func TestWhatIsTakenIsLetGo(t *testing.T) {
	type body [64]byte
	var s SPSC[*body]
	var m MPSC[*body]
	s.Init(4)
	m.Init(4)
	var taken []weak.Pointer[body]
	for range 3 { // not all places are used again
		b := new(body)
		taken = append(taken, weak.Make(b))
		s.Push(b)
		m.Push(b)
		s.Pop()
		m.Pop()
	}
	runtime.GC()
	for i, p := range taken {
		if p.Value() != nil {
			t.Errorf("value %d is alive after it was taken", i)
		}
	}
	runtime.KeepAlive(&s)
	runtime.KeepAlive(&m)
}
