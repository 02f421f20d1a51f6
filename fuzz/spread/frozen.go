package spread

import (
	"runtime"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// FrozenPlan is one member that stops for a while in the middle of everything, as
// a process does that gets SIGSTOP: its socket fills up, its clock jumps.
type FrozenPlan struct {
	Nodes  int
	Rate   int // writes a second in the cluster; the frozen member makes none
	Freeze sched.Instant
	Seed   uint64
	Spread tune.Spread
}

// Frozen is what that did to the others, and to it.
type Frozen struct {
	Nodes       int   `json:"nodes"`
	Rate        int   `json:"writes_per_s"`
	P50, P99    int64 // µs, of the others, while it is frozen
	CalmP99     int64 `json:"calm_p99_us"`  // the same for as long before
	Last        int64 `json:"last_us"`      // the slowest delivery among the others meanwhile
	CalmLast    int64 `json:"calm_last_us"` //
	LevelMs     int64 `json:"level_ms"`     // from waking until it held all that was written before
	HeapBefore  int64 `json:"heap_before"`  // bytes in use by the whole cluster, after collection
	HeapAfter   int64 `json:"heap_after"`   // at the end of the freeze
	StoresGrew  int64 `json:"stores_grew"`  // bytes, of the others
	FramesCalm  int64 `json:"frames_calm"`  // sent by the others before
	FramesWhile int64 `json:"frames_while"` // and meanwhile
	Mismatched  bool  `json:"mismatched"`   // not all were equal in the end
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// MeasureFrozen runs the plan.
func MeasureFrozen(p *FrozenPlan) (Frozen, error) {
	f := Frozen{Nodes: p.Nodes, Rate: p.Rate, LevelMs: -1}
	c, err := form(p.Nodes, p.Seed, true, func(k *core.Config) { k.Spread = p.Spread })
	if err != nil {
		return f, err
	}
	c.spare = p.Nodes - 1
	ice := c.Nodes[c.spare]
	c.writes(p.Rate, 2*p.Freeze) // stores reach their size
	us := func(d sched.Instant) int64 { return int64(d / sched.Microsecond) }

	c.begin()
	sent := c.counters().FramesSent
	c.writes(p.Rate, p.Freeze)
	q, _ := c.quantiles(c.spare, 0.5, 0.99, 1)
	f.CalmP99, f.CalmLast = us(q[1]), us(q[2])
	f.FramesCalm = int64(c.counters().FramesSent - sent)

	f.HeapBefore = heap()
	stores := c.stores()
	c.begin()
	sent = c.counters().FramesSent
	c.Pause(ice.Index)
	c.writes(p.Rate, p.Freeze)
	q, _ = c.quantiles(c.spare, 0.5, 0.99, 1)
	f.P50, f.P99, f.Last = us(q[0]), us(q[1]), us(q[2])
	f.FramesWhile = int64(c.counters().FramesSent - sent)
	f.StoresGrew = c.stores() - stores
	for i := range c.delays {
		c.delays[i] = c.delays[i][:0:0]
	}
	f.HeapAfter = heap()

	goal, woken := make([]uint64, p.Nodes), c.Now()
	for i := range goal {
		goal[i] = uint64(len(c.wrote[i]))
	}
	c.Resume(ice.Index)
	for c.Now()-woken < 20*sched.Second {
		c.writes(p.Rate, 10*sched.Millisecond)
		if c.level(ice.Index, goal) {
			f.LevelMs = int64((c.Now() - woken) / sched.Millisecond)
			break
		}
	}
	_, ok := c.Converge(100*sched.Millisecond, 60*sched.Second)
	f.Mismatched = !ok
	return f, nil
}

// level reports whether a replica holds the first goal[i] versions of author i.
func (c *cluster) level(at int, goal []uint64) bool {
	for i, want := range goal {
		if max, known := c.Replica(at, i); i != at && (!known || max < want) {
			return false
		}
	}
	return true
}

// stores adds up the memory of all replicas.
func (c *cluster) stores() (bytes int64) {
	for _, n := range c.Nodes {
		bytes += int64(n.Core.Parts().Store.Footprint())
	}
	return bytes
}
