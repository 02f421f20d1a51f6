package settle

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const interval = 100 * sched.Millisecond

// paced is a pace whose timer is run through until the given time; it returns the gaps
// between comparisons.
type paced struct {
	Pace
	wheel sched.Wheel
	rand  sched.Rand
	now   sched.Instant
	late  sched.Instant
}

func newPaced(interval sched.Instant) *paced {
	p := &paced{now: sched.Second}
	p.wheel.Init(1, p.now)
	p.rand.Seed(1)
	p.Init(p.now, p.wheel.Timer(0), &p.rand, interval, &p.late)
	p.Again(p.now, false)
	return p
}

// next is the gap to the next comparison.
func (p *paced) next(busy bool) (gap sched.Instant) {
	was := p.now
	for {
		if _, ok := p.wheel.Expire(p.now); ok {
			p.Again(p.now, busy)
			return p.now - was
		}
		p.now = max(p.now+1, p.wheel.Next())
	}
}

func within(gap, d sched.Instant) bool {
	return gap >= d-d/8-2*sched.Millisecond && gap <= d+d/8+2*sched.Millisecond
}

// Comparisons are an interval apart for as long as there is news, or work; then they are
// further and further apart, and the first news ends that.
func TestComparisonsRestWhereAllIsLevel(t *testing.T) {
	p := newPaced(interval)
	for range 50 {
		if gap := p.next(false); !within(gap, interval) {
			t.Fatalf("%v apart while there is news", gap)
		}
		p.Stir(p.now)
	}
	if gap := p.next(false); !within(gap, interval) {
		t.Errorf("%v after the last news", gap)
	}
	for end := p.now + 20*sched.Second; p.now < end; {
		p.next(false)
	}
	if gap := p.next(false); !within(gap, 10*interval) {
		t.Errorf("%v apart after a long silence", gap)
	}
	p.next(true)
	if gap := p.next(true); !within(gap, interval) {
		t.Errorf("%v apart while there is work", gap)
	}
	for range 8 {
		p.next(false)
	}
	p.Stir(p.now)
	if gap := p.next(false); !within(gap, interval) {
		t.Errorf("%v to the first comparison after news", gap)
	}
}

// News that goes on moves no comparison away.
func TestNewsPutsNoComparisonOff(t *testing.T) {
	p := newPaced(interval)
	p.now += 20 * sched.Second
	p.next(false)
	p.next(false)
	from, was := p.now, p.wheel.Next()
	for p.now < from+interval+interval/8 {
		p.Stir(p.now)
		p.now += sched.Millisecond
		if p.wheel.Next() <= p.now {
			return
		}
	}
	t.Errorf("it was due in %v, and %v later it is not", was-from, p.now-from)
}

// Nobody compares less often than once a second, but who always did.
func TestTheLongestRest(t *testing.T) {
	for _, d := range []sched.Instant{20 * sched.Millisecond, 500 * sched.Millisecond, 2 * sched.Second} {
		p := newPaced(d)
		for range 100 {
			p.next(false)
		}
		if gap := p.next(false); !within(gap, max(d, min(10*d, sched.Second))) {
			t.Errorf("interval %v: %v apart", d, gap)
		}
	}
}

// TestComparisonsRestWhileTheLoopIsLate: the later it is, the further they are apart, up to a second;
// and when it is on time again they are an interval apart.
func TestComparisonsRestWhileTheLoopIsLate(t *testing.T) {
	p := newPaced(interval)
	f := func(late, apart sched.Instant) {
		t.Helper()
		p.late = late
		p.next(true)
		for range 5 {
			if gap := p.next(true); !within(gap, apart) {
				t.Errorf("turns of %v: %v apart, want %v", late, gap, apart)
			}
		}
	}
	f(0, interval)
	f(sched.Millisecond, interval)
	f(10*sched.Millisecond, 320*sched.Millisecond)
	f(100*sched.Millisecond, sched.Second)
	f(0, interval)
	p = newPaced(10 * sched.Second) // one that is longer than that stays
	f(100*sched.Millisecond, 10*sched.Second)
}
