package delegate

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Relay is one node's part in delegated broadcast: the records of its Tree. Places are the
// identifiers of the members' origins. The zero Relay is not ready: call Init. One caller at
// a time.
type Relay struct {
	tree    Tree
	ring    Ring
	parts   RelayParts
	peers   []Peer
	changes uint64 // of the roster, when the ring was made
	reached int    // peers that parcels became due at in this flush

	last   came   // what the last run brought
	frame  uint64 // that named a range last:
	ranged Range
	saved  int // copies to other zones, where each is told once
}

// came is how far an origin was held before a frame moved it on.
type came struct {
	frame  uint64
	origin state.Origin
	before uint64
}

// Init makes it ready. Memory for parcels is asked for with the first.
func (r *Relay) Init(parts *RelayParts) { *r = Relay{parts: *parts, peers: make([]Peer, 1, 16)} }

// begin makes the tree ready when the first parcel needs it, and the ring when members came or
// went.
func (r *Relay) begin() {
	if r.tree.parts.Ring == nil {
		own := r.tree.own
		r.tree.Init(r.config(), &Parts{Host: r, Ring: &r.ring, Seed: r.parts.Seed, Alarm: r.parts.Timer, Count: r.parts.Count})
		r.tree.own = own
		r.changes--
	}
	roster := r.parts.Roster
	place := r.place(r.parts.Own)
	if r.changes == roster.Changes() && place == r.tree.parts.Place {
		return
	}
	r.tree.parts.Place, r.tree.parts.Zone, r.changes = place, roster.Zone(0), roster.Changes()
	r.ring.Reset()
	r.ring.Add(Spot{place, 0, roster.Zone(0)})
	for _, p := range roster.Partners() {
		r.ring.Add(Spot{r.place(r.parts.Node.Origin(p)), p, roster.Zone(p)})
	}
	r.ring.Sort()
	r.saved = r.ring.saved(roster.Zone(0))
}

// place is where the node that writes an origin stands.
func (r *Relay) place(o state.Origin) uint64 {
	if o == r.parts.Own {
		return PlaceOf(uint64(r.parts.Store.ID(o)), r.parts.Roster.Zone(0))
	}
	return r.placeOf(r.parts.Store.ID(o))
}

func (r *Relay) placeOf(id codec.OriginID) uint64 {
	if p := r.parts.Roster.Find(id); p != 0 {
		return PlaceOf(uint64(id), r.parts.Roster.Zone(p))
	}
	return uint64(id)
}

// Saves is how many copies of a write do not cross into another zone where each zone is told once.
func (r *Relay) Saves() int {
	if r.parts.Roster.Zone(0) == 0 {
		return 0
	}
	r.begin()
	return r.saved
}

// Wall is that of the node.
func (r *Relay) Wall(now sched.Instant) sched.Wall { return r.parts.Clock.Wall(now) }

// Peer is what is kept of a peer: the Host of the tree.
func (r *Relay) Peer(p uint32) *Peer {
	for int(p) >= len(r.peers) {
		r.peers = append(r.peers, Peer{})
	}
	return &r.peers[p]
}

// Patience is that of the path, and some turns more of a loop that is late: whoever is replaced for
// nothing makes it later.
func (r *Relay) Patience(p uint32, now sched.Instant, lazy bool) sched.Instant {
	path := r.parts.Node.Path(p)
	late := 4 * r.parts.Paths.Lag
	if lazy {
		return late + r.parts.Paths.AnswerAfter(path) + r.parts.AckDelay + r.parts.AckDelay/2 + r.parts.Paths.Queued()
	}
	return late + r.parts.Paths.AnswerAfter(path)
}

// Frame and Missed are what the path says of its frames.
func (r *Relay) Frame(p uint32) uint32 { return r.parts.Node.Path(p).Last() + 1 }

// Missed is beside it.
func (r *Relay) Missed(p, frame uint32) bool { return r.parts.Node.Path(p).Missed(frame) }

// Holds notes that a peer lacks our writes after a version: a delegate that said to cover it
// loses its turn.
func (r *Relay) Holds(now sched.Instant, p uint32, version uint64) {
	if r.tree.parts.Ring != nil {
		r.tree.Lacks(now, r.place(r.parts.Node.Origin(p)), uint32(r.parts.Own), version)
		r.goOn(now)
	}
}

// goOn lets others cover what delegates turned out to have left out.
func (r *Relay) goOn(now sched.Instant) {
	if r.tree.Waiting() > 0 {
		r.parts.News.Pass(now)
	}
}

