package linux

import (
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

const (
	saidMax    = 16 // errors fetched by one call
	saidRounds = 32 // calls of one Recv: beyond that it is a flood
)

// reporter reads the socket's queue of errors: what hosts and routers said of
// datagrams that had left. There is one only where the kernel offers it.
type reporter struct {
	family family
	zones  zones
	hdrs   [saidMax]unix.Mmsghdr
	names  [saidMax]name
	notes  [saidMax]control
	kept   [batch.ReportsMax]batch.Report
	from   int // the oldest
	count  int
}

// hear asks the kernel for errors. The socket works without.
func (c *Conn) hear(f family) {
	on := func(level, option int) bool { return unix.SetsockoptInt(c.fd, level, option, 1) == nil }
	ok := f == six || on(unix.IPPROTO_IP, unix.IP_RECVERR)
	if f != four {
		ok = on(unix.IPPROTO_IPV6, unix.IPV6_RECVERR) && ok
	}
	if !ok || !c.poller.feat.recvmmsg {
		c.deaf()
		return
	}
	r := &reporter{family: f}
	for i := range r.hdrs {
		h := &r.hdrs[i].Hdr
		h.Name = (*byte)(unsafe.Pointer(&r.names[i]))
		h.Control = (*byte)(unsafe.Pointer(&r.notes[i]))
	}
	c.said = r
}

// deaf takes that back.
func (c *Conn) deaf() {
	unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_RECVERR, 0)
	if c.family != four {
		unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 0)
	}
}

// fetch empties the kernel's queue of errors, which waits in the memory that
// datagrams wait in. It reports whether there was something.
func (c *Conn) fetch() (some bool) {
	r := c.said
	for range saidRounds {
		for i := range r.hdrs {
			h := &r.hdrs[i].Hdr
			h.Namelen = r.family.length()
			h.SetControllen(int(unsafe.Sizeof(r.notes[i])))
		}
		n, errno := errmmsg(c.fd, r.hdrs[:])
		if errno != 0 || n <= 0 {
			return some
		}
		some = true
		for i := range n {
			r.take(i)
		}
		if n < saidMax {
			return some
		}
	}
	c.deaf()
	c.notice("IP_RECVERR is off: a flood of ICMP errors; closed ports and short paths are found by time-outs")
	return some
}

// take keeps one error; the oldest gives way.
func (r *reporter) take(i int) {
	said := r.notes[i].find(uint64(r.hdrs[i].Hdr.Controllen), unix.IPPROTO_IP, unix.IP_RECVERR)
	if said == nil {
		said = r.notes[i].find(uint64(r.hdrs[i].Hdr.Controllen), unix.IPPROTO_IPV6, unix.IPV6_RECVERR)
	}
	if said == nil {
		return
	}
	what := (*unix.SockExtendedErr)(said)
	kind := batch.KindOf(unix.Errno(what.Errno))
	told := what.Origin == unix.SO_EE_ORIGIN_ICMP || what.Origin == unix.SO_EE_ORIGIN_ICMP6
	if !told || kind != batch.Refused && kind != batch.TooLong && kind != batch.Unreachable {
		return // what the kernel itself says, it says to the send
	}
	rep := batch.Report{Kind: kind, Addr: r.family.get(&r.names[i], &r.zones)}
	if kind == batch.TooLong {
		rep.Bytes = int(what.Info)
	}
	r.kept[(r.from+r.count)%len(r.kept)] = rep
	if r.count < len(r.kept) {
		r.count++
	} else {
		r.from = (r.from + 1) % len(r.kept)
	}
}

// Reports implements batch.Reporter.
func (c *Conn) Reports(rs []batch.Report) (n int) {
	r := c.said
	if r == nil {
		return 0
	}
	for n < len(rs) && r.count > 0 {
		rs[n] = r.kept[r.from]
		r.from = (r.from + 1) % len(r.kept)
		r.count--
		n++
	}
	return n
}
