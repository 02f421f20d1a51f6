package linux

import (
	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// Wait implements batch.Poller.
func (p *Poller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	if !p.lease.enter(p.shut) {
		return 0, batch.ErrClosed
	}
	n := p.wait(deadline, ready)
	ended := p.lease.ended()
	p.lease.leave(p.shut)
	if ended {
		return 0, batch.ErrClosed
	}
	return n, nil
}

func (p *Poller) wait(deadline sched.Instant, ready []batch.Conn) int {
	if p.backlog.Load() > 0 {
		return p.addBacklog(ready, p.look(ready))
	}
	if p.idle.Strategy == batch.Park {
		n, _ := p.rest(deadline, ready)
		return n
	}
	begun := p.clock.Span()
	n, ended := 0, false
	if p.brisk || p.idle.Strategy == batch.Spin {
		n, ended = p.spin(begun, deadline, ready)
	}
	woken := ended
	if !ended {
		n, woken = p.rest(deadline, ready)
	}
	now := p.clock.Span()
	p.waited(now-begun, n > 0 || woken && now < deadline)
	return n
}

// rest parks, and reports whether somebody woke it.
func (p *Poller) rest(deadline sched.Instant, ready []batch.Conn) (n int, woken bool) {
	if !p.park.Park() {
		return p.look(ready), true
	}
	n = p.sleep(deadline, ready)
	woken = !p.park.Parked()
	p.park.Unpark()
	return n, woken
}

// gapMax is how much longer than a spin a gap may have been to have another spin: it is
// measured to the end of a wake, which takes some 10 µs, and 50 on a slow virtual machine.
const gapMax = 50 * sched.Microsecond

// waited measures gaps between events. A deadline is none: when it comes was known.
func (p *Poller) waited(span sched.Instant, event bool) {
	p.gap += span
	p.brisk = p.gap <= p.idle.SpinFor+gapMax && (event || p.brisk)
	if event {
		p.gap = 0
	}
}

// spin looks until something is there, a wake is due, or its time is over.
func (p *Poller) spin(begun, deadline sched.Instant, ready []batch.Conn) (n int, ended bool) {
	end := deadline
	if p.idle.Strategy == batch.SpinThenPark {
		end = min(end, begun.After(p.idle.SpinFor))
	}
	for {
		if n := p.look(ready); n > 0 {
			return n, true
		}
		if p.park.Take() {
			return 0, true
		}
		if p.lease.ended() {
			return 0, true
		}
		if now := p.clock.Span(); now >= end {
			return 0, now >= deadline
		}
	}
}

// look reports what is readable now.
func (p *Poller) look(ready []batch.Conn) int {
	for {
		n, errno := epollLook(p.epoll, p.room(ready))
		if errno == 0 {
			return p.report(n, ready)
		}
		if errno != unix.EINTR {
			panic("batch/linux: epoll_wait: " + errno.Error()) // EBADF, EFAULT, EINVAL: ours
		}
	}
}

// sleep parks until a Conn is readable, the bell rings, or the deadline. A
// signal begins it again with what is left of the span.
func (p *Poller) sleep(deadline sched.Instant, ready []batch.Conn) int {
	for {
		now, span := p.clock.Span(), forever
		if deadline != sched.Never {
			if span = int64(deadline - now); span <= 0 {
				return p.look(ready)
			}
		}
		if p.dozes && p.dozer.brief < briefMax && (span == forever || span > int64(dozeMin)) {
			return p.doze(now, deadline, ready)
		}
		long := p.dozes && (span == forever || span > int64(briefSpan))
		if long {
			span = int64(briefSpan)
		}
		n, errno := p.nap(ready, span)
		switch {
		case errno == 0 && (n > 0 || !long || !p.park.Parked()):
			return p.report(n, ready)
		case errno == 0:
			p.dozer.ended(briefSpan) // it is quiet again
		case errno != unix.EINTR:
			panic("batch/linux: epoll_pwait2: " + errno.Error())
		}
	}
}

// nap sleeps in the kernel, with the thread.
func (p *Poller) nap(ready []batch.Conn, span int64) (n int, errno unix.Errno) {
	if p.feat.pwait2 {
		return epollSleep2(p.epoll, p.room(ready), span)
	}
	return epollSleep(p.epoll, p.room(ready), span)
}

// room is where the kernel writes events: one for each place in ready, and for
// the bell and the timer.
func (p *Poller) room(ready []batch.Conn) []unix.EpollEvent {
	if n := len(ready) + others; n > len(p.events) {
		p.events = make([]unix.EpollEvent, n)
	}
	return p.events[:len(ready)+others]
}

// report turns n events into Conns. An event of a Conn that has been closed
// since, or that finds no room, is left out; readiness is a level.
func (p *Poller) report(n int, ready []batch.Conn) (filled int) {
	if n > 0 && p.dozer.open {
		p.dozer.swing(false)
	}
	conns := p.conns.All()
	for i := range p.events[:n] {
		ev := &p.events[i]
		if ev.Fd < 0 || int(ev.Fd) >= len(conns) || filled == len(ready) {
			continue
		}
		c := conns[ev.Fd]
		if c == nil || c.serial != ev.Pad {
			continue
		}
		if ev.Events&unix.EPOLLERR != 0 {
			c.erring.Store(true)
		}
		if ev.Events&unix.EPOLLOUT != 0 {
			c.drained()
		}
		ready[filled] = c
		filled++
	}
	return filled
}

// addBacklog adds the Conns that hold split datagrams to the n that are ready.
func (p *Poller) addBacklog(ready []batch.Conn, n int) int {
	for _, c := range p.conns.All() {
		if n == len(ready) {
			break
		}
		if c == nil || !c.pending.Load() || contains(ready[:n], c) {
			continue
		}
		ready[n] = c
		n++
	}
	return n
}

func contains(ready []batch.Conn, c *Conn) bool {
	for _, r := range ready {
		if r == batch.Conn(c) {
			return true
		}
	}
	return false
}