// WantParcels and WantAnswers note on the board what is due.
func (r *Relay) WantParcels(p uint32) {
	if !r.parts.Board.Has(p, r.parts.Due.Parcels) {
		r.reached++
	}
	r.parts.Board.Want(p, r.parts.Due.Parcels)
}

// WantAnswers is beside it.
func (r *Relay) WantAnswers(now sched.Instant, p uint32, lazy bool) {
	if lazy {
		r.parts.News.Owe(now, p)
		return
	}
	r.parts.Board.Want(p, r.parts.Due.Answers)
}

// Tell notes that own versions after from are new, and whether that is urgent.
func (r *Relay) Tell(from uint64, urgent bool) {
	r.begin()
	r.tree.Learn(uint32(r.parts.Own), from, r.parts.Store.Max(r.parts.Own))
	if urgent {
		r.tree.Urge(uint32(r.parts.Own), r.parts.Paths.Loss())
	}
}

// Came notes that an origin moved on from a version, by the frame of that number.
func (r *Relay) Came(now sched.Instant, o state.Origin, from, frame uint64) {
	r.last = came{frame, o, from}
	if r.tree.parts.Ring != nil && r.tree.Moved(now, uint32(o), r.parts.Store.Max(o)) {
		r.parts.News.Pass(now)
	}
}

// Flush makes parcels of what waits, and returns at how many peers they are due.
func (r *Relay) Flush(now sched.Instant) int {
	if r.tree.parts.Ring == nil {
		return 0
	}
	r.begin()
	r.reached = 0
	r.tree.Flush(now)
	return r.reached
}

// Direct tells into how many ranges own news is cut; 0: as what is passed on.
func (r *Relay) Direct(k int) { r.tree.Direct(k) }

// Fanout is into how many ranges what is passed on is cut.
func (r *Relay) Fanout() int {
	cfg := r.config()
	cfg.fill()
	return cfg.Fanout
}

func (r *Relay) config() (cfg Config) {
	if r.parts.Fanout != 0 {
		cfg.Fanout = min(max(fanoutMin, r.parts.Fanout), fanoutMax)
	}
	return cfg
}

// Expire looks which acknowledgements are overdue.
func (r *Relay) Expire(now sched.Instant) {
	r.begin()
	r.tree.Expire(now)
}

// Drop gives up what is under way to a peer: others take its ranges. another: the handle names no
// member any more, or another one, or another life of it.
func (r *Relay) Drop(now sched.Instant, p uint32, another bool) {
	if r.tree.parts.Ring == nil {
		return
	}
	r.begin()
	if r.tree.Gone(now, p); another {
		r.tree.Another(p)
	}
}

// Lost notes that a frame to a peer was lost: what it carried leaves again.
func (r *Relay) Lost(now sched.Instant, p uint32) {
	if r.tree.parts.Ring != nil && int(p) < len(r.peers) {
		r.begin()
		r.tree.Lost(now, p)
	}
}

// Forget takes a removed origin out.
func (r *Relay) Forget(o state.Origin) {
	if r.tree.parts.Ring != nil {
		r.tree.Forget(uint32(o))
	}
}

// lacksMost bounds how many of what a peer lacks are looked into: each is a walk over all
// parcels.
const lacksMost = 8

// Needed takes what anti-entropy found a peer to lack: a delegate that said to cover it loses
// its turn.
func (r *Relay) Needed(f *reconcile.Frame, wants []reconcile.Want) {
	r.parts.Needs.Needed(f, wants)
	if r.tree.parts.Ring == nil {
		return
	}
	place := r.place(r.parts.Node.Origin(f.Peer))
	for i := range wants[:min(lacksMost, len(wants))] {
		if w := &wants[i]; w.Origin != 0 {
			r.tree.Lacks(f.Now, place, uint32(w.Origin), w.From)
		}
	}
	r.goOn(f.Now)
}

