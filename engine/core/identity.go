package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/names"
)

// Who we are is decided in package names.

// Believed is a generation that is believed, as high as gen if that one is. Who
// is alone has nobody to judge by.
func (b *book) Believed(gen uint64) uint64 {
	wall := b.me.Wall(b.now)
	most := names.Believed(wall, b.cfg.Generation, nil)
	if gen <= most {
		return most
	}
	var met [15]uint64
	n := 0
	for i := 0; i < 64 && n < len(met) && b.roster.Reach() > 0; i++ {
		if q := &b.peers[1+b.rand.Uint32n(uint32(len(b.peers)-1))]; q.Open() {
			met[n] = b.store.Gen(q.origin)
			n++
		}
	}
	return names.Believed(wall, b.cfg.Generation, met[:n])
}

// rename does what has to be done about our name.
func (c *Core) rename(a names.Act) {
	if a.Unbelieved {
		c.counters.Drops[DropGeneration]++
	}
	ev := Event{Generation: a.Gen, Addr: a.Addr}
	if a.Superseded {
		ev.To = 1
	}
	if ev.Kind = NameConflict; a.Conflict {
		c.counters.Conflicts++
		c.queue.Push(ev)
	}
	if ev.Kind = Superseded; a.Superseded {
		c.queue.Push(ev)
	}
	if ev.Kind = Restored; a.Restored {
		c.queue.Push(ev)
	}
	if a.Greet.IsValid() {
		c.door.Push(&door.Reply{Kind: codec.TypeHello, To: a.Greet, Flags: codec.HelloNamesake})
	}
	if a.Wake != 0 {
		c.wheel.Set(timerRival, a.Wake)
	}
	if a.Renew != 0 {
		c.renew(a.Renew)
	}
}

// renew publishes our state under a higher generation, gen or more. Versions stay: the new
// origin is the same map under a new id, so nothing staged changes its number.
func (c *Core) renew(gen uint64) {
	if gen <= c.me.Gen {
		return
	}
	c.counters.Renewals++
	keep := names.Retain(c.me.ID, c.me.ID)
	c.graves.Bury(c.now, c.me.ID, c.me.Name, c.me.Gen, &keep)
	c.me.Renew(c.now, gen, &c.rand)
	c.events.Renew(c.me.ID)
	c.store.Rename(c.store.Owner(), c.me.ID, c.me.Gen)
	c.live.Renew(c.now, c.me.ID)
	for p := range c.peers {
		q := &c.peers[p]
		q.flow.Renewed()
		q.link.Reborn()
		q.events.Reborn()
		q.mail.Restart()
		if q.Proven() {
			c.mail.Start(c.now, uint32(p))
		}
	}
	c.differ.Moved(c.store.Owner(), c.now, c.counters.FramesReceived)
	c.walks.Rename(c.me.ID)
	c.queue.Moved(c.store.Owner())
	c.queue.Push(Event{Kind: Renewed, Origin: c.store.Owner(), Generation: c.me.Gen})
}
