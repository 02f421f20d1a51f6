package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

type readyStreams struct {
	batch.Streams
	ready bool
}

func (s *readyStreams) Ready() bool { return s.ready }

// TestStreamsAreLookedAtForAReason: the loop looks after large values once one of its times has come, a
// reader has missed one, or a stream has something; else it does not, and an idle member rests.
func TestStreamsAreLookedAtForAReason(t *testing.T) {
	s := &readyStreams{}
	l := &large{streams: s}
	l.next, l.sweepAt = 100, 200
	f := func(now sched.Instant, want bool, why string) {
		t.Helper()
		if got := l.due(now); got != want {
			t.Errorf("%s: looks %v", why, got)
		}
	}
	f(99, false, "nothing is due")
	f(100, true, "somebody is to be asked")
	l.next = sched.Never
	f(199, false, "nothing is due but a sweep")
	f(200, true, "a sweep is due")
	l.sweepAt = sched.Never
	f(1<<60, false, "nothing will be due")
	l.missed.Store(true)
	f(0, true, "a reader missed one")
	l.missed.Store(false)
	s.ready = true
	f(0, true, "a stream has something")
}