// Receive takes the body of a Delegate record: the run before it was applied, or not.
func (r *Relay) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	var d codec.Delegate
	if codec.ParseDelegate(body, &d) != nil || f.Run.ID == 0 || d.Back > codec.VersionMax-f.Run.From || d.Same && r.frame != f.Number {
		return reconcile.Malformed
	}
	r.begin()
	s, run := r.parts.Store, &f.Run
	o := s.Find(run.ID)
	if o == r.parts.Own {
		r.parts.Count.DelegationsForged++
		return reconcile.Forged
	}
	x := Offer{
		Parcel: Parcel{
			Range: Range{d.Lo, d.Hi}, Alone: !d.Ranged && !d.Same, Asks: !d.Ranged && !d.Same && run.From == run.To, Lazy: d.Lazy, Origin: uint32(o),
			From: run.From, News: run.From + d.Back, To: run.To, Serial: d.Serial,
		},
		Peer: f.Peer, Sender: r.place(r.parts.Node.Origin(f.Peer)), Author: r.placeOf(run.ID),
	}
	switch {
	case d.Ranged:
		r.frame, r.ranged = f.Number, x.Range
	case d.Same:
		x.Range = r.ranged
	}
	if o == 0 || !r.parts.News.Pushes() {
		x.Refuse = true
	} else {
		r.held(f, o, &x)
	}
	switch r.tree.Take(f.Now, &x) {
	case Forged:
		return reconcile.Forged
	case Taken:
		if x.Held >= x.To {
			r.parts.News.Pass(f.Now)
		}
	}
	return reconcile.Taken
}

// held fills in how far the origin of an offer is held here, and was before its run.
func (r *Relay) held(f *reconcile.Frame, o state.Origin, x *Offer) {
	s := r.parts.Store
	x.Held, x.Before = s.Max(o), s.Max(o)
	if r.last.frame == f.Number && r.last.origin == o {
		x.Before = r.last.before
	}
	x.Old = x.To <= r.parts.Settle.Settled(f.Now, o)
	x.Refuse = x.Held < x.To && s.Seen(o) >= x.To // there was no room for it
}

// Append appends runs, and for each the parcel that it goes with.
func (r *Relay) Append(b []byte, g *reconcile.Page) (out []byte, done bool) {
	var p Parcel
	var last Range
	named := false
	for r.tree.Next(g.Peer, &p) {
		o := state.Origin(p.Origin)
		if p.Asks {
			out := r.question(b, g, o, &p)
			if out == nil && !g.Empty(b) {
				return b, false
			}
			if out == nil {
				r.tree.Skip(g.Peer)
				continue
			}
			b = out
			continue
		}
		if p.From >= r.parts.Store.Max(o) || r.place(o) == r.place(r.parts.Node.Origin(g.Peer)) || p.From == 0 && !r.parts.Filler.Introduces(o) {
			r.tree.Skip(g.Peer) // nothing is new, or it is not to be told
			continue
		}
		out, to := r.run(b, g, o, p.From)
		if out == nil && !g.Empty(b) {
			return b, false
		}
		if out == nil {
			r.tree.Skip(g.Peer)
			continue
		}
		d := codec.Delegate{Serial: p.Serial, Back: p.News - p.From, Lazy: p.Alone && r.lazy(g.Now, g.Peer), Lo: p.Lo, Hi: p.Hi}
		if !p.Alone {
			d.Same = named && p.Range == last
			d.Ranged = !d.Same
			last, named = p.Range, true
		}
		b = codec.AppendDelegate(out, &d)
		r.tree.Sent(g.Now, g.Peer, to, d.Lazy)
	}
	return b, true
}

// question appends the question whether the peer holds what somebody said to cover: a run with
// nothing in it, which leaves a gap where it does not. nil: it does not fit, or is settled.
func (r *Relay) question(b []byte, g *reconcile.Page, o state.Origin, p *Parcel) (out []byte) {
	if p.To > r.parts.Store.Max(o) {
		return nil
	}
	if out = r.parts.Filler.Mark(b, g.Limit-codec.DelegateBytesMax, o, p.To); out != nil {
		out = codec.AppendDelegate(out, &codec.Delegate{Serial: p.Serial})
		r.tree.Sent(g.Now, g.Peer, p.To, false)
	}
	return out
}

// lazy tells whether the acknowledgement of a parcel for a peer alone may wait: where nothing
// was lost lately, and they come so fast that the next one takes it along.
func (r *Relay) lazy(now sched.Instant, p uint32) bool {
	x := r.Peer(p)
	often := now-x.lone < r.parts.AckDelay
	x.lone = now
	return often && !r.parts.Paths.Lossy(r.parts.Node.Path(p), now)
}

// run appends a run, after an introduction where it is the first; nil if it does not fit.
func (r *Relay) run(b []byte, g *reconcile.Page, o state.Origin, from uint64) (out []byte, to uint64) {
	room := g.Limit - codec.DelegateBytesMax
	if from == 0 && !(o == r.parts.Own && g.Introduced) {
		if len(b)+r.parts.Filler.IntroBytes(o) > room {
			return nil, 0
		}
		b = r.parts.Filler.AppendIntro(b, o)
	}
	out, to, n := r.parts.Filler.Run(b, room, o, from)
	r.parts.Shared.EntriesSent += uint64(n)
	return out, to
}
