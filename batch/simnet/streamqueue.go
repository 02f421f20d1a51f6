package simnet

import (
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// post has an event reach the reactor at a time.
func (s *Streams) post(at sched.Instant, e *pipeEnd, ev batch.StreamEvent) {
	s.order++
	x := streamEvent{at: at, order: s.order, end: e, ev: ev}
	i, _ := slices.BinarySearchFunc(s.events, x, func(a, b streamEvent) int {
		switch {
		case a.at < b.at || a.at == b.at && a.order < b.order:
			return -1
		case a.at == b.at && a.order == b.order:
			return 0
		}
		return 1
	})
	s.events = slices.Insert(s.events, i, x)
	if p := s.poller; p.parked && at < p.until {
		p.ring()
	}
}

// next is when the next event is due.
func (s *Streams) next() sched.Instant {
	if len(s.events) == 0 {
		return sched.Never
	}
	return s.events[0].at
}

// Ready implements batch.Streams.
func (s *Streams) Ready() bool {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	return s.next() <= n.now()
}

// Next implements batch.Streams.
func (s *Streams) Next(ev *batch.StreamEvent) bool {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for s.next() <= n.now() {
		x := s.events[0]
		s.events = s.events[1:]
		if s.open[x.end.id] != x.end {
			continue
		}
		s.note(&x)
		*ev = x.ev
		return true
	}
	return false
}

// note keeps the side in step with what its reactor has been told.
func (s *Streams) note(x *streamEvent) {
	e := x.end
	switch x.ev.Kind {
	case batch.StreamUp:
		e.up = true
		s.stats.Up++
	case batch.StreamAsked:
		e.owed++
	case batch.StreamAnswered, batch.StreamForged:
		e.asks = slices.DeleteFunc(e.asks, func(a openAsk) bool { return a.tag == x.ev.Tag })
	case batch.StreamSent:
		i := slices.IndexFunc(e.lent, func(l loan) bool { return l.tag == x.ev.Tag })
		e.lent[i].returned()
		e.lent = slices.Delete(e.lent, i, i+1)
	case batch.StreamDown:
		for i := range e.lent {
			e.lent[i].returned()
		}
		if e.up {
			s.stats.Up--
		}
		s.stats.Ended[x.ev.Cause]++
		delete(s.open, e.id)
	}
}
