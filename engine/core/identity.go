package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// A node's identity is its name and its generation. The highest generation of
// a name wins everywhere. What can go wrong, and what happens then:
//
//   - we meet our own name with a higher generation, at our own address or at
//     one that does not answer: it was an earlier life of ours, with a clock
//     that was ahead. We take a generation above it (renew).
//   - it answers: a live rival. The lower generation loses: it stops writing
//     and says so. Nobody escalates. It greets the rival from time to time, and
//     when that one is gone it takes a generation above it and writes again.
//   - others hold more of our own generation than we wrote (a lost disk, or a
//     forgery): we renew, and publish what we have under the new generation.

const (
	rivalWait  = 250 * sched.Millisecond
	rivalTries = 3
	rivalWatch = 2 * sched.Second // between greetings of a rival that has won
)

// believed is a generation that is believed, as high as gen if that one is. Who
// is alone has nobody to judge by.
func (c *Core) believed(gen uint64) uint64 {
	wall := c.ahead + sched.Wall(c.now)
	most := names.Believed(wall, c.cfg.Generation, nil)
	if gen <= most {
		return most
	}
	var met [15]uint64
	n := 0
	for i := 0; i < 64 && n < len(met) && c.reach() > 0; i++ {
		if q := &c.peers[1+c.rand.Uint32n(uint32(len(c.peers)-1))]; q.open() {
			met[n] = c.store.Gen(q.origin)
			n++
		}
	}
	return names.Believed(wall, c.cfg.Generation, met[:n])
}

// rival is a process with our name that may or may not be alive.
type rival struct {
	gen   uint64
	addr  netip.AddrPort
	met   uint64 // the last one that was reported
	tries uint8
	open  bool
}

// meetNamesake handles our name under another generation. live says that the
// news came from itself, not through a third node.
func (c *Core) meetNamesake(gen uint64, addr netip.AddrPort, live bool) {
	if gen < c.gen {
		if live {
			c.namesake(gen, addr)
		}
		return
	}
	if live && addr != c.cfg.Advertise {
		c.yield(gen, addr)
		return
	}
	c.outlived(gen, addr)
}

// namesakeGreets handles a greeting under our name. Whoever recorded one can send
// it from any address, so nothing is told of it: that address is greeted, and
// what answers is a process (meetNamesake).
func (c *Core) namesakeGreets(from netip.AddrPort, size int, gen uint64) {
	if gen != c.gen && gen != c.rival.met && size >= door.PaddedBytes {
		c.door.Hint(c.now, nil, from, size, false)
	}
}

// namesake reports a live process with our name, once a generation of it.
func (c *Core) namesake(gen uint64, addr netip.AddrPort) {
	if gen == c.rival.met {
		return
	}
	c.rival.met = gen
	c.counters.Conflicts++
	c.queue.Push(Event{Kind: NameConflict, Generation: gen, Addr: addr})
}

// outlived handles a higher generation of our name, last seen at addr.
func (c *Core) outlived(gen uint64, addr netip.AddrPort) {
	if gen < c.gen || c.silenced {
		return
	}
	if gen > c.believed(gen) {
		c.counters.Drops[DropGeneration]++
		return
	}
	if !c.renewals.May(c.now) {
		return // it is heard of again
	}
	if !addr.IsValid() || addr.Addr().IsUnspecified() || addr == c.cfg.Advertise {
		c.renew(gen + 1)
		return
	}
	if !c.rival.open || c.rival.gen < gen {
		c.rival = rival{gen: gen, addr: addr, met: c.rival.met, open: true}
		c.wheel.Set(timerRival, c.now)
	}
}

// challengeRival greets the other one; silence means that it is history.
func (c *Core) challengeRival() {
	r := &c.rival
	if !r.open && !c.silenced {
		return
	}
	if r.tries >= rivalTries && c.renewals.May(c.now) {
		r.open = false
		if c.silenced {
			c.silenced = false
			c.queue.Push(Event{Kind: Restored, Generation: r.gen, Addr: r.addr})
		}
		c.renew(r.gen + 1)
		return
	}
	wait := sched.Instant(rivalWait)
	if c.silenced && r.tries == 0 {
		wait = rivalWatch
	}
	r.tries = min(r.tries+1, rivalTries)
	c.door.Push(&door.Reply{Kind: codec.TypeHello, To: r.addr})
	c.wheel.Set(timerRival, c.now+wait)
}

// rivalAnswered looks whether a hello reply came from the other one.
func (c *Core) rivalAnswered(id codec.OriginID, h *codec.Hello) {
	if c.silenced && id != c.id && string(h.Name) == string(c.cfg.Name) {
		c.rival.gen, c.rival.tries = max(c.rival.gen, h.Gen), 0
		c.wheel.Set(timerRival, c.now+rivalWatch)
	}
	if c.rival.open && id != c.id && string(h.Name) == string(c.cfg.Name) && h.Gen >= c.rival.gen {
		c.rival.open = false
		c.yield(h.Gen, c.rival.addr)
	}
}

// yield is what the loser of a name conflict does: it stops writing.
func (c *Core) yield(gen uint64, addr netip.AddrPort) {
	if c.silenced {
		return
	}
	c.silenced = true
	c.rival = rival{gen: gen, addr: addr, met: c.rival.met}
	c.wheel.Set(timerRival, c.now+rivalWatch)
	c.counters.Conflicts++
	c.queue.Push(Event{Kind: NameConflict, Generation: gen, Addr: addr})
	c.queue.Push(Event{Kind: Superseded, Generation: gen, Addr: addr})
}

// renew publishes our state under a higher generation. Versions stay: the new
// origin is the same map under a new id, so nothing staged changes its number.
func (c *Core) renew(gen uint64) {
	if gen <= c.gen {
		return
	}
	c.counters.Renewals++
	c.renewals.Renewed(c.now)
	c.grave(c.id, c.cfg.Name, c.gen)
	c.gen = gen
	c.id = codec.MakeOriginID(c.idKey, c.cfg.Name, gen)
	c.store.Rename(c.self, c.id, gen)
	c.out.Sender = c.id
	c.live.Renew(c.now, c.id)
	for p := range c.peers {
		q := &c.peers[p]
		q.flow.Renewed()
		q.mail.Restart()
		if q.proven() {
			c.startMail(uint32(p))
		}
	}
	c.differ.Moved(c.self, c.now, c.counters.FramesReceived)
	c.walks.Rename(c.id)
	c.advancedTo(c.self)
	c.queue.Push(Event{Kind: Renewed, Origin: c.self, Generation: gen})
}
