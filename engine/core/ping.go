package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// pings are the probes that the shell asked for, beside those of the detector.
// They decide nothing.
type pings struct {
	list [16]ping
	next int
	due  int // of them wait to be sent
}

type ping struct {
	peer   uint32 // 0: free
	nonce  uint32
	due    bool
	number uint64
	sent   sched.Instant
}

// Ping probes a member; its answer is told as a Ponged event with this number.
// Nothing is told of one that does not come. There is room for 16 at once; the
// oldest gives way. False: there is no such member, or no detector.
func (c *Core) Ping(now sched.Instant, p uint32, number uint64) bool {
	c.enter(now)
	if _, ok := c.Peer(p); !ok || c.lab.NoDetector {
		return false
	}
	s := &c.pings
	g := &s.list[s.next]
	s.next = (s.next + 1) % len(s.list)
	if g.due {
		s.due--
	}
	*g = ping{peer: p, nonce: uint32(c.rand.Uint64()), number: number, due: true}
	s.due++
	return true
}

// composePing encodes the next probe that was asked for.
func (c *Core) composePing(dst []byte) (n int, to netip.AddrPort, ok bool) {
	s := &c.pings
	for i := range s.list {
		if s.due == 0 {
			break
		}
		g := &s.list[i]
		if !g.due {
			continue
		}
		g.due, g.sent = false, c.now
		s.due--
		q := &c.peers[g.peer]
		if q.origin == 0 || !q.addr.IsValid() || !c.guard.Reachable(g.peer) {
			continue
		}
		b, _ := c.beginDetector(dst)
		b = codec.AppendProbe(b, &codec.Probe{
			Target: q.id, Nonce: g.nonce, Incarnation: c.live.Incarnation(g.peer), Health: c.live.Health(),
		})
		if b = c.finish(b, g.peer); len(b) > 0 {
			return c.endDetector(b), q.addr, true
		}
	}
	return 0, to, false
}

// ponged looks whether an answer to a probe is one to a Ping.
func (c *Core) ponged(p uint32, body []byte) {
	var a codec.ProbeAck
	if codec.ParseProbeAck(body, &a) != nil {
		return
	}
	for i := range c.pings.list {
		g := &c.pings.list[i]
		if g.peer == p && p != 0 && g.nonce == a.Nonce && !g.due {
			c.queue.push(Event{Kind: Ponged, Peer: p, From: g.number, To: uint64(max(0, c.arrived-g.sent))})
			*g = ping{}
			return
		}
	}
}
