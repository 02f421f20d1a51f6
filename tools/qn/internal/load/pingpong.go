package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Pingpong is how long one write takes to one other node when nothing else goes on: two engines
// write in turns, each as soon as it holds the other's write. OneWay.Quantiles are those of the
// parked loops.
type Pingpong struct {
	Schema    string  `json:"schema"`
	Nodes     int     `json:"nodes"`
	Seed      string  `json:"seed"`
	SizeBytes int     `json:"size_bytes"`
	Reactors  int     `json:"reactors"`
	DurationS float64 `json:"duration_s"`
	OneWay    OneWay  `json:"oneway_us"`
	Writes    uint64  `json:"writes"`
	Converged bool    `json:"converged"`
	Env       Env     `json:"env"`
}

// OneWay has the time from the call of Set to visibility on the other node, for loops that sleep
// when idle and for loops that never do.
type OneWay struct {
	Quantiles
	Parked   Quantiles `json:"parked"`
	Spinning Quantiles `json:"spinning"`
}

// Passed reports whether every write arrived.
func (p *Pingpong) Passed() bool { return p.Converged }

// WriteTable prints one line an idle strategy.
func (p *Pingpong) WriteTable(w io.Writer) error {
	out := form.NewPrinter(w)
	out.Line("pingpong", "2 nodes, closed loop, %d B values, %d reactor(s), %gs each, %s writes", p.SizeBytes, p.Reactors,
		p.DurationS, units.Count(p.Writes))
	out.Line("env", "%s %s/%s  %d CPU (%s)  kernel %s", p.Env.Go, p.Env.OS, p.Env.Arch, p.Env.Cores, p.Env.CPU, p.Env.Kernel)
	row := func(name string, p50, p99, p999, most string) {
		out.Line("", "%-18s%9s%9s%9s%9s", name, p50, p99, p999, most)
	}
	row("one way", "p50", "p99", "p99.9", "max")
	spans := func(name string, q Quantiles) {
		f := func(v float64) string { return units.Span(int64(v * 1e3)) }
		row(name, f(q.P50), f(q.P99), f(q.P999), f(q.Max))
	}
	spans("parked", p.OneWay.Parked)
	spans("spinning", p.OneWay.Spinning)
	return out.Err()
}

// table is the two players and what their loops last reported.
type table struct {
	nodes [2]*engine.Engine
	ids   [2]atomic.Uint64
	seen  [2]report // by the node that reports
	times *hdr.Histogram
}

// report is written by one loop and read by the driver: at first, seen last.
type report struct {
	at   atomic.Int64
	seen atomic.Uint64
	_    [48]byte
}

const pingTimeout = 5 * time.Second

var errPingLost = errors.New("a write did not arrive within " + pingTimeout.String())

func pingpong(ctx context.Context, o *Options, progress *term.Progress) (*Pingpong, error) {
	defer progress.Clear()
	pair := *o
	pair.Nodes, pair.Reactors, pair.Keys = 2, min(o.Reactors, 2), 1
	result := &Pingpong{
		Schema: "qn.pingpong/1", Nodes: 2, Seed: strconv.FormatUint(o.Seed, 10), SizeBytes: int(o.Size),
		Reactors: pair.Reactors, DurationS: o.Duration.Seconds(), Converged: true,
	}
	for _, idle := range []batch.Strategy{batch.Park, batch.Spin} {
		progress.Show("ping-pong for %v", o.Duration)
		q, n, err := playSet(ctx, &pair, idle, &result.Env)
		if err != nil {
			return nil, err
		}
		result.Writes += n
		if idle == batch.Park {
			result.OneWay.Parked, result.OneWay.Quantiles = q, q
		} else {
			result.OneWay.Spinning = q
		}
	}
	return result, nil
}

// playSet plays for the warm-up and the duration with one idle strategy.
func playSet(ctx context.Context, o *Options, idle batch.Strategy, env *Env) (q Quantiles, n uint64, err error) {
	t := &table{times: newHistogram()}
	c := &engines{idle: batch.Idle{Strategy: idle}, observe: t.observe}
	if err := c.start(ctx, o); err != nil {
		return q, 0, err
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	if err := c.formed(ctx); err != nil {
		return q, 0, err
	}
	copy(t.nodes[:], c.nodes)
	for i, id := range c.ids() {
		t.ids[i].Store(id)
	}
	*env = readEnv(c.receiveBuffer())
	value := make([]byte, o.Size)
	if _, err := t.play(value, o.Warmup); err != nil {
		return q, 0, err
	}
	t.times.Reset()
	n, err = t.play(value, o.Duration)
	return quantiles(t.times), n, err
}

// observe runs on the loops.
func (t *table) observe(node int, a engine.Advance) {
	if a.Origin == t.ids[1-node].Load() {
		t.seen[node].at.Store(clock())
		t.seen[node].seen.Store(a.To)
	}
}

// play has the two write in turns, from one thread that spins for the answer: a sleeping caller
// would add its own waking.
func (t *table) play(value []byte, span time.Duration) (n uint64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := clock() + int64(span); clock() < end; n++ {
		writer, reader := n&1, 1-n&1
		stamp(value, n)
		began := clock()
		v, err := t.nodes[writer].Set("ball", value)
		if err != nil {
			return n, fmt.Errorf("node %d: %w", writer, err)
		}
		r := &t.seen[reader]
		for r.seen.Load() < v.Seq {
			if clock()-began > int64(pingTimeout) {
				return n, errPingLost
			}
		}
		record(t.times, r.at.Load()-began)
	}
	return n, nil
}
