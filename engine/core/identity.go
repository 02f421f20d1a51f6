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
	for i := 0; i < 64 && n < len(met) && c.roster.Reach() > 0; i++ {
		if q := &c.peers[1+c.rand.Uint32n(uint32(len(c.peers)-1))]; q.Open() {
			met[n] = c.store.Gen(q.origin)
			n++
		}
	}
	return names.Believed(wall, c.cfg.Generation, met[:n])
}

// meetNamesake handles our name under another generation. live says that the
// news came from itself, not through a third node.
func (c *Core) meetNamesake(gen uint64, addr netip.AddrPort, live bool) {
	if gen < c.me.Gen {
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
	if gen != c.me.Gen && gen != c.me.Rival.Met && size >= door.PaddedBytes {
		c.door.Hint(c.now, nil, from, size, false)
	}
}

// namesake reports a live process with our name, once a generation of it.
func (c *Core) namesake(gen uint64, addr netip.AddrPort) {
	if gen == c.me.Rival.Met {
		return
	}
	c.me.Rival.Met = gen
	c.counters.Conflicts++
	c.queue.Push(Event{Kind: NameConflict, Generation: gen, Addr: addr})
}

// outlived handles a higher generation of our name, last seen at addr.
func (c *Core) outlived(gen uint64, addr netip.AddrPort) {
	if gen < c.me.Gen || c.me.Silenced {
		return
	}
	if gen > c.believed(gen) {
		c.counters.Drops[DropGeneration]++
		return
	}
	if !c.me.Renewals.May(c.now) {
		return // it is heard of again
	}
	if !addr.IsValid() || addr.Addr().IsUnspecified() || addr == c.cfg.Advertise {
		c.renew(gen + 1)
		return
	}
	if !c.me.Rival.Open || c.me.Rival.Gen < gen {
		c.me.Rival = names.Rival{Gen: gen, Addr: addr, Met: c.me.Rival.Met, Open: true}
		c.wheel.Set(timerRival, c.now)
	}
}

// challengeRival greets the other one; silence means that it is history.
func (c *Core) challengeRival() {
	r := &c.me.Rival
	if !r.Open && !c.me.Silenced {
		return
	}
	if r.Tries >= rivalTries && c.me.Renewals.May(c.now) {
		r.Open = false
		if c.me.Silenced {
			c.me.Silenced = false
			c.queue.Push(Event{Kind: Restored, Generation: r.Gen, Addr: r.Addr})
		}
		c.renew(r.Gen + 1)
		return
	}
	wait := sched.Instant(rivalWait)
	if c.me.Silenced && r.Tries == 0 {
		wait = rivalWatch
	}
	r.Tries = min(r.Tries+1, rivalTries)
	c.door.Push(&door.Reply{Kind: codec.TypeHello, To: r.Addr})
	c.wheel.Set(timerRival, c.now+wait)
}

// rivalAnswered looks whether a hello reply came from the other one.
func (c *Core) rivalAnswered(id codec.OriginID, h *codec.Hello) {
	if c.me.Silenced && id != c.me.ID && string(h.Name) == string(c.cfg.Name) {
		c.me.Rival.Gen, c.me.Rival.Tries = max(c.me.Rival.Gen, h.Gen), 0
		c.wheel.Set(timerRival, c.now+rivalWatch)
	}
	if c.me.Rival.Open && id != c.me.ID && string(h.Name) == string(c.cfg.Name) && h.Gen >= c.me.Rival.Gen {
		c.me.Rival.Open = false
		c.yield(h.Gen, c.me.Rival.Addr)
	}
}

// yield is what the loser of a name conflict does: it stops writing.
func (c *Core) yield(gen uint64, addr netip.AddrPort) {
	if c.me.Silenced {
		return
	}
	c.me.Silenced = true
	c.me.Rival = names.Rival{Gen: gen, Addr: addr, Met: c.me.Rival.Met}
	c.wheel.Set(timerRival, c.now+rivalWatch)
	c.counters.Conflicts++
	c.queue.Push(Event{Kind: NameConflict, Generation: gen, Addr: addr})
	c.queue.Push(Event{Kind: Superseded, Generation: gen, Addr: addr})
}

// renew publishes our state under a higher generation. Versions stay: the new
// origin is the same map under a new id, so nothing staged changes its number.
func (c *Core) renew(gen uint64) {
	if gen <= c.me.Gen {
		return
	}
	c.counters.Renewals++
	c.grave(c.me.ID, c.cfg.Name, c.me.Gen)
	c.me.Renew(c.now, c.cfg.Name, gen)
	c.store.Rename(c.self, c.me.ID, gen)
	c.out.Sender = c.me.ID
	c.live.Renew(c.now, c.me.ID)
	for p := range c.peers {
		q := &c.peers[p]
		q.flow.Renewed()
		q.mail.Restart()
		if q.Proven() {
			c.startMail(uint32(p))
		}
	}
	c.differ.Moved(c.self, c.now, c.counters.FramesReceived)
	c.walks.Rename(c.me.ID)
	c.advancedTo(c.self)
	c.queue.Push(Event{Kind: Renewed, Origin: c.self, Generation: gen})
}
