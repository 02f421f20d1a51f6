package linux

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// Places of the eventfd and of the timer in an event, where Conns have their index.
const (
	bellIndex  = -1
	timerIndex = -2
	others     = 2
)

// Poller is one epoll with an eventfd to end its sleep.
type Poller struct {
	feat  features
	clock batch.Clock
	epoll int
	bell  int
	lease lease
	shut  func() // bound once: a method value allocates

	park    batch.Parker
	conns   batch.Table[*Conn] // by index; nil where closed
	backlog atomic.Int32       // Conns that hold datagrams the kernel no longer has

	// Fields below belong to the caller of Wait.
	idle   batch.Idle
	parks  string        // why it parks though it was to spin
	gap    sched.Instant // waited since the last event
	brisk  bool          // the last gap was short: the next may be, too
	dozer  dozer
	dozes  bool              // long waits go through the runtime's poller
	events []unix.EpollEvent // as many as were asked for
}

// New returns a Poller, or batch.ErrUnsupported where not even epoll is to be
// had; batch/portable serves then. Its dynamic type implements batch.Noticer
// and batch.IdleSetter.
func New(opt batch.PollerOptions) (batch.Poller, error) {
	p, err := newPoller(opt, probed())
	if err != nil {
		return nil, err
	}
	return p, nil
}

func newPoller(opt batch.PollerOptions, feat features) (*Poller, error) {
	p := &Poller{feat: feat, epoll: -1, bell: -1}
	if opt.Boot == nil {
		opt.Boot = Boot
	}
	p.clock.Begin(opt.Boot)
	p.shut = p.giveBack
	p.SetIdle(opt.Idle)
	var err error
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("%w: epoll_create1: %w", batch.ErrUnsupported, err)
	}
	if p.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		p.giveBack()
		return nil, fmt.Errorf("%w: eventfd: %w", batch.ErrUnsupported, err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN | epollET, Fd: bellIndex}
	if err = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, p.bell, &ev); err != nil {
		p.giveBack()
		return nil, fmt.Errorf("%w: epoll_ctl: %w", batch.ErrUnsupported, err)
	}
	p.dozes = p.dozer.init(p.epoll, opt.Locked)
	return p, nil
}

// epollET is unix.EPOLLET as the bit of an unsigned word that it is.
const epollET uint32 = 1 << 31

// giveBack closes the descriptors.
func (p *Poller) giveBack() {
	p.dozer.close()
	if p.epoll >= 0 {
		unix.Close(p.epoll)
	}
	if p.bell >= 0 {
		unix.Close(p.bell)
	}
}

// SetIdle implements batch.IdleSetter. Where nobody is helped by a spin the strategy
// is to park, and Notices says why.
func (p *Poller) SetIdle(i batch.Idle) {
	p.parks = ""
	if i.Strategy != batch.Park {
		p.parks = lonely()
	}
	if p.parks != "" {
		i.Strategy = batch.Park
	}
	if i.SpinFor <= 0 {
		i.SpinFor = batch.SpinForDefault
	}
	p.idle = i
}

// Notices implements batch.Noticer.
func (p *Poller) Notices() []string {
	lines := p.feat.notices()
	if p.parks != "" {
		lines = append(lines, "the loop parks where it was to spin: "+p.parks)
	}
	return lines
}

// Now implements batch.Poller. The origin is the Poller's creation.
func (p *Poller) Now() sched.Instant { return p.clock.Now() }

// Wake implements batch.Poller.
func (p *Poller) Wake() {
	if p.park.Notify() && !p.dozer.rouse() {
		p.ring()
	}
}

func (p *Poller) ring() {
	if p.lease.enter(p.shut) {
		ring(p.bell)
		p.lease.leave(p.shut)
	}
}

// Close implements batch.Poller.
func (p *Poller) Close() error {
	if !p.lease.enter(p.shut) {
		return batch.ErrClosed
	}
	defer p.lease.leave(p.shut)
	if !p.lease.end(p.shut) {
		return batch.ErrClosed
	}
	ring(p.bell) // after the end, so that a sleeper that wakes sees it
	return nil
}

// add finds c a place in the table.
func (p *Poller) add(c *Conn) {
	p.conns.Change(func(cs []*Conn) []*Conn {
		c.index = slices.Index(cs, nil)
		if c.index < 0 {
			c.index = len(cs)
			cs = append(cs, nil)
		}
		cs[c.index] = c
		return cs
	})
}

func (p *Poller) remove(c *Conn) {
	p.conns.Change(func(cs []*Conn) []*Conn {
		cs[c.index] = nil
		return cs
	})
}
