package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	pingWait = 5 * time.Second        // without a deadline
	pingGap  = 200 * time.Millisecond // between two tries
)

// pinger is a caller of Ping.
type pinger struct {
	number uint64
	done   chan time.Duration
}

// Ping probes a member, as its observers do, and returns the round trip from
// loop to loop. It tries again every 200 ms until ctx ends; without a deadline
// for five seconds. The member is asked whatever is believed of it. Errors:
// ErrNoMember, ErrNoAnswer with the cause, ErrClosed.
func (e *Engine) Ping(ctx context.Context, name string) (time.Duration, error) {
	switch {
	case !e.runs.Load():
		return 0, ErrClosed
	case name == e.cfg.Name:
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pingWait)
	defer cancel()
	p := &pinger{done: make(chan time.Duration, 1)}
	defer e.ask(func(sched.Instant) { e.unping(p) })
	again := time.NewTicker(pingGap)
	defer again.Stop()
	for {
		known := false
		if !e.ask(func(now sched.Instant) { known = e.ping(now, p, name) }) {
			return 0, ErrClosed
		}
		if !known {
			return 0, fmt.Errorf("engine: ping %q: %w", name, ErrNoMember)
		}
		select {
		case d := <-p.done:
			return d, nil
		case <-again.C:
		case <-e.done:
			return 0, ErrClosed
		case <-ctx.Done():
			return 0, fmt.Errorf("engine: ping %q: %w: %w", name, ErrNoAnswer, ctx.Err())
		}
	}
}

// ping sends one probe. It runs on the loop.
func (e *Engine) ping(now sched.Instant, p *pinger, name string) bool {
	e.unping(p)
	e.pinged++
	p.number = e.pinged
	e.pingers = append(e.pingers, p)
	handle, ok := e.peerOf(name)
	return ok && e.core.Ping(now, handle, p.number)
}

func (e *Engine) unping(p *pinger) {
	for i, x := range e.pingers {
		if x == p {
			e.pingers = append(e.pingers[:i], e.pingers[i+1:]...)
			return
		}
	}
}

// ponged hands an answer to who waits for it.
func (e *Engine) ponged(ev *core.Event) {
	for _, p := range e.pingers {
		if p.number == ev.From {
			select {
			case p.done <- time.Duration(ev.To):
			default:
			}
		}
	}
}

// peerOf finds a member other than this one by name.
func (e *Engine) peerOf(name string) (uint32, bool) {
	o := e.store.FindName([]byte(name))
	if o == 0 || o == e.store.Owner() {
		return 0, false
	}
	p := e.core.PeerOf(o)
	return p, p != 0
}

// Explanation says why a member has its state.
type Explanation struct {
	Member      Member
	Incarnation uint32
	// Asked is this member, which explains.
	Asked string
	// Watched: this member probes it itself, and Missed is how many rounds in a
	// row were not answered. Heard is when a frame of it last came, zero if never.
	Watched bool
	Missed  int
	Heard   time.Time
	// Observers are the members that watch it and take part now, Against how many
	// of them miss it, Needed how many of those make it suspect.
	Observers, Against, Needed int
	// Voters are those that voted against it lately, this one too if it did.
	Voters []string
	// Alone: there was no second observer in reach when it was suspected, so that
	// the longer grace counts. Claimed: others said that it is dead.
	Alone, Claimed bool
	// HealthThen is what this member thought of itself when the state began, 0 is
	// well and 8 worst, and HealthNow what it thinks now. From BarFrom on it does
	// not vote.
	HealthThen, HealthNow int
	// HealthThere is what the member itself last said of its own health: high for some
	// seconds after it stalled, as a program does that keeps all its processors busy.
	HealthThere int
	// Period is how long a round of this member's probes takes now, and Wary that this is
	// longer than usual (DetectorStats.Wary).
	Period time.Duration
	Wary   bool
}

// Explain says what is behind a member's state: who voted, who told, when it
// was last heard, and how this member was itself. It takes a turn of the loop.
// Errors: ErrNoMember, ErrClosed.
func (e *Engine) Explain(name string) (x Explanation, err error) {
	ok := e.ask(func(now sched.Instant) {
		p, known := e.peerOf(name)
		peer, there := e.core.Peer(p)
		if !known || !there {
			err = fmt.Errorf("engine: explain %q: %w", name, ErrNoMember)
			return
		}
		x = e.explain(now, p, &peer)
	})
	if !ok {
		err = ErrClosed
	}
	return x, err
}

func (e *Engine) explain(now sched.Instant, handle uint32, p *core.Peer) Explanation {
	var ev member.Evidence
	e.core.Parts().Detector.Explain(now, handle, &ev)
	wall := time.Now()
	x := Explanation{
		Member: e.member(now, wall, handle, p), Asked: e.cfg.Name, Incarnation: ev.Incarnation,
		Watched: ev.Watched, Missed: int(ev.Missed),
		Observers: ev.Live, Against: ev.Against, Needed: max(2, ev.Live/2+1),
		Alone: ev.Solo, Claimed: ev.Claimed,
		HealthThen: int(ev.Health), HealthNow: int(e.core.Parts().Detector.Health()), HealthThere: int(ev.Theirs),
	}
	if ev.Live <= 1 {
		x.Needed = 1
	}
	pace := paceOf(e.core.Parts().Detector)
	x.Period, x.Wary = pace.period, pace.wary()
	if heard := max(ev.Heard, p.Heard); heard != 0 {
		x.Heard = wall.Add(-time.Duration(now - heard))
	}
	for _, v := range ev.Voters[:ev.VoterCount] {
		if name := e.nameOfPeer(v); name != "" {
			x.Voters = append(x.Voters, name)
		}
	}
	return x
}

// explainedAt is how an explanation tells times: nothing of it is known more exactly.
const explainedAt = "2006-01-02T15:04:05.000Z07:00"

// String is the explanation in a few sentences.
func (x Explanation) String() string {
	var s strings.Builder
	m := &x.Member
	fmt.Fprintf(&s, "%s at %v is %v to %s since %s (incarnation %d)", m.Name, m.Addr, m.State, x.Asked, m.Since.Format(explainedAt), x.Incarnation)
	if m.By != "" {
		fmt.Fprintf(&s, ", told by %s", m.By)
	}
	if x.Heard.IsZero() {
		s.WriteString("; never heard")
	} else {
		fmt.Fprintf(&s, "; last heard %s", x.Heard.Format(explainedAt))
	}
	if x.Watched {
		fmt.Fprintf(&s, "; watched from here, %d rounds missed", x.Missed)
	}
	if len(x.Voters) > 0 {
		fmt.Fprintf(&s, "; voted against it: %s", strings.Join(x.Voters, ", "))
	}
	fmt.Fprintf(&s, "; of its %d observers %d miss it now, %d make it suspect", x.Observers, x.Against, x.Needed)
	if x.Alone {
		s.WriteString("; no second observer was in reach")
	}
	if x.Claimed {
		s.WriteString("; others say that it is dead")
	}
	if x.HealthThere > 0 {
		fmt.Fprintf(&s, "; it stalled lately: its own health is %d, it says", x.HealthThere)
	}
	if x.Wary {
		fmt.Fprintf(&s, "; slow to doubt: many doubts were in vain lately, a round takes %v", x.Period)
	}
	fmt.Fprintf(&s, "; own health %d then, %d now", x.HealthThen, x.HealthNow)
	return s.String()
}
