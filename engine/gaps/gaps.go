package gaps

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// How long what the path of a run, or another one, may still bring is waited for.
const (
	Patience     = 2 * sched.Millisecond   // at least
	PatienceMost = 250 * sched.Millisecond // and at most
)

const (
	triesMax  = 5            // then anti-entropy has to do
	fullPause = sched.Second // news that there was no room for is not asked for
	rtoMin    = 5 * sched.Millisecond
	rtoMax    = 500 * sched.Millisecond
	lateTurns = 4 // of the loop: what it has to do with may lie in its own socket, and in others'
)

// Gap is what is kept of an origin: most have none.
type Gap struct{ part active.Ticket }

// gap is what is kept of one that has, and for a minute after.
type gap struct {
	to     uint64        // a run above our max ended here
	at     sched.Instant // when it was found, or last became smaller
	wait   sched.Instant // how long it may close by itself
	fullAt sched.Instant // there was no room for its news, nor for a hole (state.Store.Seen); 0: never
	from   uint32        // the peer that sent it
	tries  uint8
	open   bool
}

// gapBytes is what it takes; a test holds it.
const gapBytes = 40

// Footprint is what gaps take beside the Gap of each origin, where all of so many have one at once.
func Footprint(origins int) int {
	return EarlyBytes + active.Footprint(origins, origins, gapBytes+active.PartBytes)
}

// Pull is what is kept of a peer.
type Pull struct {
	at sched.Instant // when it was asked, and has not answered; 0: it was not, or has
}

func (x *Pull) open() bool { return x.at != 0 }

// Host is the node around the gaps.
type Host interface {
	// Gap is that of an origin; nil: the origin is not known any more.
	Gap(o state.Origin) *Gap
	// Pull is that of a peer.
	Pull(p uint32) *Pull
	// Takes reports whether the peer may be sent to, Path is what is known of its path.
	Takes(p uint32) bool
	Path(p uint32) *link.Path
	// Author is the peer that writes an origin.
	Author(o state.Origin) uint32
	// Partner is another peer to ask; 0: there is none.
	Partner() uint32
}

// Parts are what gaps share with the node around them.
type Parts struct {
	Host  Host
	Store *state.Store
	Paths *link.Paths
	Board *due.Board
	Due   uint32      // of the board: a pull at a peer, which Append appends
	Timer sched.Timer // it wakes Chase
	Count *reconcile.Counters
}

// Gaps are those of one node. The zero Gaps is not ready: call Init.
type Gaps struct {
	Early Early // runs that came before the one that they follow
	list  []state.Origin
	asks  [asksMax]question // the oldest gives way
	next  int
	parts Parts
	lent  active.Parts[gap]
}

// question is whom to ask who an origin is of.
type question struct {
	origin state.Origin // 0: none
	peer   uint32
}

const asksMax = 64

// Init makes room for so many gaps at once.
func (g *Gaps) Init(limit int, parts *Parts) {
	*g = Gaps{list: make([]state.Origin, 0, limit), parts: *parts}
	g.lent.Init(parts.Store.Limits().Handles())
}

// of is the gap of an origin, a new one if it has none; look is it as it is, nil if there is none.
func (g *Gaps) of(now sched.Instant, o state.Origin) *gap {
	x, fresh := g.lent.Take(now, &g.parts.Host.Gap(o).part)
	if fresh {
		*x = gap{}
	}
	return x
}

func (g *Gaps) look(o state.Origin) *gap {
	if t := g.parts.Host.Gap(o); t != nil {
		return g.lent.Look(t.part)
	}
	return nil
}

// Full notes that there was no room for news of an origin.
func (g *Gaps) Full(now sched.Instant, o state.Origin) { g.of(now, o).fullAt = now }

// Closer notes that news of an origin were filled in: what is left of its gap is younger.
func (g *Gaps) Closer(now sched.Instant, o state.Origin) {
	if x := g.look(o); x != nil {
		x.at = now
	}
}

// refused reports that there was no room for news of an origin lately: then it makes
// no sense to ask for more.
func (x *gap) refused(now sched.Instant) bool { return x.fullAt != 0 && now-x.fullAt < fullPause }

