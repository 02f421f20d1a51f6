package stream

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// inspectLater has all streams looked at after a while. It runs only while there
// are any, or memory of theirs: an engine without streams has no timer.
func (l *loop) inspectLater() {
	el := l.s.exec.Load()
	time.AfterFunc(l.s.opt.times.inspect, func() {
		_ = el.Execute(l.s.ctx, gnet.RunnableFunc(func(context.Context) error { l.inspect(time.Now()); return nil }))
	})
}

// inspect ends streams that keep nobody's deadline, and closes those that had to
// wait for the kernel to take their last bytes.
func (l *loop) inspect(now time.Time) {
	l.unspill()
	l.rekey()
	l.pool.trim(now)
	for st := l.first; st != nil; {
		next := st.next
		if cause, late := st.late(now); late {
			l.close(st, cause)
		} else {
			l.closeIfSettled(st)
		}
		st = next
	}
	if l.first == nil {
		l.pack.forget()
	}
	if l.watched = l.first != nil || len(l.spill) > 0 || !l.pool.empty(); l.watched {
		l.inspectLater()
	}
}

// late tells whether a stream has missed a deadline.
func (st *stream) late(now time.Time) (batch.StreamCause, bool) {
	t := &st.l.s.opt.times
	quiet := now.Sub(st.moved)
	switch {
	case st.state != up:
		return batch.StreamLate, now.Sub(st.since) > t.open
	case st.saidEnd || st.due() || st.c.OutboundBuffered() > 0:
		return batch.StreamStalled, quiet > t.stall
	case st.opened && quiet > t.idle:
		st.finish = true
		st.pump()
	case quiet > 2*t.idle:
		return batch.StreamStalled, true
	}
	return 0, false
}

// counters are Stats as they are kept: the loop writes, anybody reads.
type counters struct {
	up, half, bufferedMax                                       atomic.Int64
	opened, accepted, sentBytes, receivedBytes, forged, refused atomic.Uint64
	wireSent, wireReceived                                      atomic.Uint64
	ended                                                       [batch.StreamCauses]atomic.Uint64
}

func (c *counters) buffered(n int) {
	if int64(n) > c.bufferedMax.Load() {
		c.bufferedMax.Store(int64(n))
	}
}

// Stats implements batch.Streams.
func (s *Streams) Stats(st *batch.StreamStats) {
	c := &s.stats
	*st = batch.StreamStats{
		Up: int(c.up.Load()), HalfOpen: int(c.half.Load()), BufferedMax: int(c.bufferedMax.Load()),
		Opened: c.opened.Load(), Accepted: c.accepted.Load(),
		SentBytes: c.sentBytes.Load(), ReceivedBytes: c.receivedBytes.Load(),
		WireSent: c.wireSent.Load(), WireReceived: c.wireReceived.Load(),
		Forged: c.forged.Load(), Refused: c.refused.Load(),
	}
	for i := range st.Ended {
		st.Ended[i] = c.ended[i].Load()
	}
}
