package engine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/enum"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/sched"
)

// Throttle says what becomes of a write above the rate that flow control allows
// this member. While there is no congestion every rate is allowed.
type Throttle uint8

// The ways.
const (
	// ThrottleCoalesce takes the write: it is readable here at once and published when
	// there is rate for it, in its newest form: of writes of one key that wait, the
	// newest in the place of the first, under the version of that, which is lower than
	// the one that Set gave. WaitVersion keeps its word for both. It is the default.
	ThrottleCoalesce Throttle = iota
	// ThrottleRefuse gives it a *BackpressureError.
	ThrottleRefuse
)

var throttles = enum.Names[Throttle]{Kind: "Throttle", What: "throttle", Names: []string{"coalesce", "refuse"}}

// String is "coalesce" or "refuse".
func (t Throttle) String() string { return throttles.String(t) }

// ParseThrottle is the inverse of Throttle.String.
func ParseThrottle(s string) (Throttle, error) { return throttles.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (t Throttle) MarshalText() ([]byte, error) { return throttles.Text(t) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseThrottle.
func (t *Throttle) UnmarshalText(b []byte) error { return throttles.Set(t, b) }

// BackpressureError is what a write gets that comes above the allowed rate,
// where Config.Throttle is ThrottleRefuse. It matches ErrBackpressure.
type BackpressureError struct {
	Rate       int           // bytes a second that are allowed: keys, values and 16 for each
	RetryAfter time.Duration // when there will be room
}

// Error names both.
func (e *BackpressureError) Error() string {
	return fmt.Sprintf("engine: backpressure: writes are above the allowed %d B/s; retry in %v", e.Rate, e.RetryAfter)
}

// Is makes errors.Is(err, ErrBackpressure) true.
func (e *BackpressureError) Is(target error) bool { return target == ErrBackpressure }

// FlowStats is what flow control does now. Rates are in bytes a second.
type FlowStats struct {
	// Used, Desired and Allowed are rates of this member's own writes: as
	// published lately, as the writer would like, and as is allowed; Free means
	// that nothing bounds them. Unpublished are entries that wait for the rate,
	// WritesHeld the writes that had to.
	Used, Desired, Allowed int
	Free                   bool
	Unpublished            int
	WritesHeld             uint64
	// Receiving is what arrives from all peers; Credit what each is told that
	// it may send, 0 for anything; Pressed that the receive queue does not drain.
	Receiving, Credit int
	Pressed           bool
	// Sending is the sum of all peers' budgets, Deferred the bytes of own
	// entries that peers have not been sent yet, Waiting the peers for which
	// something is held back now, Silent those that stopped answering.
	// FramesHeld counts how often something was held back.
	Sending, Deferred int
	Waiting, Silent   int
	FramesHeld        uint64
	// Cuts and Timeouts count how often a peer's budget was lowered, and how
	// often for want of an answer; Absurd what peers told that can't be.
	Cuts, Timeouts, Absurd uint64
	// Peers are the few with the most deferred, then with the most loss.
	Peers []PeerFlow
}

// PeerFlow is the budget of one peer.
type PeerFlow struct {
	Name     string
	Rate     int // what may be sent to it
	Credit   int // what it says that it takes; 0: anything
	Loss     float64
	RTT      time.Duration
	Deferred int // bytes of own entries that it has not been sent
	Waiting  bool
}

const peersShown = 4

// flowStats names the numbers of flow control.
func flowStats(f *flow.State, c *core.Counters) FlowStats {
	return FlowStats{
		Used: int(f.Used), Desired: int(f.Desired), Allowed: int(f.Allowed), Free: f.Free,
		Unpublished: f.Unpublished, WritesHeld: c.WritesHeld,
		Receiving: int(f.Receiving), Credit: int(f.Credit), Pressed: f.Pressed,
		Sending: int(f.Sending), Deferred: f.Deferred, Waiting: f.Waiting, Silent: f.Silent, FramesHeld: c.FramesHeld,
		Cuts: f.BudgetCuts, Timeouts: f.BudgetTimeouts, Absurd: c.Absurd + f.Clamped,
	}
}

// peerFlows are those of FlowStats.Peers. It is called on the loop.
func (e *Engine) peerFlows() (list []PeerFlow) {
	var top [peersShown + 1]flow.PeerState
	n := 0
	for p := range e.core.Peers() {
		x, ok := e.core.PeerFlow(p)
		if !ok || x.Deferred == 0 && x.Loss == 0 && !x.Waiting {
			continue
		}
		top[n] = x
		slices.SortFunc(top[:n+1], func(a, b flow.PeerState) int {
			return cmp.Or(cmp.Compare(b.Deferred, a.Deferred), cmp.Compare(b.Loss, a.Loss))
		})
		n = min(n+1, peersShown)
	}
	for _, x := range top[:n] {
		list = append(list, e.peerFlow(&x))
	}
	return list
}

func (e *Engine) peerFlow(x *flow.PeerState) PeerFlow {
	p := PeerFlow{
		Rate: int(x.Rate), Credit: int(x.Credit), Loss: float64(x.Loss) / 1e6, RTT: time.Duration(x.RTT),
		Deferred: x.Deferred, Waiting: x.Waiting,
	}
	if peer, ok := e.core.Peer(x.Peer); ok {
		p.Name = e.nameOf(peer.Origin)
	}
	return p
}

// socketEvery is how often the kernel's numbers are looked at: once for each change of what is asked
// of senders.
const socketEvery = 50 * sched.Millisecond

// pressure is what the core is told of the machine before a turn. What the kernel said is told once:
// told again, one queue of the past would bind the peers again and again.
func (e *Engine) pressure(now, lag sched.Instant) core.Pressure {
	p := core.Pressure{Lag: lag}
	if now < e.socketAt {
		return p
	}
	e.socketAt = now.After(socketEvery)
	told := e.socket.KernelReads
	if e.conn.Stats(&e.socket); e.socket.KernelReads != told {
		p.Queue, p.Room, p.Drops = int(e.socket.ReceiveQueueBytes), int(e.socket.ReceiveBufferBytes), e.socket.KernelDrops
	}
	return p
}

// govern tells the stage how fast writes may come, and the core what the stage
// refused.
func (e *Engine) govern(now sched.Instant) {
	if e.cfg.Throttle == ThrottleRefuse {
		e.core.Parts().Flow.Wish(e.stage.allow(now, e.core.Parts().Flow.Allowed()))
	}
}

// writeGate refuses writes above a rate. It is guarded by the stage's mutex.
type writeGate struct {
	gate    flow.Gate
	clock   func() sched.Instant
	rate    uint32
	bounded bool
	refused uint64 // cost since the loop last asked
}

const (
	writeCost  = 16 // beside key and value
	writeBurst = 16 << 10
)

func (g *writeGate) pass(writes, bytes int) error {
	if !g.bounded {
		return nil
	}
	now, cost := g.clock(), writes*writeCost+bytes
	if g.gate.Pass(now, cost) {
		return nil
	}
	g.refused += uint64(cost)
	return &BackpressureError{Rate: int(g.rate), RetryAfter: time.Duration(max(0, g.gate.When()-now))}
}

// allow sets the rate and takes what was refused since the last call.
func (s *stage) allow(now sched.Instant, rate uint32) (refused uint64) {
	s.mu.Lock()
	g := &s.gate
	bounded := rate < flow.RateMax
	switch {
	case bounded && !g.bounded:
		g.gate.Init(now, rate, writeBurst)
	case bounded:
		g.gate.SetRate(now, rate)
	}
	g.rate, g.bounded = rate, bounded
	refused, g.refused = g.refused, 0
	s.mu.Unlock()
	return refused
}
