package load

import (
	"io"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// HeavyWriter is a cluster in which one node writes fifty times as much as each other one, and all
// together send twice what a node takes: that is half of what the writes are on the wire.
type HeavyWriter struct {
	Schema      string  `json:"schema"`
	Nodes       int     `json:"nodes"`
	RateTarget  float64 `json:"rate_target"`
	DurationS   float64 `json:"duration_s"`
	IntervalUs  float64 `json:"interval_us"`
	ReceiveRate int     `json:"receive_rate"` // bytes a second of each node

	LightP50 float64 `json:"light_p50_us"` // from the write to all nodes
	LightP99 float64 `json:"light_p99_us"`
	HeavyP50 float64 `json:"heavy_p50_us"` // until all nodes hold that write or a newer one of its key: staleness
	HeavyP99 float64 `json:"heavy_p99_us"`
	Jain     float64 `json:"jain"` // of the share of their writes that arrived in time, among the light writers
	Unseen   uint64  `json:"unseen"`

	LostKeys   uint64  `json:"lost_keys"`
	RecoveryMs float64 `json:"recovery_ms"`     // from the last write to equal replicas
	QueueMax   uint64  `json:"queue_bytes_max"` // memory of datagrams that wait in one socket
	Deferred   int     `json:"deferred_bytes_max"`

	Converged bool    `json:"converged"`
	Failure   string  `json:"failure,omitempty"`
	Load      *Report `json:"load"`
}

const (
	heavyNodes  = 20
	heavyWeight = 50
	heavyRate   = 5000
	heavySize   = 256 // so that frames, not their headers, fill what a node takes
	heavyLook   = 100 * time.Millisecond
	inTime      = 2 // exchange intervals
)

// Passed reports whether no key was lost.
func (h *HeavyWriter) Passed() bool { return h.Converged }

// encoded is the bytes a second that all writes take when they arrive at one node: the heavy node's
// share frames, each of a light node has its own.
func encoded(o *Options) int {
	const entry, header = 16, 72 // beside the value; of a frame with one run, without its entries
	share := int(o.Rate) / (o.Nodes - 1 + heavyWeight)
	full := entry + int(o.Size)
	return share*heavyWeight*(full+full/16) + share*(o.Nodes-1)*(full+header)
}

func heavyWriter(o *Options, run func(*Options) (*Report, error)) (*HeavyWriter, error) {
	p := *o
	if d := Defaults(); p.Nodes == d.Nodes && p.Rate == d.Rate {
		p.Nodes, p.Rate = heavyNodes, heavyRate
		if p.Duration == d.Duration {
			p.Duration = 30 * time.Second
		}
		if p.Size == d.Size {
			p.Size = heavySize
		}
	}
	p.heavy = heavyWeight
	if p.Interval == 0 {
		p.Interval = 100 * time.Millisecond
	}
	if p.ReceiveRate == 0 {
		p.ReceiveRate = units.Size(encoded(&p) / 2)
	}
	w := newWatcher()
	p.watch = w.watch
	r, err := run(&p)
	w.stop()
	if err != nil {
		return nil, err
	}
	h := &HeavyWriter{
		Schema: "qn.heavy-writer/1", Nodes: p.Nodes, RateTarget: float64(p.Rate), DurationS: p.Duration.Seconds(),
		IntervalUs: float64(p.Interval.Microseconds()), ReceiveRate: int(p.ReceiveRate),
		LostKeys: r.Different, RecoveryMs: r.DrainMs, QueueMax: w.queue, Deferred: w.deferred,
		Converged: r.Converged, Failure: r.Failure, Load: r,
	}
	h.latencies(r, int64(inTime*p.Interval))
	return h, nil
}

// latencies looks at each writer's samples.
func (h *HeavyWriter) latencies(r *Report, limit int64) {
	light, heavy := newHistogram(), newHistogram()
	var shares []float64
	for i := range r.track.origins {
		into := light
		if i == 0 {
			into = heavy
		}
		all, timely := 0.0, 0.0
		o := &r.track.origins[i]
		for k := range o.samples[:o.n.Load()] {
			s := &o.samples[k]
			if s.void || s.intended < r.from || s.intended >= r.to {
				continue
			}
			all++
			if !recordReached(into, s.allAt, s.intended) {
				h.Unseen++
			} else if s.allAt-s.intended <= limit {
				timely++
			}
		}
		if i > 0 && all > 0 {
			shares = append(shares, timely/all)
		}
	}
	at := func(x *hdr.Histogram, q float64) float64 { return micros(x.ValueAtQuantile(q)) }
	h.LightP50, h.LightP99 = at(light, 50), at(light, 99)
	h.HeavyP50, h.HeavyP99 = at(heavy, 50), at(heavy, 99)
	h.Jain = round(jain(shares), 4)
}

// jain is Jain's index of fairness: 1 when all are equal, 1/n when one has everything.
func jain(x []float64) float64 {
	sum, square := 0.0, 0.0
	for _, v := range x {
		sum, square = sum+v, square+v*v
	}
	if square == 0 {
		return 0
	}
	return sum * sum / (float64(len(x)) * square)
}

// watcher looks at the queues while a run lasts.
type watcher struct {
	end      chan struct{}
	once     sync.Once
	done     sync.WaitGroup
	queue    uint64
	deferred int
}

func newWatcher() *watcher { return &watcher{end: make(chan struct{})} }

func (w *watcher) watch(c *engines) {
	w.done.Go(func() {
		tick := time.NewTicker(heavyLook)
		defer tick.Stop()
		for {
			select {
			case <-w.end:
				return
			case <-tick.C:
			}
			for _, e := range c.nodes {
				s := e.Stats()
				w.queue = max(w.queue, s.Socket.ReceiveQueueBytes)
				w.deferred = max(w.deferred, s.Flow.Deferred)
			}
		}
	})
}

func (w *watcher) stop() {
	w.once.Do(func() { close(w.end) })
	w.done.Wait()
}

// WriteTable prints what happened to the light writers first.
func (h *HeavyWriter) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	us := func(v float64) string { return units.Span(int64(v * 1e3)) }
	p.Line("heavy", "%d nodes, node-0 writes %d times as much as each other one, %s writes/s in all, each node takes %s/s", h.Nodes,
		heavyWeight, units.Count(uint64(h.RateTarget)), units.Bytes(float64(h.ReceiveRate)))
	p.Line("light", "visible on all: p50 %s  p99 %s (%.1f exchange intervals)  Jain %.4f", us(h.LightP50), us(h.LightP99), h.LightP99/h.IntervalUs, h.Jain)
	p.Line("node-0", "stale by: p50 %s  p99 %s", us(h.HeavyP50), us(h.HeavyP99))
	p.Line("after", "equal after %s, %s entries differ; at most %s waited in a socket, %s at a sender", millis(h.RecoveryMs),
		units.Count(h.LostKeys), units.Bytes(float64(h.QueueMax)), units.Bytes(float64(h.Deferred)))
	printFlow(p, &h.Load.Flow)
	if h.Failure != "" {
		p.Line("note", "%s", h.Failure)
	}
	return p.Err()
}
