package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/protect"
)

// refusalOf is the reason that a greeting gets which is dropped.
var refusalOf = [DropReasons]codec.RefusalReason{
	DropVersion: codec.RefusedVersion, DropCluster: codec.RefusedCluster,
	DropKey: codec.RefusedKey, DropAuth: codec.RefusedKey, DropSealed: codec.RefusedKey, DropUnsealed: codec.RefusedKey,
	DropBusy: codec.RefusedBusy, DropMode: codec.RefusedMode, DropFull: codec.RefusedFull, DropClaim: codec.RefusedName, DropGeneration: codec.RefusedClock,
	DropBuried: codec.RefusedBuried, DropBanned: codec.RefusedBanned,
}

// refuse rejects a frame that can't be read or used. A greeting is told why.
func (c *Core) refuse(from netip.AddrPort, datagram []byte, r protect.Refusal) {
	var told door.Turned
	if told.ParsePlain(datagram) == nil {
		c.turned(from, &told)
		return
	}
	why := dropOf(r.Err)
	e := c.reject(from, why)
	if r.Greet {
		if why == DropKey && c.door.Say(c.now, e) {
			c.queue.Push(Event{Kind: KeyUnknown, Addr: from, Key: c.in.KeyID})
		}
		c.door.GreetBack(c.now, e, from, len(datagram), c.in.Flags&codec.FlagHello != 0)
	}
	if reason := refusalOf[why]; reason != 0 && c.door.RefusePlain(c.now, from, datagram, reason) && e.Again() && c.door.Say(c.now, e) {
		c.queue.Push(Event{Kind: Refuses, Addr: from, From: uint64(reason)})
	}
}

const againMillis = 300 // who waits for a name is asked to greet again then

// objects is why somebody who greets is not let in, and the detail; 0: they are.
func (c *Core) objects(from netip.AddrPort, h *codec.Hello) (why Drop, detail uint64) {
	o := c.store.FindName(h.Name)
	switch {
	case h.Mode != c.me.Mode:
		return DropMode, uint64(c.me.Mode)
	case c.roster.Reach() > 0 && (o == 0 || c.store.Gen(o) < h.Gen) && h.Gen > (*book)(c).Believed(h.Gen):
		return DropGeneration, (*book)(c).Believed(h.Gen)
	case o == 0 && !c.cfg.Admit(h.Name, from):
		return DropBanned, 0
	case o == 0 && c.graves.Bars(c.now, h.Name, h.Gen) != 0: // it was taken for dead for too long: only another life can come in
		return DropBuried, c.graves.Bars(c.now, h.Name, h.Gen)
	case o == 0 && c.roster.Full():
		return DropFull, uint64(c.roster.Seats() + 1)
	case o == c.store.Owner() && c.roster.Reach() > 0 && c.me.Holds(h) && !c.door.Ours(c.now, &h.Salt):
		return DropClaim, 0
	case o != 0 && o != c.store.Owner() && h.Gen != c.store.Gen(o):
		switch in := (codec.Intro{Gen: h.Gen, Since: h.Since}); c.contest(o, &in, from) {
		case names.Loses:
			return DropClaim, 0
		case names.Waits:
			return DropBusy, againMillis
		}
	}
	return 0, 0
}

// turned takes in why somebody does not take us. It ends nothing with who did before.
func (c *Core) turned(from netip.AddrPort, why *door.Turned) {
	if !c.door.Refused(c.now, from, why) {
		c.reject(from, DropForged)
		return
	}
	c.door.Seeds.Turned(c.now, from, why)
	switch {
	case why.Plain:
	case why.Reason == codec.RefusedName:
		c.rename(c.me.Refused(c.now, from, why.Holder, c.roster.Reach() > 0))
	case why.Reason == codec.RefusedBuried: // as another life it is let in
		c.rename(c.me.Outlived(c.now, why.Detail, netip.AddrPort{}, (*book)(c)))
		c.door.Push(&door.Reply{Kind: codec.TypeHello, To: from})
	}
	if p := c.roster.Find(c.in.Sender); !why.Plain && c.peers[p].at.Addr == from && c.peers[p].at.HasCookie && !c.peers[p].shown.Ever() {
		c.silent(p) // it never took us
	}
	e := c.reject(from, DropRefused)
	if why.Reason == codec.RefusedBusy { // it will say more
		return
	}
	if (e.Again() || !why.Plain) && c.door.Say(c.now, e) {
		c.queue.Push(Event{Kind: Refused, Addr: from, From: uint64(why.Reason), To: why.Detail})
	}
}
