package linux

import (
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

// recvMax is the longest batch that one call receives. More gains nothing: the
// measured knee is 8 to 16.
const recvMax = 32

// receiver is the room that the kernel fills with headers and addresses.
type receiver struct {
	family family
	many   bool // recvmmsg is permitted
	zones  zones
	hdrs   [recvMax]unix.Mmsghdr
	iovs   [recvMax]unix.Iovec
	names  [recvMax]name
	notes  *[recvMax]control // nil: nothing is asked for
}

// init lays the headers out; only the buffers change afterwards.
func (r *receiver) init(f family, many bool) {
	r.family, r.many = f, many
	for i := range r.hdrs {
		h := &r.hdrs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Namelen = f.length()
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
	}
}

// aim points the buffers of the headers at those of ms where they are not yet.
func (r *receiver) aim(ms []batch.Msg) {
	for i := range ms {
		b, v := unsafe.SliceData(ms[i].Buf), &r.iovs[i]
		if v.Base != b {
			v.Base = b
		}
		v.SetLen(len(ms[i].Buf))
		if r.notes != nil {
			r.hdrs[i].Hdr.SetControllen(controlBytes)
		}
	}
}

// call receives into the first n headers.
func (r *receiver) call(fd, n int) (int, unix.Errno) {
	if r.many {
		return recvmmsg(fd, r.hdrs[:n])
	}
	return recvmsgs(fd, r.hdrs[:n])
}

// harvest fills in what the kernel wrote about the first got messages and moves
// those that were cut short to the end.
func (r *receiver) harvest(ms []batch.Msg, got int, a *asked) (n, bytes int) {
	for i := range got {
		h := &r.hdrs[i]
		if h.Hdr.Flags&unix.MSG_TRUNC != 0 {
			continue
		}
		if n != i {
			ms[n].Buf, ms[i].Buf = ms[i].Buf, ms[n].Buf
		}
		m := &ms[n]
		m.N, m.Addr = int(h.Len), r.family.get(&r.names[i], &r.zones)
		if a != nil {
			a.noted(r.family, &r.notes[i], uint64(h.Hdr.Controllen), &r.names[i])
		}
		bytes += m.N
		n++
	}
	return n, bytes
}

// Recv implements batch.Conn.
func (c *Conn) Recv(ms []batch.Msg) (n int, err error) {
	if !c.lease.enter(c.shut) {
		return 0, batch.ErrClosed
	}
	defer c.lease.leave(c.shut)
	if c.erring.Load() {
		c.erring.Store(false)
		if c.said != nil {
			c.fetch()
		}
	}
	if c.gro != nil {
		return c.recvCoalesced(ms), nil
	}
	var bytes int
	for n < len(ms) {
		want := min(len(ms)-n, recvMax)
		part := ms[n : n+want]
		c.rx.aim(part)
		got := c.received(c.rx.call(c.fd, want))
		k, b := c.rx.harvest(part, got, c.asked)
		if k < got {
			c.count.oversize.Add(uint64(got - k))
		}
		n, bytes = n+k, bytes+b
		if got < want {
			break // drained
		}
	}
	if n > 0 {
		c.count.received.Add(uint64(n))
		c.count.receivedBytes.Add(uint64(bytes))
	}
	return n, nil
}

// received sorts the outcome of one call. No error ends a socket: what is not
// "nothing there" is counted, and the next turn tries again.
func (c *Conn) received(got int, errno unix.Errno) int {
	c.count.recvCalls.Add(1)
	switch errno {
	case 0:
		return got
	case unix.EAGAIN, unix.EINTR: // readiness is a level: the next Wait reports it
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EMSGSIZE: // of a datagram that had left: see Reports
	default:
		c.count.recvErrors.Add(1)
	}
	return 0
}
