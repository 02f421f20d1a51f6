package link

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// sizer is a path whose frames are sent and acknowledged one by one.
type sizer struct {
	Paths
	Path
	now sched.Instant
}

func newSizer() *sizer {
	s := &sizer{now: sched.Second}
	s.Path.Init(0)
	s.wake(s.now, &s.Path)
	return s
}

// probe sends a padded frame if one may be sent; it reports whether.
func (s *sizer) probe() bool {
	if !s.MayProbe(s.now) {
		return false
	}
	s.Sent(false)
	s.Probed(s.now)
	return true
}

// arrive acknowledges all up to the last frame, or all but that one.
func (s *sizer) arrive() { s.Acked(&s.Path, s.now, s.seq, 1<<63-1) }

// TestPathsAreFoundNarrow: four probes in a row that nobody answers end them for half a minute,
// then one at a time for twice as long each, up to ten minutes; one that arrives makes the path
// wide, and forgets all that.
func TestPathsAreFoundNarrow(t *testing.T) {
	s := newSizer()
	wait := s.RTT().RTO(probeWait, probeMost)
	for try := range probeTries {
		if !s.probe() || s.probe() {
			t.Fatalf("try %d: no probe, or two at once", try)
		}
		if s.now += wait - 1; s.MayProbe(s.now) {
			t.Fatalf("try %d: the next one does not wait for the answer", try)
		}
		s.now++
	}
	if s.MayProbe(s.now) || s.size.phase != narrow || s.Wide() || !s.TakeSize() || s.TakeSize() {
		t.Fatalf("after four of them: %+v", s.size)
	}
	for _, want := range []sched.Instant{30, 60, 120, 240, 480, 600, 600} {
		if s.now += want*sched.Second - 1; s.MayProbe(s.now) {
			t.Fatalf("a probe less than %d s later", want)
		}
		s.now++
		if !s.probe() {
			t.Fatalf("no probe %d s later", want)
		}
		if s.now += wait; s.MayProbe(s.now) || s.TakeSize() {
			t.Fatal("one that is lost is not the only one, or is told of again")
		}
	}
	s.now += narrowMost
	if !s.probe() || !s.Probing() {
		t.Fatal("no probe")
	}
	s.arrive()
	if !s.Wide() || s.Probing() || s.MayProbe(s.now+narrowMost) || s.size.waits != 0 || s.Most(1400, 1200) != 1400 {
		t.Errorf("one that arrived: %+v", s.size)
	}
	if !s.TooLong(s.now) || s.TooLong(s.now) || s.Wide() || s.Most(1400, 1200) != 1200 || s.MayProbe(s.now+narrowFirst-1) || !s.MayProbe(s.now+narrowFirst) {
		t.Errorf("one that the host refused: %+v", s.size)
	}
}

// TestLongFramesThatAreLost: four in a row, with none that arrived between them, make a wide path
// probe again; a short one says nothing of length, and what was never a probe proves nothing.
func TestLongFramesThatAreLost(t *testing.T) {
	wide := func() *sizer {
		s := newSizer()
		s.probe()
		s.arrive()
		if !s.Wide() {
			t.Fatal("it is not wide")
		}
		return s
	}
	s := wide()
	send := func(long, arrives bool) {
		s.Sent(long)
		if arrives {
			s.sized(s.seq, 0, 1)
		} else {
			s.sized(s.seq, 1, 0)
		}
	}
	for range 3 {
		send(true, false)
	}
	send(true, true)
	for range 3 {
		send(true, false)
		send(false, true)
		send(false, false)
	}
	if !s.Wide() {
		t.Fatal("three of them, or short ones, made it probe")
	}
	if send(true, false); s.Wide() || !s.MayProbe(s.now) {
		t.Errorf("four of them: %+v", s.size)
	}

	s = wide()
	s.Sent(true)
	s.Late()
	if s.size.doubt != doubtLate {
		t.Errorf("a long frame that is late: %+v", s.size)
	}
	s.arrive()
	s.size.doubt = 0
	s.Sent(false)
	if s.Late(); s.size.doubt != 0 {
		t.Errorf("a short one that is late: %+v", s.size)
	}

	s = newSizer()
	s.Sent(false)
	s.arrive()
	if s.Wide() {
		t.Error("an acknowledged frame that was no probe makes a path wide")
	}
	if s.Excused(s.seq) != 0 {
		t.Error("a frame that was no probe is excused")
	}
	s.probe()
	if got := s.Excused(s.seq + 2); got != 1<<2 {
		t.Errorf("excused is %b", got)
	}
	if got := s.Excused(s.seq + mapBits); got != 0 {
		t.Errorf("one that acknowledgements do not tell of any more is excused: %b", got)
	}
}

// TestEndedNumbersGoOn: a new path goes on behind all that ended, in whatever order they did.
func TestEndedNumbersGoOn(t *testing.T) {
	var s Paths
	if s.First(77) != 77 {
		t.Error("before any ended the numbers do not begin by chance")
	}
	s.Ended(1<<32 - 5)
	s.Ended(9) // behind it, round the end of numbers
	s.Ended(1<<32 - 1)
	if got := s.First(77); got != 9 {
		t.Errorf("it goes on from %d", got)
	}
}

// TestReceivedFramesOfAnyNumber: a path may begin with any number, zero too, and each frame is
// fresh once.
func TestReceivedFramesOfAnyNumber(t *testing.T) {
	for _, first := range []uint32{0, 1, 1<<32 - 1, 1 << 31} {
		var p Path
		if !p.Received(first) || p.Received(first) || !p.Received(first+1) || p.Received(first) {
			t.Errorf("from %d: fresh not once", first)
		}
		if high, seen := p.Seen(); high != first+1 || seen != 3 {
			t.Errorf("from %d: %d, %b", first, high, seen)
		}
	}
}
