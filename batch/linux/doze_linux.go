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

// dozeMin is the shortest wait that goes through the runtime's poller. There a
// sleep ends up to a millisecond late, but costs no P, so that the runtime's
// monitor sleeps too: in epoll_pwait2 a process whose loop wakes up thirty times a
// second has a monitor that wakes up hundreds of times.
const dozeMin = 2 * sched.Millisecond

// dozer waits for the epoll as for any other file. An epoll can be polled.
type dozer struct {
	file   *os.File
	raw    syscall.RawConn
	look   func(fd uintptr) bool // bound once: a method value allocates
	events int                   // that look found
	room   []unix.EpollEvent
	locked bool        // the caller of Wait is locked to its thread
	asleep atomic.Bool // in the runtime's poller, or about to be
}

// init hands the epoll over to the runtime. It reports false where that does
// not take it; then every wait is in epoll_pwait2.
func (d *dozer) init(epoll int, locked bool) bool {
	if unix.SetNonblock(epoll, true) != nil {
		return false
	}
	f := os.NewFile(uintptr(epoll), "epoll")
	raw, err := f.SyscallConn()
	if err == nil {
		err = f.SetReadDeadline(time.Time{})
	}
	d.file, d.locked = f, locked
	if err != nil {
		return false
	}
	d.raw, d.look = raw, d.found
	return true
}

// found is called by the runtime before it parks and after each wake.
func (d *dozer) found(fd uintptr) bool {
	n, errno := epollLook(int(fd), d.room)
	d.events = n
	return n > 0 || errno != 0 && errno != unix.EINTR
}

// rouse ends a doze at once: by a deadline that is over, which makes the goroutine
// runnable from here. An event of the epoll would have to wait, when all processors
// are busy, until the runtime looks for events.
func (d *dozer) rouse() bool {
	return d.asleep.Load() && d.file.SetReadDeadline(past) == nil
}

// past is over.
var past = time.Unix(1, 0)

// doze sleeps until there are events, or to the deadline. The thread is not
// kept meanwhile: others may run on it.
func (p *Poller) doze(deadline sched.Instant, ready []batch.Conn) int {
	d := &p.dozer
	var at time.Time
	if deadline != sched.Never {
		at = p.start.Add(time.Duration(deadline))
	}
	d.asleep.Store(true)
	defer d.asleep.Store(false)
	if d.file.SetReadDeadline(at) != nil || !p.park.Parked() { // a wake may have come before the deadline was set
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
	return p.report(d.events, ready)
}
