package precise

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
)

// AppendDigest appends the window of the digest that is next in turn. Here and
// below, done reports that nothing of its kind is due any more.
func (x *Precise) AppendDigest(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := x.host.Peer(g.Peer)
	floors := x.keys.floors
	told, last, end := x.keys.AppendFloors(b, g.Limit), t.windows <= 1, false
	switch {
	case t.shows != 0:
		l := x.jobs.At(t.shows)
		out, end = x.keys.AppendListed(told, g.Limit, t.asks&^codec.PrecisePrints, last, &l.list, &l.at)
	case t.asks&codec.PrecisePrints != 0:
		out, end = x.keys.AppendPrints(told, g.Limit, t.asks, last)
	default:
		out, end = x.keys.AppendWindow(told, g.Limit, t.asks, last)
	}
	if out == nil {
		x.keys.floors = floors
		if end = end || g.Empty(b); end {
			x.jobs.Drop(&t.shows)
		}
		return b, end
	}
	t.windows--
	x.n.DigestsSent++
	if end = end || last; end {
		x.jobs.Drop(&t.shows)
	}
	return out, end
}

// AppendAsk appends a part of the pull list.
func (x *Precise) AppendAsk(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := x.host.Peer(g.Peer)
	l := x.jobs.At(t.pulls)
	if t.pulls == 0 || l.Done() {
		x.jobs.Drop(&t.pulls)
		return b, true
	}
	out = x.keys.AppendPull(b, g.Limit, &l.list)
	if out == nil {
		if g.Empty(b) {
			x.jobs.Drop(&t.pulls)
			return b, true
		}
		return b, false
	}
	l.Frames--
	x.n.PullsSent++
	if l.Done() {
		x.jobs.Drop(&t.pulls)
		return out, true
	}
	return out, false
}

// AppendRuns appends what is first in the answer to the peer.
func (x *Precise) AppendRuns(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := x.host.Peer(g.Peer)
	if t.runs == 0 {
		return b, true
	}
	out, n := x.keys.Fill(b, g.Limit, &x.jobs.At(t.runs).list)
	return out, x.jobs.Sent(g, out, &t.runs, reconcile.Piece{Bytes: len(out) - len(b), Entries: n})
}

// AppendTurn appends nothing: a comparison has no turns.
func (x *Precise) AppendTurn(b []byte, _ *reconcile.Page) (out []byte, done bool) { return b, true }
