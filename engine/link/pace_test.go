package link

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/sched"
)

func TestPaceBytes(t *testing.T) {
	if n := unsafe.Sizeof(pace{}); n != paceBytes {
		t.Errorf("a pace has %d bytes", n)
	}
}

// TestWhoRestsKeepsItsNumbers: of twenty paths that are used by chance, however few paces there are: no
// frame counts as fresh twice, an acknowledgement that was taken is none again, each path has a round trip
// of its own or none, what one that rests is told changes no other, and where nothing was lost nothing is
// taken for lost.
func TestWhoRestsKeepsItsNumbers(t *testing.T) {
	const paths, seed = 20, 9
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	for _, most := range []int{1, 2, 7, paths} {
		var s Paths
		s.Init(0, 40*ms, most)
		var all [paths]Path
		var last [paths]uint32 // frame of the peer
		for i := range all {
			last[i] = starts[i%len(starts)]
			all[i].Init(starts[(i+1)%len(starts)])
		}
		now, rested := sched.Instant(sched.Second), 0
		for range 20_000 {
			i := int(rand.Uint32n(paths))
			p := &all[i]
			trip := sched.Instant(i+1) * ms
			if !p.awake() {
				rested++
				if p.RTT().Known() || p.Wide() || p.Missed(p.seq) || p.TakeHole() || p.Probing() || p.TakeSize() || p.TooLong(now) {
					t.Fatalf("%d paces: one that rests knows something", most)
				}
				p.Late()
				p.Forgive()
				p.Moved()
				p.Probed(now)
				p.Time(now, true)
			}
			for range 1 + rand.Uint32n(5) {
				s.Sends(p, now, false)
			}
			p.Time(now, true)
			now += trip
			last[i]++
			s.Hears(p, now)
			if !p.Received(last[i]) || p.Received(last[i]) || p.Received(last[i]-1-rand.Uint32n(40)) {
				t.Fatalf("%d paces: frame %d is fresh not once", most, last[i])
			}
			if high, _ := p.Seen(); high != last[i] {
				t.Fatalf("%d paces: it is at %d, want %d", most, high, last[i])
			}
			ack := p.Last()
			if !s.Acked(p, now, ack, ^uint64(0)) || s.Acked(p, now, ack, ^uint64(0)) || s.Acked(p, now, ack-1, 1) {
				t.Fatalf("%d paces: what was sent is acknowledged not once", most)
			}
			if p.TakeHole() || s.Lossy(p, now) {
				t.Fatalf("%d paces: a loss where nothing was lost", most)
			}
			if got := p.RTT().Smoothed(); got != trip {
				t.Fatalf("%d paces: path %d has a round trip of %d", most, i, got)
			}
		}
		if unknown != (sched.RTT{}) || s.paces.Len() != most || s.Loss() != 0 {
			t.Errorf("%d paces: there are %d, the unknown round trip is %+v", most, s.paces.Len(), unknown)
		}
		if most < paths && rested < 1000 {
			t.Errorf("%d paces: only %d times one rested", most, rested)
		}
	}
}

// TestLossesBeforeARest: what was lost before a path rested, and is not known to be, is found by the next
// acknowledgement, as if it had not.
func TestLossesBeforeARest(t *testing.T) {
	for _, first := range starts {
		var s Paths
		var p, other Path
		s.Init(0, 40*ms, 1)
		p.Init(first)
		for range 6 {
			s.Sends(&p, 1, false)
		}
		s.Acked(&p, 2, first+2, 0b11)
		s.Sends(&other, 3, false)
		if p.awake() {
			t.Fatal("it does not rest")
		}
		s.Acked(&p, 4, first+6, 0b110011) // 3 and 4 of six are missing
		if !p.TakeHole() || !s.Lossy(&p, 4) || !p.Missed(first+4) || p.Missed(first+1) {
			t.Errorf("from %d: no loss is found", first)
		}
	}
}

func TestPacesDoNotAllocate(t *testing.T) {
	var s Paths
	s.Init(0, 40*ms, 10)
	var all [40]Path
	i, now := 0, sched.Instant(1)
	step := func() {
		i, now = (i+1)%len(all), now+ms
		s.Sends(&all[i], now, true)
		s.Hears(&all[i], now)
	}
	for range all {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestHowFarAPathWasIsKnownWhileItRests: to 16 ms, up to 4 s; and for as long one that later frames overtook is
// waited for.
func TestHowFarAPathWasIsKnownWhileItRests(t *testing.T) {
	for _, trip := range []sched.Instant{ms, 15 * ms, 16 * ms, 800 * ms, 3999 * ms, 60 * sched.Second} {
		var s Paths
		s.Init(0, 40*ms, 1)
		var p, other Path
		p.Init(1)
		other.Init(1)
		for now := sched.Instant(sched.Second); now < 4*sched.Second; now += 100 * ms {
			s.Answers(&p, now, trip)
		}
		if p.Far() != trip || p.Far() != p.RTT().Smoothed() {
			t.Errorf("round trips of %d ms: %d", trip/ms, p.Far()/ms)
		}
		s.Hears(&other, 5*sched.Second)
		want := min(trip/farUnit*farUnit, 255*farUnit)
		for _, again := range []bool{false, true} {
			if again {
				s.Hears(&p, 6*sched.Second)
			}
			if p.RTT().Known() || p.Far() != want || p.Patience(0, sched.Second) != min(want, sched.Second) || p.Patience(want+1, 0) != want+1 {
				t.Errorf("round trips of %d ms: after a rest %d, heard again %v", trip/ms, p.Far()/ms, again)
			}
			if got := s.Underway(&p); got != want/2 {
				t.Errorf("round trips of %d ms: a frame that comes then took %d", trip/ms, got/ms)
			}
		}
	}
}
