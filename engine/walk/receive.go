package walk

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
)

// Receive takes the body of a Repair record.
func (r *Repair) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	var t codec.Token
	switch {
	case codec.ParseToken(body, &t) != nil:
		return reconcile.Malformed
	case r.host == nil:
		return reconcile.OtherMode
	}
	switch t.Kind {
	case codec.TokenOpen:
		*r.host.Peer(f.Peer) = Peer{at: t.At, showing: true}
		r.board.Want(f.Peer, r.due)
	case codec.TokenPass:
		return r.take(f, &t)
	case codec.TokenConfirm:
		r.confirmed(f, &t)
	case codec.TokenReport:
		if t.Starter != r.self {
			break
		}
		r.walker.News(&t, f.Now)
		if t.Hop >= t.Hops {
			t.Kind = codec.TokenConfirm
			r.send(f.Peer, &t)
		}
	}
	return reconcile.Taken
}

// take takes over a walk.
func (r *Repair) take(f *reconcile.Frame, t *codec.Token) reconcile.Verdict {
	if t.Hops > 2*Hops(r.store.Len()) {
		return reconcile.Forged // no walk over the members that we know of
	}
	took := r.walker.Take(t)
	if took == Busy {
		*r.busy++
		return reconcile.Taken
	}
	confirm := *t
	confirm.Kind = codec.TokenConfirm
	r.send(f.Peer, &confirm)
	switch took {
	case Taken:
		r.n.RepairHops++
		r.Step(f.Now)
	case Finished:
		r.report(f.Now, t)
		if t.Starter != r.self {
			r.final = final{token: *t, next: f.Now}
			r.Step(f.Now)
		}
	}
	return reconcile.Taken
}

// confirmed ends a hop, or the last report.
func (r *Repair) confirmed(f *reconcile.Frame, t *codec.Token) {
	id := r.host.ID(f.Peer)
	if l := &r.final; l.token.Walk == t.Walk && l.token.Starter == id {
		*l = final{}
	}
	for i := range r.hops {
		token, passing := r.walker.Passing(i)
		if !passing || token.Walk != t.Walk || token.Hop != t.Hop || r.hops[i].id != id {
			continue
		}
		if r.walker.Confirmed(id, t.Walk, t.Hop) {
			r.hops[i] = hop{}
			r.report(f.Now, &token)
		}
		return
	}
}

// Showed takes a digest, and reports whether it is one that a successor was asked
// for.
func (r *Repair) Showed(f *reconcile.Frame, body []byte) (ours bool) {
	var d codec.Digest
	if r.host == nil || codec.ParseDigest(body, &d) != nil || d.Flags != codec.DigestWantRuns {
		return false
	}
	id := r.host.ID(f.Peer)
	for i := range r.hops {
		h := &r.hops[i]
		if _, passing := r.walker.Passing(i); passing || h.id == 0 || h.id != id || d.Lo != h.at {
			continue
		}
		ours = true
		r.showed(f, i, &d)
		r.Step(f.Now)
	}
	return ours
}

// showed goes on with walk i after its successor has answered.
func (r *Repair) showed(f *reconcile.Frame, i int, d *codec.Digest) {
	h := &r.hops[i]
	if h.tries == 1 {
		r.host.RTT(f.Peer).Sample(f.Now - h.asked)
	}
	h.tries, h.next = 0, f.Now
	switch hi := r.repair(f, h, d); {
	case hi == reconcile.LastID:
		r.walker.Repaired(i, h.copied, h.patched, h.entries)
	case f.Now-h.gained > patience: // it answers, and that is all
		h.tries = triesMax + 1
	case hi == 0: // it lacks something still
	default:
		h.at, h.stalls, h.rounds, h.answer, h.least = hi+1, 0, 0, 0, 0
	}
}
