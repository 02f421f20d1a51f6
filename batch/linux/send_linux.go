package linux

import (
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

const (
	sendMax     = 64 // messages handed to the kernel at a time
	segmentsMax = 64 // UDP_MAX_SEGMENTS before Linux 6.9; 128 since
	runMin      = 2  // shortest run that is sent segmented

	// lateMax bounds how often a send that failed is tried again, since errors of
	// earlier datagrams come in its way.
	lateMax = 2

	// refusalsMax segmented runs refused in a row turn segmentation off.
	refusalsMax = 8
)

// sender is the room in which sends are laid out. Message i of a batch has
// buffer i; header h speaks for the messages from first[h] to first[h+1].
type sender struct {
	family   family
	many     bool // sendmmsg is permitted
	segments bool // UDP_SEGMENT is on
	refusals int  // segmented runs refused in a row
	zones    zones
	hdrs     [sendMax]unix.Mmsghdr
	iovs     [sendMax]unix.Iovec
	names    [sendMax]name
	notes    [sendMax]control
	sourced  [sendMax]bool // the header names the address that it leaves from
	asked    *asked        // nil: the route chooses it
	first    [sendMax + 1]int
}

// init lays out what never changes.
func (t *sender) init(f family, many bool) {
	t.family, t.many = f, many
	for i := range t.hdrs {
		t.hdrs[i].Hdr.Name = (*byte)(unsafe.Pointer(&t.names[i]))
		t.hdrs[i].Hdr.Namelen = f.length()
	}
}

// lay prepares headers for ms up to the first message that can't be sent at
// all, whose kind it returns. The first plain messages are not segmented.
func (t *sender) lay(ms []batch.Msg, plain int) (heads int, bad batch.ErrorKind) {
	at := 0
	for at < len(ms) {
		m := &ms[at]
		if uint(m.N) > uint(len(m.Buf)) || m.N > batch.DatagramBytesMax {
			bad = batch.TooLong
			break
		}
		if !t.family.put(&t.names[heads], m.Addr, &t.zones) {
			bad = batch.Unreachable
			break
		}
		run := 1
		if t.segments && at >= plain {
			run = batch.RunLength(ms[at:], segmentsMax, batch.DatagramBytesMax)
		}
		t.head(heads, ms, at, run)
		at += run
		heads++
	}
	t.first[heads] = at
	return heads, bad
}

// head makes header h speak for the run of messages at at.
func (t *sender) head(h int, ms []batch.Msg, at, run int) {
	for i := at; i < at+run; i++ {
		t.iovs[i].Base = unsafe.SliceData(ms[i].Buf)
		t.iovs[i].SetLen(ms[i].N)
	}
	t.first[h] = at
	hdr := &t.hdrs[h].Hdr
	hdr.Iov = &t.iovs[at]
	hdr.SetIovlen(run)
	end := 0
	if run >= runMin {
		var data unsafe.Pointer
		data, end = t.notes[h].put(0, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 2)
		*(*uint16)(data) = uint16(ms[at].N)
	}
	t.sourced[h] = false
	if t.asked != nil {
		if p := t.asked.of(t.family.key(&t.names[h])); p != nil {
			t.sourced[h], end = true, p.source(t.family, &t.notes[h], end)
		}
	}
	hdr.Control = nil
	if end > 0 {
		hdr.Control = (*byte)(unsafe.Pointer(&t.notes[h]))
	}
	hdr.SetControllen(end)
}

// call sends the headers from h up to end.
func (t *sender) call(fd, h, end int) (int, unix.Errno) {
	if t.many {
		return sendmmsg(fd, t.hdrs[h:end])
	}
	return sendmsgs(fd, t.hdrs[h:end])
}

// Send implements batch.Conn.
func (c *Conn) Send(ms []batch.Msg) (n int, err error) {
	if !c.lease.enter(c.shut) {
		return 0, batch.ErrClosed
	}
	defer c.lease.leave(c.shut)
	plain := 0
	for n < len(ms) {
		part := ms[n:min(n+sendMax, len(ms))]
		heads, bad := c.tx.lay(part, plain)
		done, errno := c.push(heads)
		sent := c.tx.first[done]
		c.account(part[:sent], done)
		n += sent
		switch {
		case errno == 0 && bad != 0:
			return n, c.refused(bad)
		case errno == 0:
			plain = max(plain-sent, 0)
		case c.moved(done, errno):
		case c.segmented(done) && segmentRefusal(errno):
			plain = c.unsegment(done, errno)
		default:
			return n, c.refused(batch.KindOf(errno))
		}
	}
	return n, nil
}

// push sends heads headers and returns how many left. An errno belongs to the
// header behind those.
func (c *Conn) push(heads int) (done int, errno unix.Errno) {
	again := 0
	for done < heads {
		var k int
		k, errno = c.tx.call(c.fd, done, heads)
		c.count.sendCalls.Add(1)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 && late(errno) && c.said != nil && again < lateMax {
			again++
			c.fetch() // the errno may be that of an earlier datagram; then it is gone now
			continue
		}
		if errno != 0 {
			return done, errno
		}
		again = 0
		done += k // a short count says nothing: the next call tells why
	}
	return done, 0
}

// account counts messages that left under done headers.
func (c *Conn) account(ms []batch.Msg, done int) {
	if len(ms) == 0 {
		return
	}
	bytes := 0
	for i := range ms {
		bytes += ms[i].N
	}
	c.count.sent.Add(uint64(len(ms)))
	c.count.sentBytes.Add(uint64(bytes))
	if len(ms) == done {
		return
	}
	runs := 0
	for h := range done {
		if c.segmented(h) {
			runs++
		}
	}
	c.count.runs.Add(uint64(runs))
	c.tx.refusals = 0
}

// refused counts a refusal and returns it as the error that Send ends with.
func (c *Conn) refused(kind batch.ErrorKind) error {
	c.count.sendErrors[kind].Add(1)
	if kind == batch.Again {
		c.drain()
	}
	return kind
}

// segmented reports whether header h was laid as a segmented run.
func (c *Conn) segmented(h int) bool { return c.tx.first[h+1]-c.tx.first[h] >= runMin }

// unsegment returns how many of the next messages are to be sent one by one,
// because the run of header h was refused.
func (c *Conn) unsegment(h int, errno unix.Errno) int {
	c.count.retries.Add(1)
	if c.tx.refusals++; errno == unix.EIO || c.tx.refusals >= refusalsMax {
		c.tx.segments = false
		c.notice("UDP_SEGMENT is off: the kernel refused runs with " + errno.Error() + "; datagrams leave one by one")
	}
	return c.tx.first[h+1] - c.tx.first[h]
}
