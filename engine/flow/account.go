package flow

import (
	"github.com/quidnunc/quidnunc/sched"
)

// Got notes entries that a peer sent.
func (f *Control) Got(h uint32, n int) { f.partner.Got(h, n) }

// With is what is remembered of the exchange that runs with a peer.
func (f *Control) With(now sched.Instant, p *Peer) *Exchange {
	return f.of(now, p).with.At(now, f.cfg.Interval)
}

// Lacks notes how much a peer was found to lack.
func (f *Control) Lacks(now sched.Instant, p *Peer, entries int) {
	f.With(now, p).Lacks(entries)
	f.of(now, p).tell = true
}

// Left is how many entries may still be sent in the exchange with a peer; negative:
// any number.
func (f *Control) Left(now sched.Instant, p *Peer) int {
	if f.cfg.Entries < 0 {
		return f.cfg.Entries // an exchange that is over is still remembered
	}
	return f.With(now, p).Left(f.cfg.Entries)
}

// limit is how many entries the answers of one exchange can hold.
func (f *Control) limit() int {
	if f.cfg.Entries > 0 {
		return f.cfg.Entries
	}
	st := f.store.Stats()
	mean := entryCost + st.ValueBytes/max(1, st.LiveKeys)
	return max(1, f.cfg.Frames*f.cfg.Frame/mean)
}

// overflows reports whether what the peer lacks is more than the exchange with it can
// hold.
func (f *Control) overflows(now sched.Instant, p *Peer) bool { return f.With(now, p).Over(f.limit()) }

// Partner is the peer with which this node started its last exchange; 0: nobody.
func (f *Control) Partner() uint32 { return f.partner.Peer() }

// Way is how news travels besides exchanges.
type Way struct {
	Pushed bool // writes are sent as they come
	Mailed bool // by their authors: others' sets for us are others' writes, and do not matter
}

// Ended judges the exchange that this node started last, by its partner, and adapts
// the own rate to it: only these count, since the partner was chosen here. nil: the
// partner can't be sent to any more.
func (f *Control) Ended(now sched.Instant, p *Peer, way Way) {
	if !f.rated {
		return
	}
	f.measure(now)
	if p == nil {
		return
	}
	x := f.look(p)
	sent := x.with.Load(f.limit(), Service{
		Starved: x.budget.Starved(now, f.cfg.Interval), Pushed: way.Pushed, Used: f.meter.Used(), Rate: x.budget.Rate(),
	})
	received := Slack
	if !way.Mailed {
		received = f.partner.Load(f.limit(), f.cfg.Entries)
	}
	f.source.Exchange(sent, received)
	f.gate.SetRate(now, f.source.Allowed())
	f.wait(now)
}

// Begin starts an exchange with peer h; nil and 0: with nobody.
func (f *Control) Begin(now sched.Instant, p *Peer, h uint32) {
	if !f.rated {
		return
	}
	f.partner.Begin(h)
	if p != nil {
		x := f.of(now, p)
		x.with.Begin(now)
		x.tell = true
	}
}

// measure takes in what the writer used and wished since the last time.
func (f *Control) measure(now sched.Instant) {
	waiting := uint64(0)
	if f.behind {
		waiting = uint64(f.unpublished() * f.meanCost())
	}
	if f.meter.Look(now, waiting) {
		f.source.Want(f.meter.Used(), f.meter.Wants())
	}
}

// SetEntries changes Config.Entries, 0 for no limit: the papers' experiments do while
// they run.
func (f *Control) SetEntries(n int) {
	if n == 0 {
		n = -1
	}
	if f.cfg.Entries = n; n > 0 {
		f.source.SetLimit(PaperLimit(n, f.cfg.Interval))
	}
}
