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
