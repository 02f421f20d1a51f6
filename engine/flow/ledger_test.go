package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// What was given while we were free is not given again later.
func TestGivenWhileFreeIsNotGivenAgain(t *testing.T) {
	var s Source
	s.Init(Plan{Start: RateMax, Limit: 1 << 20, Floor: 100, Beta: 1, Over: 1, Slack: 1, Free: true})
	var p Pair
	h := codec.Rates{Rho: 10, Tau: 10, Given: 5000}
	s.Meet(0, &p, &h, true, 4, sched.Second)
	s.Want(1000, 1000)
	s.Exchange(Over, Over) // congestion: not free any more
	if s.Free() {
		t.Fatal("still free")
	}
	before := s.Rates().Tau
	s.Meet(1, &p, &h, true, 4, sched.Second) // the same ledger again
	if after := s.Rates().Tau; after > before {
		t.Errorf("τ %d → %d: the peer gave 5000 once, while we were free", before, after)
	}
}

// What is on its way to the peer counts as its own.
func TestGiftOnItsWayIsNotGivenAgain(t *testing.T) {
	var s Source
	s.Init(Plan{Start: 1000, Limit: 10000, Floor: 1, Beta: 1, Over: 9, Slack: 9})
	s.Want(100, 100)
	var p Pair
	h := codec.Rates{Rho: 800, Tau: 0}
	now := sched.Instant(sched.Second)
	if !s.Meet(now, &p, &h, true, 4, sched.Second) || p.Given() == 0 {
		t.Fatal("nothing given")
	}
	given := p.Given()
	for range 5 { // its frames of before it heard of that
		now += 10 * sched.Second
		s.Meet(now, &p, &h, true, 4, sched.Second)
	}
	if p.Given() != given {
		t.Errorf("given %d, then %d: the same want was served again", given, p.Given())
	}
}

// The ledger grows by what τ lost, whatever bounds the gift.
func TestLedgerGrowsByWhatWasLost(t *testing.T) {
	for least := uint32(0); least < 1000; least += 50 {
		var s Source
		s.Init(Plan{Start: 1000, Limit: 10000, Floor: 1, Beta: 1, Over: 9, Slack: 9})
		s.Want(900, 900)
		s.met, s.median = true, least
		var p Pair
		before := int64(s.Rates().Tau)
		s.Meet(sched.Second, &p, &codec.Rates{Rho: 900, Tau: 100}, true, 4, sched.Second)
		if lost := before - int64(s.Rates().Tau); lost != p.Given() {
			t.Errorf("least %d: τ lost %d, the ledger says %d", least, lost, p.Given())
		}
	}
}
