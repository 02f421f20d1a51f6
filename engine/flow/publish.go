package flow

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	entryCost   = 16  // bytes of an entry beside key and value, about
	publishMost = 256 // entries that one turn publishes
)

// publisher is what a Control keeps of the own writes. Those that are not published
// stay in the store above the max that peers are told of, and go out in their newest
// form.
type publisher struct {
	store   *state.Store
	own     state.Origin
	written uint64 // newest own version, published or not
	behind  bool   // there are unpublished writes
	batch   int    // cost of the writes of a batch that goes on
	unsent  state.Cursor
	entry   codec.Entry
}

// Written is the newest own version that was given to Publish.
func (f *publisher) Written() uint64 { return f.written }

// Behind reports whether there are writes that peers are not told of yet.
func (f *publisher) Behind() bool { return f.behind }

func (f *publisher) unpublished() int { return f.store.Missing(f.own, f.store.Max(f.own)) }

// meanBytes is about what an own entry takes in a frame.
func (f *publisher) meanBytes() int {
	return entryCost + f.store.Bytes(f.own)/max(1, f.store.Keys(f.own))
}

// cost is what an entry takes of the own rate.
func (f *Control) cost(key, value int) int {
	if f.cfg.Entries > 0 {
		return Thousandth
	}
	return key + value + entryCost
}

// meanCost is about what an own entry costs.
func (f *Control) meanCost() int {
	if f.cfg.Entries > 0 {
		return Thousandth
	}
	return f.meanBytes()
}

// bounded reports whether the rate is in force.
func (f *Control) bounded() bool { return f.cfg.Flow == tune.FlowOn && f.rated && !f.source.Free() }

// Admit asks whether a write of so many bytes of key and value may be made now. If
// not, rate is what is allowed, in bytes a second (thousandths of entries where those
// are counted), and at is when to try again.
func (f *Control) Admit(now sched.Instant, key, value int) (ok bool, rate uint32, at sched.Instant) {
	if cost := f.cost(key, value); f.bounded() && !f.gate.Pass(now, cost) {
		f.meter.Wished(uint64(cost))
		return false, f.source.Allowed(), f.gate.When()
	}
	return true, 0, now
}

// Wish tells of writes that were refused before Admit was asked, by their cost in
// bytes.
func (f *Control) Wish(cost uint64) { f.meter.Wished(cost) }

// Allowed is the rate at which own writes may be published now, in bytes a second;
// RateMax while there is no congestion.
func (f *Control) Allowed() uint32 {
	if !f.bounded() {
		return RateMax
	}
	return f.source.Allowed()
}

// Write is one own write.
type Write struct {
	Version    uint64
	Key, Value int  // bytes
	Waits      bool // it waits while the own rate is used up
	More       bool // the batch that it belongs to goes on: the last one publishes all
}

// Publish takes an own write that is in the store. True: the cluster may be told of
// all up to its version now; else when there is rate for it: PublishTo.
func (f *Control) Publish(now sched.Instant, w Write) bool {
	cost := f.cost(w.Key, w.Value)
	f.written = w.Version
	if f.batch += cost; w.More {
		return false
	}
	cost, f.batch = f.batch, 0
	if w.Waits && f.bounded() && (f.behind || !f.gate.Pass(now, cost)) {
		f.n.WritesHeld++
		f.behind = true
		f.wait(now)
		return false
	}
	f.meter.Published(cost)
	f.behind = false
	return true
}

// wait lets the timer wake PublishTo when there is rate for what is held.
func (f *Control) wait(now sched.Instant) {
	if f.behind {
		f.later.SetOnce(max(now+1, f.gate.When()))
	}
}

// PublishTo is how far the rate reaches beyond what is published. What is held still
// has its time.
func (f *Control) PublishTo(now sched.Instant) (to uint64) {
	to = f.reached(now)
	f.wait(now)
	return to
}

func (f *Control) reached(now sched.Instant) (to uint64) {
	to = f.store.Max(f.own)
	if !f.behind {
		return to
	}
	if !f.bounded() {
		f.behind = false
		return f.written
	}
	f.store.After(f.own, to, &f.unsent)
	for n := 0; f.unsent.Next(&f.entry); n++ {
		cost := f.cost(len(f.entry.Key), len(f.entry.Value))
		switch {
		case f.entry.Version <= to: // of a batch, which goes out whole
			f.gate.Spend(now, cost)
		case n >= publishMost || !f.gate.Pass(now, cost):
			return to
		}
		to = max(to, f.entry.End())
		f.meter.Published(cost)
	}
	f.behind = false
	return f.written
}
