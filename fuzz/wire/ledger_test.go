package main

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// do makes one write.
func (l ledger) do(shown map[string][]byte, n uint64) {
	switch {
	case deletes(n):
		delete(shown, keyOf(n))
	case n > 0:
		shown[keyOf(n)] = l.value(n)
	}
}

// after is what a member shows after so many writes, by doing the last ones.
func after(l ledger, writes uint64) map[string][]byte {
	shown := map[string][]byte{}
	for n := writes - min(writes, 2*keysOfEach); n <= writes; n++ {
		l.do(shown, n)
	}
	return shown
}

func TestEveryStateOfAnOwnerIsFound(t *testing.T) {
	l, gone := ledger{"n00", 7}, 0
	shown := after(l, 0)
	for n := range uint64(2000) {
		l.do(shown, n)
		s, err := stands(l.name, shown)
		if err != nil || s.N > n {
			t.Fatalf("after %d: %+v, %v", n, s, err)
		}
		for x := s.N + 1; x <= n; x++ { // writes that nobody sees
			if gone++; !deletes(x) {
				t.Fatalf("after %d: %+v", n, s)
			}
		}
	}
	if gone > 200 {
		t.Errorf("%d deletes of 2000 are not seen", gone)
	}
}

// Whatever is left out, comes early, comes back or is damaged is no state of the owner.
func TestNoOtherStateIsFound(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	l := ledger{"n00", 7}
	f := func(what, want string, change func(shown map[string][]byte, n uint64)) {
		t.Helper()
		for range 200 {
			n := 3*keysOfEach + rnd.Uint64N(1000)
			for deletes(n) || deletes(n-5) || deletes(n-5-2*keysOfEach) || deletes(n+1) || deletes(n+3) {
				n++
			}
			shown := after(l, n)
			before := maps.Clone(shown)
			change(shown, n)
			if _, err := stands(l.name, shown); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s after write %d of %d keys: %v", what, n, len(before), err)
			}
		}
	}
	const other, never = "no state of its owner", "never wrote"
	f("a write is missing", other, func(shown map[string][]byte, n uint64) { delete(shown, keyOf(n-5)) })
	f("a write came early", other, func(shown map[string][]byte, n uint64) { shown[keyOf(n+3)] = l.value(n + 3) })
	f("an old value is back", other, func(shown map[string][]byte, n uint64) { shown[keyOf(n-5)] = l.value(n - 5 - 2*keysOfEach) })
	f("a bit is wrong", never, func(shown map[string][]byte, n uint64) { shown[keyOf(n)][3] ^= 1 })
	f("it is the value of another key", never, func(shown map[string][]byte, n uint64) { shown[keyOf(n)] = l.value(n + 1) })
	f("it is the value of another member", never, func(shown map[string][]byte, n uint64) { shown[keyOf(n)] = ledger{"n01", 7}.value(n) })
	f("it is of another life", "two lives", func(shown map[string][]byte, n uint64) { shown[keyOf(n-5)] = ledger{"n00", 8}.value(n - 5) })
}
