package flowcontrol

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Plan is one run. The zero value of a field takes the paper's.
type Plan struct {
	Nodes int             // participants; 128
	Keys  int             // of each; 64
	MTU   int             // entries in each direction of an exchange; 100
	Order reconcile.Order // how an exchange is filled
	Seed  uint64
	// Rate is a fixed rate of updates a second of each participant, without
	// flow control; 0: with it.
	Rate             float64
	Start, Half, End int // seconds; 15, 90, 180
}

func (p *Plan) fill() {
	set := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	set(&p.Nodes, 128)
	set(&p.Keys, 64)
	set(&p.MTU, 100)
	set(&p.Start, 15)
	set(&p.Half, 90)
	set(&p.End, 180)
}

// Capacity is the rate above which updates pile up: each participant receives
// 2·mtu entries an interval and needs those of all others.
func Capacity(nodes, mtu int) float64 { return 2 * float64(mtu) / float64(nodes-1) }

// Sample is the cluster at one second.
type Sample struct {
	Second    int     `json:"s"`
	Rate      float64 `json:"rate"`        // mean τ, or the fixed rate
	RateMax   float64 `json:"rate_max"`    // the largest τ
	Updates   float64 `json:"updates"`     // made in this second, of each participant
	Staleness float64 `json:"staleness_s"` // the largest
	Jain      float64 `json:"jain"`        // of the updates that each made in the last 30 s
}

const (
	window   = 30 // seconds
	interval = sched.Second
	second   = sched.Second
	fixed    = 20 * sched.Millisecond // how often a writer looks whether it may
)

type writer struct {
	*peer
	version uint64
	born    []sched.Instant // by version - 1
	updates [][]uint64      // versions of each key
	owed    float64
	wrote   [window]int   // in each of the last seconds
	off     sched.Instant // its phase, so that writers do not march in step
}

type run struct {
	Plan
	w       *world
	rnd     *rand.Rand
	writers []writer
	keys    [][]byte
	held    []uint64 // scratch: versions of one replica
	zero    sched.Instant
	slot    int // of the second that runs
}

// Run makes one run.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	p.fill()
	r := &run{Plan: p, rnd: rand.New(rand.NewPCG(p.Seed, 1))}
	r.w = newWorld(p.Seed)
	for i := range p.Nodes {
		r.writers = append(r.writers, writer{peer: r.w.start(r.config(i)), off: sched.Instant(r.rnd.Int64N(int64(fixed)))})
	}
	for i := range p.Keys {
		r.keys = append(r.keys, fmt.Appendf(nil, "key%04d", i))
	}
	for i := range r.writers {
		r.writers[i].updates = make([][]uint64, p.Keys)
	}
	r.held = make([]uint64, p.Keys)
	if err := r.meet(); err != nil {
		return nil, err
	}
	r.zero = r.w.now
	var samples []Sample
	for s := 1; s <= p.End; s++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if s-1 == p.Half {
			for i := range r.writers {
				r.writers[i].core.Parts().Flow.SetEntries(p.MTU / 2)
			}
		}
		r.second(s)
		samples = append(samples, r.sample(s))
	}
	return samples, nil
}

func (r *run) config(i int) *core.Config {
	c := &core.Config{
		Name: fmt.Appendf(nil, "p%d", i), Generation: 1, Cluster: []byte("paper"), Seed: r.rnd.Uint64(),
		Order: r.Order, Spread: core.Gossip, Interval: interval, Throttle: core.Refuse,
		Experiment: &core.Experiment{NoPrint: true, Uniform: true, NoDetector: true, Deltas: r.MTU, Frames: 64},
	}
	if r.Rate > 0 {
		c.Flow = flow.Off
	} else {
		c.Experiment.Plan = flow.PaperPlan(r.MTU, interval)
	}
	c.Limits.State = state.LimitsDefault()
	c.Limits.State.Keys = 2 * r.Nodes * (r.Keys + 8)
	c.Limits.Peers, c.Limits.Jobs = r.Nodes+8, 64
	for k := range c.Salt {
		c.Salt[k] = byte(r.rnd.Uint32())
	}
	return c
}

