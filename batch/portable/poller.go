package portable

import (
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Poller parks on a channel until a reader goroutine or a Wake rings it.
type Poller struct {
	clock batch.Clock
	conns batch.Table[*Conn]
	park  batch.Parker
	bell  chan struct{} // one ring at most is outstanding
	done  atomic.Bool

	// Fields below belong to the caller of Wait.
	timer *time.Timer
	from  int // where the next scan starts, so that all Conns get their turn
}

// New returns a Poller. It never fails. The idle strategy is always to park: a
// goroutine that spins keeps the runtime from its network poller.
func New(opt batch.PollerOptions) *Poller {
	p := &Poller{bell: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	p.timer.Stop()
	p.clock.Begin(opt.Boot)
	return p
}

// Now implements batch.Poller. The origin is the Poller's creation.
func (p *Poller) Now() sched.Instant { return p.clock.Now() }

// Wait implements batch.Poller.
func (p *Poller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	if p.done.Load() {
		return 0, batch.ErrClosed
	}
	if n := p.scan(ready); n > 0 {
		return n, nil
	}
	if !p.park.Park() {
		return p.scan(ready), p.closed()
	}
	// Whoever publishes after this scan sees the word parked and rings.
	n := p.scan(ready)
	if n == 0 {
		p.sleep(deadline)
		n = p.scan(ready)
	}
	p.park.Unpark()
	return n, p.closed()
}

// sleep returns at a ring or at the deadline. A ring left over from an earlier
// Wait finds the word still parked and is ignored.
func (p *Poller) sleep(deadline sched.Instant) {
	if deadline == sched.Never {
		for p.park.Parked() {
			<-p.bell
		}
		return
	}
	span := deadline - p.clock.Span()
	if span <= 0 {
		return
	}
	p.timer.Reset(time.Duration(span))
	defer p.timer.Stop()
	for p.park.Parked() {
		select {
		case <-p.bell:
		case <-p.timer.C:
			return
		}
	}
}

// scan fills ready with the Conns whose inboxes hold something.
func (p *Poller) scan(ready []batch.Conn) (n int) {
	conns := p.conns.All()
	if len(conns) == 0 {
		return 0
	}
	at := p.from % len(conns)
	for range conns {
		if n == len(ready) {
			break
		}
		c := conns[at]
		if at++; at == len(conns) {
			at = 0
		}
		if c.inbox.came.Len() > 0 {
			ready[n] = c
			n++
		}
	}
	if n > 0 {
		p.from = at
	}
	return n
}

// Wake implements batch.Poller.
func (p *Poller) Wake() {
	if p.park.Notify() {
		p.rung()
	}
}

// arrived is called by readers after they published a datagram.
func (p *Poller) arrived() {
	if p.park.NotifyParked() {
		p.rung()
	}
}

func (p *Poller) rung() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// Close implements batch.Poller.
func (p *Poller) Close() error {
	if p.done.Swap(true) {
		return batch.ErrClosed
	}
	p.Wake()
	return nil
}

func (p *Poller) closed() error {
	if p.done.Load() {
		return batch.ErrClosed
	}
	return nil
}
