package walk

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
)

// tokensMax bounds the tokens that wait for their frames, of all peers.
const tokensMax = 16

// queue holds the tokens that wait for their frames.
type queue struct {
	list [tokensMax]queuedToken
	n    int
}

type queuedToken struct {
	peer  uint32
	token codec.Token
}

// put adds a token for p, or overwrites one of the same kind and walk that waits
// still. It returns false when there is no room.
func (q *queue) put(p uint32, t *codec.Token) bool {
	for i := range q.list[:q.n] {
		if o := &q.list[i]; o.peer == p && o.token.Kind == t.Kind && o.token.Walk == t.Walk {
			o.token = *t
			return true
		}
	}
	if q.n == tokensMax {
		return false
	}
	q.list[q.n] = queuedToken{p, *t}
	q.n++
	return true
}

// find is the place of a token for p, -1 if there is none.
func (q *queue) find(p uint32) int {
	for i := range q.list[:q.n] {
		if q.list[i].peer == p {
			return i
		}
	}
	return -1
}

// drop takes the token at i out; the last one takes its place.
func (q *queue) drop(i int) {
	q.n--
	q.list[i] = q.list[q.n]
}

// send makes a token due at p.
func (r *Repair) send(p uint32, t *codec.Token) {
	r.board.Want(p, r.due)
	if !r.queue.put(p, t) {
		*r.busy++
	}
}

// Append appends the tokens for the peer, and the digest that it asked for. done
// reports that nothing more is due to it.
func (r *Repair) Append(b []byte, g *reconcile.Page) (out []byte, done bool) {
	for i := r.queue.find(g.Peer); i >= 0; i = r.queue.find(g.Peer) {
		if len(b)+codec.RecordBytes+codec.TokenBytes > g.Limit {
			return b, false
		}
		b = codec.AppendToken(b, &r.queue.list[i].token)
		r.queue.drop(i)
	}
	q := r.host.Peer(g.Peer)
	if !q.showing {
		return b, true
	}
	out, _, _ = reconcile.AppendWindow(b, g.Limit, r.store, q.at, codec.DigestWantRuns)
	if out == nil {
		return b, false // it goes into a frame of its own
	}
	q.showing = false
	r.shared.DigestsSent++
	return out, true
}

// Drop gives up what waits for a peer that can't be sent to.
func (r *Repair) Drop(p uint32) {
	for i := r.queue.find(p); i >= 0; i = r.queue.find(p) {
		r.queue.drop(i)
	}
}

// Held is how many tokens wait for frames.
func (r *Repair) Held() int { return r.queue.n }