// Found notes that a run of an origin, sent by peer p, ends at `to` and begins above
// what is held. It may close by itself for as long as the path may hold frames back;
// where others relay, for a round trip more, since it may come by two peers more; and for some
// turns of a loop that is late.
func (g *Gaps) Found(now sched.Instant, o state.Origin, p uint32, to uint64) {
	x, path := g.of(now, o), g.parts.Host.Path(p)
	if x.refused(now) {
		return
	}
	x.to, x.from, x.wait = max(x.to, to), p, path.Patience(Patience, PatienceMost)
	if g.parts.Host.Author(o) != p {
		x.wait += min(path.Far(), PatienceMost)
	}
	x.wait += min(lateTurns*g.parts.Paths.Lag, PatienceMost)
	if x.open || len(g.list) == cap(g.list) {
		return // it is known, or anti-entropy finds it
	}
	x.open, x.at, x.tries = true, now, 0
	g.list = append(g.list, o)
	g.parts.Timer.SetOnce(now + Patience)
}

// over reports whether there is nothing more to ask for.
func (g *Gaps) over(now sched.Instant, o state.Origin, x *gap) bool {
	return g.parts.Store.Seen(o) >= x.to || x.tries > triesMax || x.refused(now)
}

// Chase makes pulls due for what is still missing. While anything is, the timer wakes it
// again after Patience.
func (g *Gaps) Chase(now sched.Instant) {
	for i := 0; i < len(g.list); {
		o := g.list[i]
		x := g.look(o)
		if x == nil || g.over(now, o, x) {
			if x != nil {
				x.open, x.to = false, 0
			}
			g.list[i] = g.list[len(g.list)-1]
			g.list = g.list[:len(g.list)-1]
			continue
		}
		i++
		g.of(now, o) // it is not lent to another one
		if now-x.at >= x.wait {
			g.chase(now, x)
		}
	}
	if len(g.list) > 0 {
		g.parts.Timer.Set(now + Patience)
	}
}

func (g *Gaps) chase(now sched.Instant, x *gap) {
	pull := g.parts.Host.Pull(x.from)
	late := pull.open() && now-pull.at > g.parts.Host.Path(x.from).RTT().RTO(rtoMin, rtoMax)+2*g.parts.Paths.Lag
	gone := !g.parts.Host.Takes(x.from)
	if late || gone {
		*pull = Pull{}
		if other := g.parts.Host.Partner(); other != 0 {
			x.from, pull = other, g.parts.Host.Pull(other)
		}
	}
	switch {
	case gone: // counted here, since there may be nobody to ask
		x.tries++
	case !pull.open():
		g.parts.Board.Want(x.from, g.parts.Due)
	}
}

// Append appends a record with the gaps that a peer may fill, if there are any and there
// is room. Done is always true: what has no room is asked for again.
func (g *Gaps) Append(b []byte, at *reconcile.Page) (out []byte, done bool) {
	var w codec.PullWriter
	if !w.Begin(b, at.Limit) {
		return b, true
	}
	for _, o := range g.list {
		x := g.look(o)
		if x == nil || x.from != at.Peer || at.Now-x.at < x.wait || g.parts.Store.Seen(o) >= x.to {
			continue
		}
		if !w.Add(g.parts.Store.ID(o), g.parts.Store.Seen(o)) {
			break
		}
		x.tries++
	}
	chased := w.Count()
	g.appendAsks(&w, at.Peer)
	if w.Count() == 0 {
		return b, true
	}
	g.parts.Count.PullsSent++
	if chased == 0 {
		return w.End(), true
	}
	*g.parts.Host.Pull(at.Peer) = Pull{max(1, at.Now)}
	return w.End(), true
}

// Ask asks a peer, 0 nobody, whether somebody met the author of an origin; its
// introduction is the answer. Whoever has no room to be asked for is asked for again.
func (g *Gaps) Ask(o state.Origin, p uint32) {
	if p == 0 {
		return
	}
	g.asks[g.next] = question{o, p}
	g.next = (g.next + 1) % asksMax
	g.parts.Board.Want(p, g.parts.Due)
}

// appendAsks adds what a peer is asked so: for more than there can be.
func (g *Gaps) appendAsks(w *codec.PullWriter, p uint32) {
	for i := range g.asks {
		if q := &g.asks[i]; q.peer == p && q.origin != 0 {
			if g.parts.Host.Gap(q.origin) != nil && !w.Add(g.parts.Store.ID(q.origin), codec.VersionMax) {
				return
			}
			q.origin = 0
		}
	}
}

// Came notes a run of a peer that joined on, which may answer a pull, or be news: so it
// says nothing of the time that an answer takes.
func (x *Pull) Came() { x.at = 0 }
