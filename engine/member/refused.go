package member

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/sched"
)

// refusals are the last addresses of members that this node did not watch when the kernel said that
// nobody listens there. Whoever is watched next, because others died with it, may have used up what
// its host says: a word that went to another frame counts as well. A search at each word would be
// dear, and anybody can forge them, so it is made when a member is looked at.
type refusals struct {
	list [64]refusal
	next int
}

type refusal struct {
	addr netip.AddrPort
	at   sched.Instant
}

func (r *refusals) note(now sched.Instant, addr netip.AddrPort) {
	if last := &r.list[(r.next+len(r.list)-1)%len(r.list)]; last.addr == addr {
		last.at = now
		return
	}
	r.list[r.next] = refusal{addr, now}
	r.next = (r.next + 1) % len(r.list)
}

// since reports whether there was a word about an address after a time.
func (r *refusals) since(addr netip.AddrPort, at sched.Instant) bool {
	for i := range r.list {
		if e := &r.list[i]; e.addr == addr && e.at > at {
			return true
		}
	}
	return false
}

// Refused takes in that the host of an address has answered a frame of ours with word that nobody
// listens there: evidence about the member that has this address (Table.Refused).
func (d *Detector) Refused(now sched.Instant, addr netip.AddrPort) {
	if !d.on || !addr.IsValid() {
		return
	}
	watched := false
	for i := range d.Watches() {
		if m := d.Watching(i); m != 0 && d.host.Contact(m).Addr == addr {
			d.Table.Refused(now, m)
			watched = true
		}
	}
	if !watched {
		d.refusals.note(now, addr)
	}
}

// witness knows what the kernel said of a member that was not watched.
type witness interface {
	told(h uint32) bool // its port is closed, since it was last heard
}

func (d *Detector) told(m uint32) bool {
	at := d.host.Contact(m)
	return d.refusals.since(at.Addr, at.Heard)
}

// shut tells whether the host of a member has said that nobody listens at its port, since it was
// last heard.
func (t *Table) shut(h uint32) bool {
	s := &t.standings[h]
	if !s.shut && t.witness != nil {
		s.shut = t.witness.told(h)
	}
	return s.shut
}

// look asks a member that others say is dead, and that this node does not watch, while many watches
// are free. Whoever missed that a quorum found its port closed finds it closed too, and need not
// wait for it as for one that stalls.
func (t *Table) look(now sched.Instant, h uint32) {
	if t.watchOf(h) >= 0 || t.shut(h) || t.freeWatches() <= len(t.watches)/2 {
		t.agree(now, h)
		return
	}
	i := t.watch(now, h)
	t.watches[i].scout = true
	t.due(i, now)
}

// agree finds a member closed that others say is dead, and whose host says so to this node.
func (t *Table) agree(now sched.Instant, h uint32) {
	if f := &t.facts[t.standings[h].fact]; f.claimed && f.status == Suspect && t.shut(h) {
		t.accuse(now, h, f.incarnation, Closed, f.by)
	}
}
