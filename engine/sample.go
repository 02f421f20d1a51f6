package engine

import (
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// How old a Sample may be while the loop turns: where the one before was read, and where
// nobody did. A tally looks at every member, which costs as much as a frame of each.
const (
	sampleEvery = 50 * sched.Millisecond
	sampleRare  = sched.Second
)

// tally is what the loop tells of itself, in plain numbers: to copy it allocates nothing. Stats are
// made of it elsewhere.
type tally struct {
	core        core.Counters
	store       state.Stats
	socket      batch.Stats
	detector    member.Counters
	flow        flow.State
	fingerprint uint64
	refused     uint64
	unsent      uint64 // frames
	spread      SpreadStats
	holes, full int
	health      int
	pace        pace
	members     [StateUnknown + 1]int // by state
	answering   int                   // of them, those whose frames come to us
	lag         sched.Instant
}

// sampled is the tally that Sample reads. The loop and readers hold the mutex for the copy of one
// tally.
type sampled struct {
	read atomic.Bool   // the last one
	made bool          // written by the loop alone, under mu
	at   sched.Instant // the loop's own: when the next one is due if it was

	mu   sync.Mutex
	last tally // written by the loop alone

	next tally // the loop's own
}

// Sample is Stats as the loop last left them, without a turn of the loop: for metrics, as often as
// one likes. While the loop turns it is at most 50 ms old if the one before that was read too, else
// at most a second. Flow.Peers is left out.
func (e *Engine) Sample() Stats {
	select {
	case <-e.done:
		return e.final
	default:
	}
	s := &e.sampled
	s.mu.Lock()
	t, made := s.last, s.made
	s.mu.Unlock()
	s.read.Store(true)
	if !made {
		return e.Stats() // before the first turn
	}
	return e.statsOf(&t)
}

// sample keeps a tally for Sample, now or soon. It runs at the end of a turn. Nobody's tally wakes
// no loop.
func (e *Engine) sample(now sched.Instant) {
	s := &e.sampled
	switch read := s.read.Load(); {
	case read && now < s.at:
		e.deadline = min(e.deadline, s.at)
		return
	case !read && s.made && now < s.at+sampleRare-sampleEvery:
		return
	}
	e.count(&s.next)
	s.read.Store(false)
	s.mu.Lock()
	s.last, s.made = s.next, true
	s.mu.Unlock()
	s.at = now + sampleEvery
}

// count fills t. It runs on the loop and allocates nothing.
func (e *Engine) count(t *tally) {
	detector := e.core.Parts().Detector
	t.core, t.store, t.flow, t.detector = *e.core.Counters(), e.store.Stats(), e.core.FlowState(), *detector.Counters()
	t.fingerprint, t.refused, t.health, t.lag = e.core.Fingerprint(), e.refused, int(detector.Health()), e.reactor.lag
	t.pace = paceOf(detector)
	t.unsent, t.spread = e.unsent, e.spreadStats()
	t.holes, t.full = e.store.Holes(), len(e.fullness.names)
	e.conn.Stats(&t.socket)
	t.members, t.answering = [StateUnknown + 1]int{}, 1
	self := StateAlive
	if e.leftAt != 0 {
		self = StateLeft
	}
	t.members[self]++
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok {
			t.members[e.stateOf(p, &peer)]++
			if live(&peer) {
				t.answering++
			}
		}
	}
}

// DropReasons are the keys that Stats.Drops may have.
func DropReasons() (names []string) {
	for d := range core.DropReasons {
		names = append(names, d.String())
	}
	return append(names, "oversize", "kernel")
}

// SendErrorKinds are the keys that Stats.SendErrors may have.
func SendErrorKinds() (names []string) {
	for k := range batch.ErrorKind(batch.ErrorKinds) {
		names = append(names, k.String())
	}
	return names
}
