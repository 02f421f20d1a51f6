package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A range that a member holds back while it answers all else is asked of another in the end, and so is
// a content; neither while it may be under way still. What was given up has its place on the stream
// until it is answered, and is not lost twice.
func TestWhatIsHeldBackIsGivenUp(t *testing.T) {
	k := newLink(1)
	k.tag = 7
	s := &span{asked: true, tag: 7}
	k.spans[1], k.asks[2] = s, 5
	now, given := sched.Instant(0), 0
	for tag := uint32(3); tag < 3+2*passedMost; tag++ {
		now += passedRuns / passedMost / 2
		before := k.passed[1]
		lost := k.overtaken(now, tag)
		if given += len(lost); len(lost) > 0 && (lost[0] != 5 || tag != 2+passedMost) {
			t.Errorf("%v is given up at %d", lost, tag)
		}
		if !s.asked && (before < passedMost || now < passedRuns) {
			t.Fatalf("the range is given up after %d and %v", before, now)
		}
		if !s.asked {
			break
		}
	}
	if s.asked || given != 1 || k.lost != 2 || k.pending() != 0 || len(k.asks) != 2 || len(k.spans) != 0 || len(k.passed) != 0 {
		t.Errorf("asked %v; %d contents; %+v", s.asked, given, k)
	}
	if !s.want.triedBefore(7) {
		t.Error("it may be asked of the same member at once")
	}
}
