package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestLateAnswerEndsTheRound: an answer that comes when the next try is due already, and
// has not left, is an answer: the try does not leave.
func TestLateAnswerEndsTheRound(t *testing.T) {
	x, now := alone(t, 2)
	var s Send
	for s.Kind != SendProbe {
		*now += ms
		x.Tick(*now)
		x.Next(*now, &s)
	}
	first := s.Probe
	for range 1000 {
		if *now += ms; x.queued == 0 {
			x.Tick(*now)
		}
	}
	if x.queued == 0 {
		t.Fatal("no second try is due")
	}
	x.OnAck(*now, 2, &codec.ProbeAck{Nonce: first.Nonce})
	for x.Next(*now, &s) {
		if s.Kind == SendProbe {
			t.Error("a probe leaves though the round was answered")
		}
	}
}

// TestWhatIsPulledIsGone: what a caller pulls and can't send is not offered again at the same moment, for it
// would pull for ever: corrections go to whoever spoke last, and may not be reached any more.
func TestWhatIsPulledIsGone(t *testing.T) {
	x, now := alone(t, 5)
	for to := uint32(2); to <= 5; to++ {
		x.correctSoon(to, 2)
		x.correctSoon(to, 3)
	}
	var s Send
	corrections := 0
	for i := 0; x.Next(*now, &s); i++ {
		if i > 100 {
			t.Fatal("there is no end")
		}
		if s.Kind == SendCorrection {
			corrections++
		}
	}
	if corrections != 4 {
		t.Errorf("%d corrections for 4 members", corrections)
	}

	h := host{1: {id: 11, proven: true}}
	d := newDetector(h)
	d.Watch(0, 1, 11)
	d.correctSoon(1, 1)
	delete(h, 1)
	if s := d.Next(0); s != nil {
		t.Errorf("to a member that is not reached goes %+v", s)
	}
}
