package linux

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

const (
	// dozeMin is the shortest wait that goes through the runtime's poller. There a
	// sleep ends up to a millisecond late, but costs no P, so that the runtime's
	// monitor sleeps too: in epoll_pwait2 a process whose loop wakes up thirty times a
	// second has a monitor that wakes up hundreds of times.
	dozeMin = 2 * sched.Millisecond

	// briefMax is how many dozes in a row may end within dozeMin. After them waits
	// are in epoll_pwait2 until one is longer: under load a deadline is far away and
	// the next datagram is not, and a doze costs the runtime two more switches.
	briefMax = 4
)

// dozer waits for the Poller's epoll as for any other file, through a gate: an
// epoll of its own, which the runtime watches, and which watches the Poller's only
// while it is open. Without it each datagram would wake a thread of the runtime
// though the loop is awake.
type dozer struct {
	epoll  int
	fd     int // of the gate
	gate   *os.File
	raw    syscall.RawConn       // of the gate
	look   func(fd uintptr) bool // bound once: a method value allocates
	events int                   // that look found
	room   []unix.EpollEvent
	locked bool        // the caller of Wait is locked to its thread
	open   bool        // the gate
	brief  int         // dozes in a row that ended within dozeMin
	asleep atomic.Bool // in the runtime's poller, or about to be
}

// init makes the gate and hands it over to the runtime. It reports false where
// that does not take it; then every wait is in epoll_pwait2.
func (d *dozer) init(epoll int, locked bool) bool {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	d.epoll, d.fd, d.locked = epoll, fd, locked
	if unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, epoll, &unix.EpollEvent{}) != nil || unix.SetNonblock(fd, true) != nil {
		unix.Close(fd)
		return false
	}
	d.gate = os.NewFile(uintptr(fd), "epoll")
	if d.raw, err = d.gate.SyscallConn(); err == nil {
		err = d.gate.SetReadDeadline(time.Time{})
	}
	d.look = d.found
	return err == nil
}

// close closes the gate, if there is one.
func (d *dozer) close() {
	if d.gate != nil {
		d.gate.Close()
	}
}

// swing opens or shuts the gate. An event that is there when it opens, or comes
// later, reaches the runtime.
func (d *dozer) swing(open bool) {
	var ev unix.EpollEvent
	if open {
		ev.Events = unix.EPOLLIN
	}
	if err := unix.EpollCtl(d.fd, unix.EPOLL_CTL_MOD, d.epoll, &ev); err != nil {
		panic("batch/linux: epoll_ctl: " + err.Error()) // EBADF, EINVAL, ENOENT: ours
	}
	d.open = open
}

// found is called by the runtime before it parks and after each wake. It opens the
// gate before it looks; report shuts it when there is something: so a row of sleeps
// that nothing but their deadlines ends takes no call for it.
func (d *dozer) found(uintptr) bool {
	if !d.open {
		d.swing(true)
	}
	n, errno := epollLook(d.epoll, d.room)
	d.events = n
	return n > 0 || errno != 0 && errno != unix.EINTR
}

// rouse ends a doze at once: by a deadline that is over, which makes the goroutine
// runnable from here. An event of the epoll would have to wait, when all processors
// are busy, until the runtime looks for events.
func (d *dozer) rouse() bool {
	return d.asleep.Load() && d.gate.SetReadDeadline(past) == nil
}

// past is over.
var past = time.Unix(1, 0)

// doze sleeps until there are events, or to the deadline. The thread is not
// kept meanwhile: others may run on it.
func (p *Poller) doze(now, deadline sched.Instant, ready []batch.Conn) int {
	d := &p.dozer
	var at time.Time
	if deadline != sched.Never {
		at = p.start.Add(time.Duration(deadline))
	}
	d.asleep.Store(true)
	defer d.asleep.Store(false)
	if d.gate.SetReadDeadline(at) != nil || !p.park.Parked() { // a wake may have come before the deadline was set
		return p.look(ready)
	}
	d.room, d.events = p.room(ready), 0
	if d.locked {
		runtime.UnlockOSThread()
	}
	d.raw.Read(d.look) // the deadline's end is no error here
	if d.locked {
		runtime.LockOSThread()
	}
	d.ended(p.Now() - now)
	return p.report(d.events, ready)
}

// ended takes note of how long a sleep was.
func (d *dozer) ended(span sched.Instant) {
	if span >= dozeMin {
		d.brief = 0
	} else {
		d.brief = min(d.brief+1, briefMax)
	}
}
