package sched

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkRoundRobin looks at what the structure promises itself.
func checkRoundRobin(t fataler, q *RoundRobin) {
	seen := 0
	for h, p := range q.place {
		if p == 0 {
			continue
		}
		seen++
		if q.order[p-1] != uint32(h) {
			t.Fatalf("handle %d has place %d, there stands %d", h, p-1, q.order[p-1])
		}
	}
	if seen != q.Len() || int(q.visited) > q.Len() {
		t.Fatalf("%d places, %d in the order, %d visited", seen, q.Len(), q.visited)
	}
}

func TestRoundRobinAgainstSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const handles = 9
		var r Rand
		r.Seed(rapid.Uint64().Draw(t, "seed"))
		var q RoundRobin
		q.Init(handles)
		waits := map[uint32]int{} // member -> calls since its last visit, less one for each that came since
		biggest := 0              // set since the start
		handle := rapid.Uint32Range(0, handles)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				h := handle.Draw(t, "h")
				_, had := waits[h]
				if got := q.Insert(&r, h); got == had {
					t.Fatalf("Insert(%d) = %v", h, got)
				}
				if !had {
					for other := range waits {
						waits[other]--
					}
					waits[h] = 0
				}
				biggest = max(biggest, len(waits))
			},
			"remove": func(t *rapid.T) {
				h := handle.Draw(t, "h")
				_, had := waits[h]
				if got := q.Remove(h); got != had {
					t.Fatalf("Remove(%d) = %v", h, got)
				}
				delete(waits, h)
			},
			"next": func(t *rapid.T) {
				got, ok := q.Next(&r)
				if ok != (len(waits) > 0) {
					t.Fatalf("Next ok = %v with %d members", ok, len(waits))
				}
				if !ok {
					return
				}
				if _, in := waits[got]; !in {
					t.Fatalf("Next = %d, not a member", got)
				}
				waits[got] = -1
				for h := range waits {
					waits[h]++
					if waits[h] > 2*biggest-1 {
						t.Fatalf("%d waited %d calls among %d", h, waits[h], biggest)
					}
				}
			},
			"": func(t *rapid.T) {
				checkRoundRobin(t, &q)
				for h := range uint32(handles + 1) {
					if _, in := waits[h]; in != q.Has(h) {
						t.Fatalf("Has(%d) = %v", h, !in)
					}
				}
			},
		})
	})
}

// SWIM §4.3: successive visits of one member lie at most 2n-1 calls apart, and
// every traversal is a permutation.
func TestRoundRobinGap(t *testing.T) {
	var r Rand
	r.Seed(21)
	const n = 17
	var q RoundRobin
	q.Init(n)
	for h := range uint32(n) {
		q.Insert(&r, h)
	}
	var last [n]int
	widest := 0
	for call := 1; call <= 2000*n; call++ {
		h, _ := q.Next(&r)
		if last[h] > 0 {
			widest = max(widest, call-last[h])
		}
		last[h] = call
		if call%n == 0 && slices.Min(last[:]) <= call-n {
			t.Fatalf("traversal %d is not a permutation", call/n)
		}
	}
	if widest > 2*n-1 {
		t.Errorf("gap of %d calls, want at most %d", widest, 2*n-1)
	}
	if widest < 2*n-3 {
		t.Errorf("the widest gap of 2000 traversals is %d: is the order random?", widest)
	}
}

// A joiner's first turn is spread evenly over the positions of a traversal.
func TestJoinerIsSpread(t *testing.T) {
	var r Rand
	r.Seed(22)
	const n = 10
	counts := make([]int, 2*n)
	for range 20000 {
		var q RoundRobin
		q.Init(n)
		for h := range uint32(n - 1) {
			q.Insert(&r, h)
		}
		for range 4 {
			q.Next(&r)
		}
		q.Insert(&r, n)
		for call := 0; ; call++ {
			if h, _ := q.Next(&r); h == n {
				counts[call]++
				break
			}
		}
	}
	// With 6 of 10 it stands among the rest of this traversal (calls 0 to 5), with
	// 4 of 10 behind the walker and waits for the next one (calls 5 to 14).
	const this, next = 20000 * 6 / 10, 20000 * 4 / 10
	want := func(call, times int) {
		t.Helper()
		uniform(t, "call", []int{counts[call], times})
	}
	for call := range 5 {
		want(call, this/6)
	}
	want(5, this/6+next/10)
	for call := 6; call < 15; call++ {
		want(call, next/10)
	}
}

func TestRoundRobinAllocs(t *testing.T) {
	var r Rand
	var q RoundRobin
	q.Init(100)
	if got := testing.AllocsPerRun(1000, func() {
		q.Insert(&r, r.Uint32n(101))
		q.Remove(r.Uint32n(101))
		q.Next(&r)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkRoundRobinNext(b *testing.B) {
	var r Rand
	var q RoundRobin
	q.Init(1000)
	for h := range uint32(1000) {
		q.Insert(&r, h)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Next(&r)
	}
}

// TestWhoGoesTakesNobodysTurn: of those that are there from the beginning of a traversal to its end each
// has one turn in it, whoever else goes meanwhile.
func TestWhoGoesTakesNobodysTurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const handles = 12
		var r Rand
		r.Seed(rapid.Uint64().Draw(t, "seed"))
		var q RoundRobin
		q.Init(handles)
		there := map[uint32]bool{}
		for h := uint32(1); h <= handles; h++ {
			q.Insert(&r, h)
			there[h] = true
		}
		had := map[uint32]int{}
		for range handles {
			if rapid.IntRange(0, 2).Draw(t, "goes") == 0 {
				h := rapid.Uint32Range(1, handles).Draw(t, "who")
				if q.Remove(h) {
					delete(there, h)
				}
			}
			turns := 0
			for h := range there {
				turns += had[h]
			}
			if turns == len(there) {
				break // the traversal is over
			}
			h, ok := q.Next(&r)
			if had[h]++; !ok || !there[h] || had[h] > 1 {
				t.Fatalf("the turn of %d, which had %d of this traversal; %d are there", h, had[h], len(there))
			}
		}
	})
}
