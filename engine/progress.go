package engine

import (
	"github.com/quidnunc/quidnunc/sched"
)

// Progress is how far a member's writes have come to this one, and this one's to it.
type Progress struct {
	Member string
	State  MemberState
	// Known: this replica has all that the member wrote, up to this version. Of this member itself
	// it is the newest.
	Known Version
	// Acked is how far the member has confirmed this one's own writes; of itself, its newest.
	Acked uint64
	// Entries are what this replica holds of the member, tombstones included, and Bytes their keys
	// and values.
	Entries, Bytes int
}

// Progress tells of every member that is known, this one first. It takes a turn of the loop; after
// Close it is empty.
func (e *Engine) Progress() (list []Progress) {
	e.ask(func(now sched.Instant) {
		e.drainAll(now)
		self := e.store.Owner()
		newest := e.store.Max(self)
		list = append(list, Progress{
			Member: e.cfg.Name, Known: Version{Gen: e.core.Parts().Self.Gen, Seq: newest}, Acked: newest,
			Entries: e.store.Entries(self), Bytes: e.store.Bytes(self),
		})
		if e.leftAt != 0 {
			list[0].State = StateLeft
		}
		for p := range e.core.Peers() {
			if peer, ok := e.core.Peer(p); ok {
				o := peer.Origin
				list = append(list, Progress{
					Member: e.nameOf(o), State: e.stateOf(p, &peer), Known: Version{Gen: e.store.Gen(o), Seq: e.store.Max(o)},
					Acked: peer.Acked, Entries: e.store.Entries(o), Bytes: e.store.Bytes(o),
				})
			}
		}
	})
	return list
}

// Acked names the other members that have confirmed this member's write v, those that do
// not answer any more among them. It takes a turn of the loop. Errors: ErrVersion (a
// *VersionError) for a version that this process never gave out, ErrClosed.
func (e *Engine) Acked(v Version) (have []string, err error) {
	if err := e.gaveOut(v); err != nil {
		return nil, err
	}
	if !e.ask(func(now sched.Instant) {
		e.drainAll(now)
		for p := range e.core.Peers() {
			if peer, ok := e.core.Peer(p); ok && peer.Acked >= v.Seq {
				have = append(have, e.nameOf(peer.Origin))
			}
		}
	}) {
		return nil, ErrClosed
	}
	return have, nil
}

// Confirmed counts the other members that answer, and of those the ones that have confirmed this
// member's write v, with the large values that they take. Who waits for it asks again: see
// WaitVersion. It takes a turn of the loop. Errors as for Acked.
func (e *Engine) Confirmed(v Version) (have, answering int, err error) {
	if err := e.gaveOut(v); err != nil {
		return 0, 0, err
	}
	if !e.ask(func(now sched.Instant) {
		e.drainAll(now)
		for p := range e.core.Peers() {
			if peer, ok := e.core.Peer(p); ok && live(&peer) {
				answering++
				if peer.Whole >= v.Seq {
					have++
				}
			}
		}
		if have < answering && now >= e.askAt {
			e.askAt = now + askEvery
			e.core.Ask(now, false)
		}
	}) {
		return 0, 0, ErrClosed
	}
	return have, answering, nil
}
