package simnet

import (
	"crypto/sha256"
	"hash/crc32"
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// pipe is one connection.
type pipe struct {
	ends [2]*pipeEnd // opener, acceptor
	key  uint8
	down bool
}

// pipeEnd is one side of it.
type pipeEnd struct {
	*pipe
	s        *Streams
	side     int
	id       batch.StreamID
	up       bool
	finished bool
	said     sched.Instant // when the last of what it sent arrives
	asks     []openAsk     // that this side has open
	owed     int           // asks of the other side without an answer
	lent     []loan        // bodies that it sends
	used     sched.Instant // something was last sent, either way
}

// loan is a body that was lent by Send, until StreamSent or StreamDown.
type loan struct {
	tag  uint32
	body []byte
	sum  uint32
}

// returned ends a loan. Whoever changed the body in the meantime broke the contract.
func (x *loan) returned() {
	if crc32.ChecksumIEEE(x.body) != x.sum {
		panic("simnet: a body was changed while a stream had it")
	}
}

type openAsk struct {
	tag   uint32
	want  int
	check bool
	sum   [batch.StreamSumSize]byte
}

func (e *pipeEnd) other() *pipeEnd { return e.ends[1-e.side] }

// carry decides when a message arrives, and whether.
func (s *Streams) carry(now sched.Instant, e *pipeEnd, m *batch.StreamMessage) {
	n, far := s.poller.net, e.other()
	bytes := len(m.Head) + len(m.Body)
	start := max(now, e.said)
	if n.faults.Rate > 0 {
		start += sched.Instant(bytes) * sched.Second / sched.Instant(n.faults.Rate)
	}
	if n.faults.Uplink > 0 {
		s.free = max(s.free, start) + sched.Instant(bytes)*sched.Second/sched.Instant(n.faults.Uplink)
		start = s.free
	}
	at, ok := n.segment(start, s.node, far.s.node, bytes)
	if n.faults.Stall.draw(&n.model.rand) {
		at += n.model.rand.Between(0, n.faults.StallMax)
	}
	switch {
	case !ok || at-now > streamStallMax && n.faults.Rate+n.faults.Uplink == 0:
		e.breaks(now+streamStallMax, batch.StreamStalled)
		return
	case n.faults.Reset.draw(&n.model.rand):
		e.breaks(max(at, e.said), batch.StreamTruncated)
		return
	}
	at = max(at, e.said) // in order
	e.said, e.used, far.used = at, at, at
	if m.Answer {
		far.answered(at, m)
		if m.Body != nil {
			s.post(at, e, batch.StreamEvent{Kind: batch.StreamSent, Stream: e.id, Tag: m.Tag})
		}
		s.stats.SentBytes += uint64(len(m.Body))
		return
	}
	far.s.post(at, far, batch.StreamEvent{
		Kind: batch.StreamAsked, Stream: far.id, Tag: m.Tag, Want: m.Want, Head: slices.Clone(m.Head),
	})
}

// answered has an answer arrive at the asker.
func (e *pipeEnd) answered(at sched.Instant, m *batch.StreamMessage) {
	i := slices.IndexFunc(e.asks, func(a openAsk) bool { return a.tag == m.Tag })
	if i < 0 || len(m.Body) > e.asks[i].want {
		e.breaks(at, batch.StreamBroken)
		return
	}
	ev := batch.StreamEvent{Kind: batch.StreamAnswered, Stream: e.id, Tag: m.Tag, Head: slices.Clone(m.Head), Body: slices.Clone(m.Body)}
	n := e.s.poller.net
	if len(ev.Body) > 0 && n.faults.Forge.draw(&n.model.rand) {
		ev.Body[n.model.rand.Uint32n(uint32(len(ev.Body)))] ^= 1
	}
	if a := &e.asks[i]; a.check && ev.Body != nil && sha256.Sum256(ev.Body) != a.sum {
		ev.Kind, ev.Body = batch.StreamForged, nil
		e.s.stats.Forged++
	}
	e.s.stats.ReceivedBytes += uint64(len(ev.Body))
	e.s.post(at, e, ev)
}

// breaks ends both sides of a connection.
func (e *pipeEnd) breaks(at sched.Instant, cause batch.StreamCause) {
	if e.down {
		return
	}
	e.down = true
	for _, x := range e.ends {
		if x != nil {
			x.s.fail(x, at, cause)
		}
	}
}

// fail tells one side of its end, behind all that it is told before.
func (s *Streams) fail(e *pipeEnd, at sched.Instant, cause batch.StreamCause) {
	e.down = true
	for i := range s.events { // what was on its way is not heard any more
		if x := &s.events[i]; x.end == e && x.at > at {
			at = x.at
		}
	}
	s.post(at, e, batch.StreamEvent{Kind: batch.StreamDown, Stream: e.id, Opened: e.side == 0, Cause: cause})
}
