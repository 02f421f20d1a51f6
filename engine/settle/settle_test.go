package settle

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const least = 20 * sched.Millisecond

func newSettle(t *testing.T, pushes bool) (*Settle, *state.Store, *link.Paths, state.Origin) {
	t.Helper()
	s, store, paths := new(Settle), new(state.Store), new(link.Paths)
	store.Init(state.LimitsDefault(), 1)
	s.Init(store, paths, least, pushes)
	wheel := new(sched.Wheel)
	wheel.Init(1, 0)
	s.Pace.Init(0, wheel.Timer(0), new(sched.Rand), least, new(sched.Instant))
	o, st := store.Add(7, 1, []byte("o"))
	if st != state.OK {
		t.Fatal(st)
	}
	s.Reset(o)
	return s, store, paths, o
}

// An origin takes what the footprint counts.
func TestOriginBytes(t *testing.T) {
	if is := unsafe.Sizeof(origin{}); is != OriginBytes {
		t.Errorf("%d bytes, the footprint counts %d", is, OriginBytes)
	}
}

// What moved settles after its time; while it goes on, an older max counts, and that
// much may be on its way here too.
func TestNewsSettles(t *testing.T) {
	s, store, _, o := newSettle(t, true)
	now := sched.Instant(sched.Second)
	move := func(to uint64) {
		store.Advance(o, to, 0)
		s.Moved(now, o)
	}
	move(10)
	if !s.Moving(now, o) || s.Settled(now, o) != 0 || s.MovedAt(o) != now {
		t.Errorf("news is settled at once, up to %d", s.Settled(now, o))
	}
	if !s.Coming(now, o, 20) || s.Coming(now, o, 21) {
		t.Error("as much as came lately may be on its way, and no more")
	}
	if now += least; s.Moving(now, o) || s.Settled(now, o) != 10 || s.Coming(now, o, 11) {
		t.Errorf("after its time it is settled up to %d", s.Settled(now, o))
	}
	for v := uint64(11); v < 200; v++ {
		now += sched.Millisecond
		move(v)
		if old := s.Settled(now, o); v > 60 && (old+uint64(least/sched.Millisecond) > v || old+2*uint64(least/sched.Millisecond)+1 < v) {
			t.Fatalf("%d ms of %d are not settled", v-old, v)
		}
	}
	if s.Reset(o); s.MovedAt(o) != 0 || s.Settled(now, o) != store.Max(o) {
		t.Error("what is reset is not settled")
	}
}

// A loop that lags delivers late: what is late is waited for.
func TestALoopThatLagsTakesLonger(t *testing.T) {
	s, store, paths, o := newSettle(t, true)
	paths.Lag = least
	store.Advance(o, 5, 0)
	s.Moved(sched.Second, o)
	if !s.Moving(sched.Second+4*least-1, o) || s.Moving(sched.Second+4*least, o) {
		t.Error("news settles after another time than four times the lag")
	}
}

// What goes through queues and over long paths takes longer, by both of them twice.
func TestLongPathsTakeLonger(t *testing.T) {
	s, store, paths, o := newSettle(t, true)
	paths.Init(0, sched.Millisecond, 0)
	var p link.Path
	p.Init(1)
	now := sched.Instant(sched.Second)
	for k := range 400 { // some ask and are answered in 3 ms, the others' acknowledgements take 9
		paths.Sends(&p, now, false)
		p.Time(now, k%2 == 0)
		now += 3 * sched.Millisecond
		if k%2 != 0 {
			now += 6 * sched.Millisecond
		}
		paths.Acked(&p, now, p.Last(), 1)
	}
	queued, trip := paths.Queued(), paths.Trip()
	if queued < 6*sched.Millisecond || trip < 2*sched.Millisecond {
		t.Fatalf("queues of %d, round trips of %d", queued, trip)
	}
	store.Advance(o, 5, 0)
	s.Moved(now, o)
	took := least + 2*queued + 2*trip
	if !s.Moving(now+took-1, o) || s.Moving(now+took, o) {
		t.Errorf("news settles after another time than %d", took)
	}
}

// A mark is as old as a change has to be, to the nanosecond, before the next one takes its place;
// what came since the one before is what may be coming.
func TestWhatCameLately(t *testing.T) {
	s, store, _, o := newSettle(t, true)
	now := sched.Instant(sched.Second)
	at := func(d sched.Instant, to uint64) {
		now += d
		store.Advance(o, to, 0)
		s.Moved(now, o)
	}
	at(0, 100)
	at(least-1, 110) // no mark yet
	at(1, 120)
	if got := s.Settled(now, o); got != 100 {
		t.Errorf("settled up to %d", got)
	}
	if !s.Coming(now, o, 140) || s.Coming(now, o, 141) {
		t.Error("120 are here, 20 of them came since the mark: 20 may be coming")
	}
	at(least-1, 130)
	if now++; s.Settled(now, o) != 120 { // the mark is of age, and what moved last is not
		t.Errorf("settled up to %d", s.Settled(now, o))
	}
}

func TestWithoutPushAllIsSettled(t *testing.T) {
	s, store, _, o := newSettle(t, false)
	store.Advance(o, 5, 0)
	s.Moved(sched.Second, o)
	if s.Moving(sched.Second, o) || s.Settled(sched.Second, o) != 5 || s.Coming(sched.Second, o, 6) {
		t.Error("it waits for a push that nobody makes")
	}
}

func TestSettlingDoesNotAllocate(t *testing.T) {
	s, _, _, o := newSettle(t, true)
	now := sched.Instant(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += sched.Millisecond
		s.Moved(now, o)
		s.Settled(now, o)
		s.Coming(now, o, 9)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
