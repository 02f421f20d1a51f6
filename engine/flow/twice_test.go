package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

// TestNothingIsTakenTwice: frames come in any order, as often as they like, and each may look new,
// as those do that a path held back behind many later ones: never is more taken than was given.
func TestNothingIsTakenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMesh(2, PaperPlan(1_000_000, sched.Second))
		m.s[0].tau, m.s[1].tau = 1_000_000, 10_000
		m.s[1].Want(0, 1_000_000)
		var air []codec.Rates
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.now += sched.Second / 10
			if rapid.Bool().Draw(t, "gives") {
				m.s[0].tau = 1_000_000
				h := m.told(1, 0)
				m.hear(0, 1, &h, true)
				m.s[1].tau = 10_000
				air = append(air, m.told(0, 1))
			} else if len(air) > 0 {
				h := air[rapid.IntRange(0, len(air)-1).Draw(t, "which")]
				m.hear(1, 0, &h, rapid.Bool().Draw(t, "fresh"))
			}
			if m.s[1].taken > m.s[0].given {
				t.Fatalf("%d were given, %d taken", m.s[0].given, m.s[1].taken)
			}
		}
	})
}

// TestALedgerThatBeginsAgain: a peer that has forgotten us begins with nothing. What it gives counts
// when it has told less than it had given for a while, and not before.
func TestALedgerThatBeginsAgain(t *testing.T) {
	var s Source
	s.Init(PaperPlan(1_000_000, sched.Second))
	var p Pair
	say := func(now sched.Instant, given int64, want uint64) {
		t.Helper()
		if s.Meet(now, &p, &codec.Rates{Given: given}, true, 2, sched.Second); s.taken != want {
			t.Errorf("it gave %d at %v: %d taken, want %d", given, now, s.taken, want)
		}
	}
	say(1, 500, 500)
	say(2, 100, 500)
	say(3, 500, 500)
	say(4, 100, 500)
	say(4+anewAfter-1, 200, 500)
	say(4+anewAfter, 200, 500)
	say(5+anewAfter, 300, 600)
}

// TestWhatWasGivenToAnotherLife: a peer that has seen no frame of our present life tells what it gave to
// the one before, be that of the same process, whose numbers go on, or of another one.
func TestWhatWasGivenToAnotherLife(t *testing.T) {
	const first = 1<<32 - 3
	c := newControl(t, tune.FlowOn, PaperPlan(1_000_000, sched.Second))
	var p Peer
	var path link.Path
	path.Init(first)
	say := func(ack uint32, seen uint64, given int64, sent uint32, want uint64) {
		t.Helper()
		h := codec.Header{Flags: codec.FlagRates, Ack: ack, AckMap: seen, Rates: codec.Rates{Given: given}}
		for path.Last() != sent {
			path.Sent(false)
		}
		if c.Met(1, &p, 1, &h, true, seen != 0 && path.Means(ack), 3); c.Ledger().Taken != want {
			t.Errorf("ack %d (%x): %d taken, want %d", ack, seen, c.Ledger().Taken, want)
		}
	}
	say(0, 0, 500, 2, 0)
	say(first, 1, 500, 2, 0)
	say(3, 1, 500, 2, 0)
	say(first-1000, 1, 500, 2, 0)
	say(1<<31, 1, 500, 2, 0)
	say(first+1, 1, 500, 2, 500)
	say(2, 1, 500, 2, 500)
	p.Renewed()
	path.Reborn()
	say(2, 1, 500, 6, 500)
	say(7, 1, 500, 6, 500)
	say(6, 1, 200, 6, 700)
}
