package enginetest

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// heldMax bounds the bytes that wait for one socket; what comes when it is full is lost, as where a
// kernel's buffer is full.
const heldMax = 4 << 20

// held is a datagram that waits until it is due.
type held struct {
	due  sched.Instant // Never: until its receiver thaws
	from netip.AddrPort
	data []byte
}

func (n *network) setDelay(d time.Duration) {
	n.mu.Lock()
	n.delay = sched.Instant(d)
	n.mu.Unlock()
}

func (n *network) freeze(member int) {
	n.mu.Lock()
	n.frozen[member] = true
	n.mu.Unlock()
}

// thaw lets through what was held for a member.
func (n *network) thaw(member int) {
	now := n.Now()
	n.mu.Lock()
	delete(n.frozen, member)
	for _, c := range n.list {
		if n.member(c) != member {
			continue
		}
		for i := range c.held {
			c.held[i].due = min(c.held[i].due, now)
		}
	}
	n.mu.Unlock()
	n.Wake()
}

// member is whose socket a connection is; -1: nobody's yet.
func (n *network) member(c *conn) int {
	if m, ok := n.places[c.LocalAddr()]; ok {
		return m
	}
	return -1
}

// due is when the next held datagram is.
func (n *network) due() sched.Instant {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := sched.Instant(sched.Never)
	for _, c := range n.list {
		at = min(at, c.due())
	}
	return at
}

// wake adds the sockets for which something is due to those that are ready, of which there are k.
func (n *network) wake(ready []batch.Conn, k int) int {
	now := n.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.list {
		if k < len(ready) && c.due() <= now && !slices.Contains(ready[:k], batch.Conn(c)) {
			ready[k] = c
			k++
		}
	}
	return k
}

// holds tells whether a datagram that arrives has to wait, and keeps it then.
func (n *network) holds(c *conn, m *batch.Msg) bool {
	now := n.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	due := now + n.delay
	if n.frozen[n.member(c)] {
		due = sched.Never
	}
	if due <= now {
		return false
	}
	if c.size+m.N <= heldMax {
		c.held, c.size = append(c.held, held{due, m.Addr, bytes.Clone(m.Buf[:m.N])}), c.size+m.N
	}
	return true
}

// due is when the first of what waits is; it is not always the next that came.
func (c *conn) due() sched.Instant {
	at := sched.Instant(sched.Never)
	for i := range c.held {
		at = min(at, c.held[i].due)
	}
	return at
}

// release fills ms with what has waited long enough, and tells how many there were.
func (c *conn) release(ms []batch.Msg) (k int) {
	now := c.net.Now()
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.held = slices.DeleteFunc(c.held, func(h held) bool {
		if k == len(ms) || h.due > now {
			return false
		}
		ms[k].N, ms[k].Addr = copy(ms[k].Buf, h.data), h.from
		c.size -= len(h.data)
		k++
		return true
	})
	return k
}

// Send loses what a frozen member sends.
func (c *conn) Send(ms []batch.Msg) (int, error) {
	c.net.mu.Lock()
	silent := c.net.frozen[c.net.member(c)]
	c.net.mu.Unlock()
	if silent {
		return len(ms), nil
	}
	return c.Conn.Send(ms)
}
