package sched

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCalendarAgainstList holds it against a plain list: each entry is taken once, at the first
// call a tick or more after its instant, whatever is added, swept and left over for want of moves
// meanwhile.
func TestCalendarAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Calendar
		now := Instant(rapid.Int64Range(1, 1<<50).Draw(t, "start"))
		c.Start(now)
		model, value := map[uint64]Instant{}, uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 50).Draw(t, "so many") {
					value++
					at := now + Instant(rapid.Int64Range(-1000, 1<<rapid.IntRange(1, 52).Draw(t, "bits")).Draw(t, "in"))
					model[value] = at
					c.Add(at, value)
				}
			},
			"take": func(t *rapid.T) {
				now += Instant(rapid.Int64Range(0, 1<<rapid.IntRange(1, 50).Draw(t, "bits")).Draw(t, "for"))
				moves := rapid.IntRange(0, 300).Draw(t, "moves")
				for {
					v, ok := c.Take(now, &moves)
					if !ok {
						break
					}
					at, here := model[v]
					if !here || at > now {
						t.Fatalf("%d at %d, in %v, is taken at %d", v, at, here, now)
					}
					delete(model, v)
				}
				for v, at := range model {
					if moves > 0 && at <= now-Tick {
						t.Fatalf("%d is due at %d, not taken at %d", v, at, now)
					}
					if next := c.Next(); next > at+Tick && next > now {
						t.Fatalf("the next is %d, one is due at %d", next, at)
					}
				}
			},
			"sweep": func(t *rapid.T) {
				odd := rapid.Bool().Draw(t, "odd")
				c.Sweep(rapid.IntRange(0, 100).Draw(t, "so many"), func(v uint64) bool {
					if _, here := model[v]; !here {
						t.Fatalf("%d is swept, and was taken", v)
					}
					if odd && v%3 == 0 {
						delete(model, v)
						return false
					}
					return true
				})
			},
			"": func(t *rapid.T) {
				if c.Len() != len(model) || c.Len() == 0 && c.Next() != Never {
					t.Fatalf("%d entries, want %d; the next at %d", c.Len(), len(model), c.Next())
				}
			},
		})
	})
}

// TestCalendarIsBoundedEachCall: a million that fall due together are taken a few moves and entries
// at a time, in the order in which they were added, and their memory is given back.
func TestCalendarIsBoundedEachCall(t *testing.T) {
	const all, moves = 200_000, 64
	var c Calendar
	c.Start(1)
	for i := range uint64(all) {
		c.Add(Instant(3600*Second)+Instant(i%1000), i)
	}
	now := Instant(7200 * Second)
	var got []uint64
	for calls := 0; c.Len() > 0; calls++ {
		left := moves
		for range 32 {
			v, ok := c.Take(now, &left)
			if !ok {
				break
			}
			got = append(got, v)
		}
		if left < 0 {
			t.Fatalf("%d moves too many", -left)
		}
		if calls > 7*all/moves+all/32+1000 {
			t.Fatalf("%d calls, and %d are left", calls, c.Len())
		}
	}
	if !slices.IsSorted(got) || len(got) != all || len(c.pages) != 1 {
		t.Errorf("%d came, in order %v; %d pages are left", len(got), slices.IsSorted(got), len(c.pages))
	}
}

// TestCalendarDoesNotAllocate once it has had so many entries.
func TestCalendarDoesNotAllocate(t *testing.T) {
	var c Calendar
	now := Instant(1)
	c.Start(now)
	c.Add(Never, 1) // so that it keeps its pages
	one := func() {
		now += 10 * Second
		for i := range uint64(100) {
			c.Add(now+Instant(i)*Millisecond, i)
		}
		for moves := 1000; ; {
			if _, ok := c.Take(now+Second, &moves); !ok {
				break
			}
		}
		now += Second
	}
	for range 10 {
		one()
	}
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkCalendar is Add and Take of one entry, of a million that fall due at one time, as the
// heap of them would be.
func BenchmarkCalendar(b *testing.B) {
	var c Calendar
	now := Instant(1)
	c.Start(now)
	for i := range uint64(1_000_000) {
		c.Add(now+3600*Second, i)
	}
	for b.Loop() {
		moves := 64
		now += 7200 * Second / 1_000_000
		for v, ok := c.Take(now, &moves); ok; v, ok = c.Take(now, &moves) {
			c.Add(now+3600*Second, v)
		}
	}
}
