package linux

import (
	"net/netip"
	"unsafe"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

// A coalesced receive is up to 64 KiB, so that a Conn with UDP_GRO keeps slots
// of its own: 512 KiB for eight.
const (
	coalescedSlots = 8
	coalescedBytes = 1 << 16
)

// coalescer receives large datagrams and deals out the small ones they were.
type coalescer struct {
	receiver
	large [coalescedSlots]control // tell a segment's length, and the address that was asked
	bytes []byte
	have  int // slots filled
	at    int // the one being dealt out
	used  int // bytes of it that are dealt out
}

func newCoalescer(f family, many bool) *coalescer {
	g := &coalescer{bytes: make([]byte, coalescedSlots*coalescedBytes)}
	g.init(f, many)
	for i := range g.large {
		g.hdrs[i].Hdr.Control = (*byte)(unsafe.Pointer(&g.large[i]))
		g.iovs[i].Base = &g.bytes[i*coalescedBytes]
		g.iovs[i].SetLen(coalescedBytes)
	}
	return g
}

// refill receives the next slots.
func (g *coalescer) refill(fd int) (int, unix.Errno) {
	for i := range g.large {
		g.hdrs[i].Hdr.SetControllen(controlBytes)
	}
	return g.call(fd, coalescedSlots)
}

// slot returns the filled slot at g.at: its bytes, the length of its segments
// (0 for a datagram that came alone), and who sent it.
func (g *coalescer) slot() (b []byte, segment int, from netip.AddrPort) {
	i := g.at * coalescedBytes
	b = g.bytes[i : i+int(g.hdrs[g.at].Len)]
	if p := (*int32)(g.large[g.at].find(uint64(g.hdrs[g.at].Hdr.Controllen), unix.IPPROTO_UDP, unix.UDP_GRO)); p != nil {
		segment = int(*p)
	}
	return b, segment, g.family.get(&g.names[g.at], &g.zones)
}

// recvCoalesced is Recv through large slots. What finds no room in ms waits
// here, and Wait reports the Conn for it.
func (c *Conn) recvCoalesced(ms []batch.Msg) (n int) {
	g := c.gro
	var bytes int
	for n < len(ms) {
		if g.at == g.have {
			g.at, g.used, g.have = 0, 0, c.received(g.refill(c.fd))
			if g.have == 0 {
				break
			}
		}
		b, segment, from := g.slot()
		if g.used == 0 && c.asked != nil {
			c.asked.noted(g.family, &g.large[g.at], uint64(g.hdrs[g.at].Hdr.Controllen), &g.names[g.at])
		}
		if g.used == 0 && segment > 0 && segment < len(b) {
			c.count.coalescedRuns.Add(1)
		}
		k, used, over := batch.Split(ms[n:], b[g.used:], segment, from)
		for _, m := range ms[n : n+k] {
			bytes += m.N
		}
		if over > 0 {
			c.count.oversize.Add(uint64(over))
		}
		n += k
		if g.used += used; g.used == len(b) {
			g.at, g.used = g.at+1, 0
		}
	}
	if n > 0 {
		c.count.received.Add(uint64(n))
		c.count.receivedBytes.Add(uint64(bytes))
	}
	c.owe(g.at < g.have)
	return n
}

// owe tells the Poller whether this Conn holds datagrams of which the kernel
// does not know.
func (c *Conn) owe(more bool) {
	if c.pending.Load() == more {
		return
	}
	c.pending.Store(more)
	if more {
		c.poller.backlog.Add(1)
	} else {
		c.poller.backlog.Add(-1)
	}
}
