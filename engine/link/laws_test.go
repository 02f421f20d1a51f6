package link

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// What a peer answers at once is waited for as long as it took before; where that is not known, as
// the others take, and some time where nothing is known. A loop that lags adds to it twice.
func TestHowLongAnswersAreWaitedFor(t *testing.T) {
	f := func(trip, rtt, lag, want sched.Instant) {
		t.Helper()
		s, p := pair(1, 1)
		s.trip, s.Lag = trip, lag
		if rtt > 0 {
			p.RTT().Sample(rtt)
			want += p.RTT().RTO(resendFast, resendMax)
		}
		if got := s.AnswerAfter(p); got != want {
			t.Errorf("others take %d, it takes %d, lag %d: %d, want %d", trip, rtt, lag, got, want)
		}
	}
	f(0, 0, 0, resendBlind)
	f(0, 0, ms, resendBlind+2*ms)
	f(ms, 0, 0, tripsBlind*ms)
	f(ms/10, 0, 0, resendFast)
	f(sched.Second, 0, 0, resendBlind)
	f(ms, 50*ms, ms, 2*ms)
}

// Queues show in what acknowledgements take beyond their delay. That and round trips are
// believed up to a second.
func TestQueuesAndTripsAreBounded(t *testing.T) {
	s, _ := pair(1, 1)
	f := func(transit, trip, queued, want sched.Instant) {
		t.Helper()
		s.transit, s.trip = transit, trip
		if s.Queued() != queued || s.Trip() != want {
			t.Errorf("acknowledged in %d, round trip %d: queues %d, trip %d", transit, trip, s.Queued(), s.Trip())
		}
	}
	f(39*ms, ms, 0, ms)
	f(45*ms, 0, 5*ms, 0)
	f(2*sched.Second, 3*sched.Second, queuedMax, queuedMax)
}

// A frame that asked and was not answered for long is not waited for any more, and the next one
// that asks is measured; one that takes just so long is.
func TestAnswersThatNeverCome(t *testing.T) {
	f := func(wait sched.Instant, measured bool) {
		t.Helper()
		s, p := pair(1, 1)
		now := sched.Instant(sched.Second)
		p.Time(now, true)
		p.Sent(false)
		s.Acked(p, now+wait, p.Last(), 0b01) // the one that asked is missing
		p.Sent(false)
		p.Time(now+wait, true)
		s.Acked(p, now+wait+5*ms, p.Last(), 0b101)
		if got := p.RTT().Smoothed(); (got == 5*ms) != measured {
			t.Errorf("no answer for %d: round trip %d", wait, got)
		}
	}
	f(askedMost, false)
	f(askedMost+1, true)
}

// However far the last look was behind, an acknowledgement judges the frames that it can name.
func TestJudgesWhatItNames(t *testing.T) {
	_, p := pair(1, 500)
	if n, lost := p.holes(1, p.Last(), ^uint64(0)); n != mapBits-reorderMax || lost != 0 {
		t.Errorf("%d judged, %d lost", n, lost)
	}
	p.Sent(false)
	if n, lost := p.holes(2, p.Last(), ^uint64(1<<reorderMax)); n != 1 || lost != 1 {
		t.Errorf("then %d judged, %d lost", n, lost)
	}
}

// A round trip is measured once a second while there is mail, and soon again when it grew.
func TestHowOftenTripsAreMeasured(t *testing.T) {
	s, p := pair(1, 1)
	now := sched.Instant(sched.Second)
	p.Time(now, true)
	if s.Asks(p, now+sampleEvery-1) || !s.Asks(p, now+sampleEvery) {
		t.Error("it is not measured once a second")
	}
	for range 50 {
		p.RTT().Sample(ms)
	}
	for k := 0; k < 8 && !p.RTT().Longer(); k++ {
		p.RTT().Sample(20 * ms)
	}
	p.Time(now, true)
	if s.Asks(p, now+sampleEvery/4-1) || !s.Asks(p, now+sampleEvery/4) {
		t.Error("a path that grew longer is not looked at soon")
	}
}
