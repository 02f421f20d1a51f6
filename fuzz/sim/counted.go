package sim

import (
	"slices"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// cause is what explains that something was dropped: one of some kinds of harm, or
// something about the plan.
type cause struct {
	harm []FaultKind
	also func(p *Plan) bool
}

var (
	never   = cause{}
	garbled = cause{harm: []FaultKind{Garbles}}
)

// causes says for each reason why a frame or record is dropped what may be behind it
// where nobody lies. What is not listed needs some harm, whichever.
var causes = map[core.Drop]cause{
	core.DropShort: garbled, core.DropMagic: garbled, core.DropVersion: garbled, core.DropFlags: garbled,
	core.DropChecksum: garbled, core.DropCluster: garbled, core.DropKey: garbled,
	core.DropRecord: never, core.DropMode: never, core.DropSealed: never, core.DropUnsealed: never,
	core.DropExhausted: never, core.DropLong: never,
	core.DropBusy:     {also: func(*Plan) bool { return true }},                                 // only so many answers are under way at once
	core.DropFull:     {also: func(p *Plan) bool { return p.Node.Small != 0 || p.Nodes > 100 }}, /* of keys, or of those that were named and not met */
	core.DropUnknown:  {also: func(*Plan) bool { return true }},                                 // a run may overtake the introduction
	core.DropReplay:   {also: rests},                                                            // a frame that is overtaken while its sender begins to rest
	core.DropRate:     {also: rests},                                                            // and who is woken again and again
	core.DropStranger: {also: func(*Plan) bool { return true }},                                 // and a frame the one whose cookie proves its sender
	core.DropUnnamed:  {also: func(*Plan) bool { return true }},                                 // what several frames bring may have been written again meanwhile
	core.DropRefused:  {also: func(*Plan) bool { return true }},                                 // a name, while who had it may be in service still
}

// explains tells whether the plan has a cause.
func (c *cause) explains(p *Plan) bool {
	return c.also != nil && c.also(p) ||
		slices.ContainsFunc(p.Faults, func(f Fault) bool { return slices.Contains(c.harm, f.Kind) })
}

// rests tells whether nodes keep few of their peers active, or anything harms.
func rests(p *Plan) bool { return p.Node.Active != 0 || !p.calm() }

// counted checks that everything that nodes counted has an explanation. In a plan
// without harm nobody is ever missed, and nobody says anything that is not believed.
func (w *World) counted(p *Plan) {
	if p.Lies.Kinds != 0 {
		return // it is the lies
	}
	for _, n := range w.Nodes {
		if !n.Up {
			continue
		}
		for d, times := range n.Core.Counters().Drops {
			c, ok := causes[core.Drop(d)]
			if times > 0 && (ok && !c.explains(p) || !ok && p.calm()) {
				w.broken("counted", "node %d dropped %d as %v", n.Index, times, core.Drop(d))
			}
		}
		m := n.Core.Parts().Detector.Counters()
		if m.DropBody+m.DropSelf > 0 {
			w.broken("counted", "node %d dropped %d records of the detector as malformed, %d as about itself", n.Index, m.DropBody, m.DropSelf)
		}
		odd := m.DropStranger + m.DropIncarnation + m.DropReplay + m.DropElector + m.DropDead + m.DropTarget
		missed := m.RoundsMissed
		if p.Node.Active != 0 { // what is overtaken is dropped as a replay where no window is kept, three times in a row, too
			missed = 0
		}
		if len(p.Faults) == 0 && (odd > 0 || missed+m.Suspicions+m.Deaths > 0 || n.Core.FlowState().Clamped > 0) {
			w.broken("counted", "nothing is wrong, and node %d counts %+v and %d absurd rates", n.Index, *m, n.Core.FlowState().Clamped)
		}
	}
}

// parcelsEnd is how long a parcel for one member may be sent again, to one that died and whom no
// detector missed, or whose acknowledgement was lost: five times in all, later each time.
const parcelsEnd = 60 * sched.Second

// fallsQuiet checks that nodes that hold the same and write nothing fall quiet: that no
// entry is sent, but in parcels that are sent again and end, and that frames are those of the
// detector, of exchanges and of walks.
func (w *World) fallsQuiet(p *Plan) {
	if p.Node.Rumor != (tune.RumorPolicy{}) {
		return // some policies keep rumors hot for very long
	}
	before, entries, parcels := w.Stats.Frames, w.entriesSent(), w.parcelsSent()
	span := 2*sched.Second + 4*p.Node.Interval
	if !w.Run(span) {
		return
	}
	frames, sent := w.Stats.Frames-before, w.entriesSent()-entries
	for end := w.now + parcelsEnd; sent > 0 && p.ends() && w.parcelsSent() > parcels; {
		if w.now >= end {
			w.broken("quiet", "parcels are sent again for %v though all hold the same", clock(parcelsEnd))
			return
		}
		entries, parcels = w.entriesSent(), w.parcelsSent()
		if !w.Run(span) {
			return
		}
		sent = w.entriesSent() - entries
	}
	if sent > 0 && p.ends() {
		w.broken("quiet", "%d entries were sent though all hold the same", sent)
	}
	most := w.idleFrames(p, span)
	if frames > most {
		w.broken("quiet", "%d frames in %v though all hold the same; want %d at most", frames, clock(span), most)
	}
}

// ends tells whether nodes that hold the same stop to tell each other what they have:
// walks of repair do not, update lists and some policies of rumors take their time.
func (p *Plan) ends() bool {
	n := &p.Node
	return n.RepairEvery == 0 && !n.MixedDiff && n.Diff != tune.DiffUpdates && n.Rumor == (tune.RumorPolicy{})
}

// idleFrames is how many frames all nodes send in a span while nothing happens.
func (w *World) idleFrames(p *Plan, span sched.Instant) uint64 {
	const period = 200 * sched.Millisecond // of the detector
	each := 4 * uint64(span) / uint64(p.Node.Interval)
	if !p.Node.NoDetector {
		each += 2 * uint64(min(p.Nodes-1, 8)) * uint64(span/period)
	}
	if p.Node.RepairEvery > 0 {
		each += 8 * uint64(span) / uint64(p.Node.RepairEvery)
	}
	return uint64(p.Nodes) * (each + each/2 + 20)
}

// parcelsSent is how often all nodes sent a parcel.
func (w *World) parcelsSent() (n uint64) {
	for _, x := range w.Nodes {
		if x.Up {
			n += x.Core.Counters().DelegationsSent
		}
	}
	return n
}

func (w *World) entriesSent() (n uint64) {
	for _, x := range w.Nodes {
		if x.Up {
			n += x.Core.Counters().EntriesSent
		}
	}
	return n
}