// meet lets everybody join the first and waits until all know all.
func (r *run) meet() error {
	for i := range r.writers[1:] {
		r.w.join(r.writers[i+1].peer, r.writers[0].addr)
	}
	for range 60 {
		r.w.run(r.w.now + second)
		known := true
		for i := range r.writers {
			known = known && r.writers[i].core.Parts().Store.Len() == r.Nodes
			live := r.writers[i].core.Agreement(0).Members
			known = known && live == r.Nodes-1
		}
		if known {
			return nil
		}
	}
	return fmt.Errorf("%d participants did not all meet within a minute", r.Nodes)
}

// second runs until the given second ends.
func (r *run) second(s int) {
	end := r.zero + sched.Instant(s)*second
	for i := range r.writers {
		r.writers[i].wrote[s%window] = 0
	}
	r.slot = s % window
	for at := end - second; at < end; at += fixed {
		for i := range r.writers {
			if w := &r.writers[i]; s > r.Start {
				r.w.run(at + w.off*sched.Instant(i)/sched.Instant(r.Nodes)/sched.Instant(2))
				r.write(w)
			}
		}
		r.w.run(at + fixed)
	}
}

// write makes the updates that the writer may make now.
func (r *run) write(w *writer) {
	k := r.rnd.IntN(len(r.keys))
	key := r.keys[k]
	w.owed += r.Rate * float64(fixed) / float64(second)
	for range 100 {
		if r.Rate > 0 {
			if w.owed < 1 {
				return
			}
			w.owed--
		} else if ok, _, _ := w.core.Admit(r.w.now, len(key), 8); !ok {
			return
		}
		w.version++
		w.wrote[r.slot]++
		w.born = append(w.born, r.w.now)
		w.updates[k] = append(w.updates[k], w.version)
		w.core.Write(r.w.now, &core.Op{Kind: core.Set, Version: w.version, Key: key, Value: key, Stamp: int64(r.w.now)})
		r.w.pump(w.peer)
		k = r.rnd.IntN(len(r.keys))
		key = r.keys[k]
	}
}

func (r *run) sample(s int) Sample {
	out := Sample{Second: s, Rate: r.Rate, RateMax: r.Rate}
	var sum, square float64
	for i := range r.writers {
		n := 0.0
		for _, k := range r.writers[i].wrote {
			n += float64(k)
		}
		sum, square = sum+n, square+n*n
		out.Updates += float64(r.writers[i].wrote[r.slot]) / float64(r.Nodes)
	}
	if square > 0 {
		out.Jain = sum * sum / (float64(r.Nodes) * square)
	}
	if r.Rate == 0 {
		for i := range r.writers {
			tau := float64(r.writers[i].core.Parts().Flow.Allowed()) / flow.Thousandth
			out.Rate += tau / float64(r.Nodes)
			out.RateMax = max(out.RateMax, tau)
		}
	}
	out.Staleness = r.staleness()
	return out
}

// staleness is the age of the oldest update that somebody lacks. Replicas of
// Scuttlebutt hold prefixes: the first one lacking is the one after the max.
func (r *run) staleness() float64 {
	oldest := r.w.now
	for i := range r.writers {
		a := &r.writers[i]
		if len(a.born) == 0 {
			continue
		}
		id := a.core.Parts().Self.ID
		for j := range r.writers {
			st := r.writers[j].core.Parts().Store
			if r.Order >= reconcile.PreciseNewest {
				oldest = min(oldest, r.lacking(a, st))
			} else if top := st.Max(st.Find(id)); int(top) < len(a.born) {
				oldest = min(oldest, a.born[top])
			}
		}
	}
	return float64(r.w.now-oldest) / float64(second)
}

// lacking is when the first update was made that a replica lacks, key by key.
func (r *run) lacking(a *writer, st *state.Store) sched.Instant {
	clear(r.held)
	var cur state.Cursor
	var e codec.Entry
	st.After(st.Find(a.core.Parts().Self.ID), 0, &cur)
	for cur.Next(&e) {
		n, err := strconv.Atoi(string(e.Key[3:]))
		if err != nil || n >= len(r.held) {
			panic("a key that nobody wrote")
		}
		r.held[n] = e.Version
	}
	oldest := r.w.now
	for k, all := range a.updates {
		if i, _ := slices.BinarySearch(all, r.held[k]+1); i < len(all) {
			oldest = min(oldest, a.born[all[i]-1])
		}
	}
	return oldest
}
