package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/sched"
)

// Trace runs a plan and sums up in one number all that can be seen of it from
// outside the cores: every frame and its fate, every event, and what every node
// says of its peers, its flow control and its counters, each traceGap and at the
// end. On top of the plan's writes it asks for what only callers ask for: user
// events, probes, confirmations, walks of repair, another key.
//
// A change that only moves code leaves all traces as they are.
func Trace(p *Plan) (sum uint64, out *Outcome) {
	t := tracer{hash: fnv.New64a()}
	out = TryWith(p, func(w *World) { t.begin(p, w) })
	for _, n := range t.w.Nodes {
		t.node(n)
	}
	fmt.Fprintln(t.hash, out.Hash, out.Took, out.Violation != nil)
	return t.hash.Sum64(), out
}

// Traces are the traces of many seeds, in their order, and how many of them break
// a law.
func Traces(seeds []uint64, workers int) (sums []uint64, broken int) {
	sums = make([]uint64, len(seeds))
	var bad atomic.Int64
	var next atomic.Int64
	var all sync.WaitGroup
	for range max(1, workers) {
		all.Go(func() {
			for i := int(next.Add(1) - 1); i < len(seeds); i = int(next.Add(1) - 1) {
				var out *Outcome
				if sums[i], out = Trace(NewPlan(seeds[i])); out.Violation != nil {
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	return sums, int(bad.Load())
}

// traceGap is the mean virtual time between two questions of a caller.
const traceGap = 40 * sched.Millisecond

type tracer struct {
	hash  hash.Hash64
	w     *World
	rand  sched.Rand // of its own, so that the plan's draws stay as they are
	lines []string   // scratch
}

func (t *tracer) begin(p *Plan, w *World) {
	t.w = w
	t.rand.Seed(p.Seed ^ 0x7472616365)
	w.OnEvent = func(n *Node, ev *core.Event) { fmt.Fprintln(t.hash, w.Now(), n.Index, *ev) }
	t.askNext(p)
	if p.changesKey() {
		w.At(p.Until/2, func() { t.addKey() })
	}
}

// changesKey: a node that starts anew would not hold the new key.
func (p *Plan) changesKey() bool {
	return p.Node.Sealed && !slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.Kind >= Crashes && f.Kind <= Moves })
}

// askNext lets one caller ask one node something, again and again until the end
// of harm.
func (t *tracer) askNext(p *Plan) {
	t.w.After(t.rand.Between(0, 2*traceGap), func() {
		if t.w.Now() >= p.Until {
			return
		}
		n := t.w.Nodes[t.rand.Uint32n(uint32(len(t.w.Nodes)))]
		kind, peer := t.rand.Uint32n(6), 1+t.rand.Uint32n(uint32(len(t.w.Nodes)))
		if n.Up && !n.paused {
			t.w.do(n, func(s *shard) {
				t.ask(n, kind, peer)
				t.w.pump(s, n)
			})
			t.node(n)
		}
		t.askNext(p)
	})
}

func (t *tracer) ask(n *Node, kind, peer uint32) {
	c := n.Core
	switch kind {
	case 0:
		time, st := c.Broadcast(n.now, []byte("topic"), []byte(n.Name))
		fmt.Fprintln(t.hash, time, st)
	case 1:
		fmt.Fprintln(t.hash, c.Ping(n.now, peer, uint64(peer)))
	case 2:
		c.Ask(n.now, peer%2 == 0)
	case 3:
		fmt.Fprintln(t.hash, c.StartRepair(n.now))
	case 4:
		fmt.Fprintln(t.hash, results(c.Admit(n.now, 8, 100)))
	default:
		a := c.Agreement(n.now - sched.Second)
		fmt.Fprintln(t.hash, results(a.Confirmed, a.Members))
		fmt.Fprintln(t.hash, results(a.Equal, a.Members))
	}
}

// results gathers several results for one line.
func results(v ...any) []any { return v }

// addKey gives everybody a second key and seals with it.
func (t *tracer) addKey() {
	for _, n := range t.w.Nodes {
		if !n.Up {
			continue
		}
		t.w.do(n, func(s *shard) {
			fmt.Fprintln(t.hash, n.Core.TurnKeys(n.now, func(k *protect.Sealed) error { return k.Add(2, []byte("fedcba9876543210")) }), n.Core.TurnKeys(n.now, func(k *protect.Sealed) error { return k.Use(2) }))
			t.w.pump(s, n)
		})
	}
}

// node notes what a node says of itself.
func (t *tracer) node(n *Node) {
	c := n.Core
	fmt.Fprintln(t.hash, n.Index, n.Life, n.Up, c.Parts().Self.Gen, c.Fingerprint(), c.Deadline())
	t.figures(*c.Counters())
	t.figures(c.FlowState())
	for p := uint32(1); p < c.Peers(); p++ {
		if q, ok := c.Peer(p); ok {
			fmt.Fprintln(t.hash, p, c.Parts().Detector.Status(p))
			t.figures(q)
		}
		if f, ok := c.PeerFlow(p); ok {
			t.figures(f)
		}
	}
}

// figures notes all fields of a struct that are not zero, by name: where a field
// stands in it does not matter.
func (t *tracer) figures(v any) {
	t.lines = t.lines[:0]
	t.collect("", reflect.ValueOf(v))
	slices.Sort(t.lines)
	fmt.Fprintln(t.hash, t.lines)
}

func (t *tracer) collect(name string, v reflect.Value) {
	switch {
	case v.IsZero():
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[netip.AddrPort]():
		for i := range v.NumField() {
			t.collect(v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			t.collect(fmt.Sprint(name, ".", i), v.Index(i))
		}
	default:
		t.lines = append(t.lines, fmt.Sprint(name, "=", v.Interface()))
	}
}
