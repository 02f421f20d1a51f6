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
	// sleep costs no P, so that the runtime's monitor sleeps too: in epoll_pwait2 a
	// process whose loop wakes up thirty times a second has a monitor that wakes up
	// hundreds of times, and each sleep of a few microseconds begins that anew.
	dozeMin = 50 * sched.Microsecond

	// briefMax is how many dozes in a row may end within briefSpan. After them waits
	// are in epoll_pwait2 until one is longer: under load a deadline is far away and
	// the next datagram is not, and a doze costs the runtime two more switches.
	briefMax  = 4
	briefSpan = 2 * sched.Millisecond
)

// dozer waits for the Poller's epoll as for any other file, through a gate: an
// epoll of its own, which the runtime watches, and which watches the Poller's only
// while it is open. Without it each datagram would wake a thread of the runtime
// though the loop is awake.
//
// Deadlines are those of a timer in the Poller's epoll, and so events like others.
// A deadline of the file would be a timer of the runtime: it ends up to a millisecond
// late, a thread that finds one due wakes another thread to look for more work, and
// each new one may interrupt the thread that sleeps for the one before.
type dozer struct {
	epoll  int
	fd     int             // of the gate
	timer  int             // the timer's
	armed  sched.Instant   // when the timer ends; 0: it was never set
	spec   unix.ItimerSpec // what it is set to
	gate   *os.File
	raw    syscall.RawConn       // of the gate
	look   func(fd uintptr) bool // bound once: a method value allocates
	events int                   // that look found
	room   []unix.EpollEvent
	locked bool        // the caller of Wait is locked to its thread
	open   bool        // the gate
	brief  int         // dozes in a row that ended within briefSpan
	asleep atomic.Bool // in the runtime's poller, or about to be
	roused atomic.Bool // the gate's deadline is over
}

// init makes the gate and hands it over to the runtime. It reports false where
// that does not take it; then every wait is in epoll_pwait2.
func (d *dozer) init(epoll int, locked bool) bool {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	d.epoll, d.fd, d.locked = epoll, fd, locked
	d.timer, err = unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil { // before Linux 3.15
		d.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	}
	if err != nil {
		unix.Close(fd)
		return false
	}
	tick := unix.EpollEvent{Events: unix.EPOLLIN | epollET, Fd: timerIndex}
	if unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, d.timer, &tick) != nil ||
		unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, epoll, &unix.EpollEvent{}) != nil || unix.SetNonblock(fd, true) != nil {
		unix.Close(d.timer)
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

// close closes the gate and the timer, if there are any.
func (d *dozer) close() {
	if d.gate != nil {
		d.gate.Close()
		unix.Close(d.timer)
	}
}

// arm sets the timer. An end that is there already stays.
func (d *dozer) arm(now, deadline sched.Instant) {
	if deadline == d.armed || deadline == sched.Never && d.armed <= now {
		return
	}
	d.spec = unix.ItimerSpec{}
	if deadline != sched.Never {
		d.spec.Value = unix.NsecToTimespec(int64(deadline - now))
	}
	if err := unix.TimerfdSettime(d.timer, 0, &d.spec, nil); err != nil {
		panic("batch/linux: timerfd_settime: " + err.Error()) // EBADF, EFAULT, EINVAL: ours
	}
	d.armed = deadline
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
// gate before it looks; report shuts it when there is something.
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
	if !d.asleep.Load() || d.gate.SetReadDeadline(past) != nil {
		return false
	}
	d.roused.Store(true) // afterwards: what is cleared is over
	return true
}

// past is over.
var past = time.Unix(1, 0)

// doze sleeps until there are events, or to the deadline. The thread is not
// kept meanwhile: others may run on it.
func (p *Poller) doze(now, deadline sched.Instant, ready []batch.Conn) int {
	d := &p.dozer
	d.asleep.Store(true)
	defer d.asleep.Store(false)
	if d.roused.Swap(false) && d.gate.SetReadDeadline(time.Time{}) != nil || !p.park.Parked() { // a wake may have come before
		return p.look(ready)
	}
	d.arm(now, deadline)
	d.room, d.events = p.room(ready), 0
	if d.locked {
		runtime.UnlockOSThread()
	}
	d.raw.Read(d.look) // to be roused is no error here
	if d.locked {
		runtime.LockOSThread()
	}
	d.ended(p.clock.Span() - now)
	return p.report(d.events, ready)
}

// ended takes note of how long a sleep was.
func (d *dozer) ended(span sched.Instant) {
	if span >= briefSpan {
		d.brief = 0
	} else {
		d.brief = min(d.brief+1, briefMax)
	}
}
