package load

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// setter is the one call that the generator makes: write a key on a node, get its version or a
// refusal.
type setter func(node int, key string, value []byte) (version uint64, err error)

// driver is the open-loop generator: it writes at intended times, one goroutine for all nodes.
// Writes that became due while it was held up leave in a burst under their own intended times, so
// that a delay of the generator or of Set is counted against the cluster and never hidden (no
// coordinated omission). A refused write is counted, not retried.
type driver struct {
	set    setter
	clock  func() int64
	track  *tracker
	nodes  int
	heavy  int
	quiet  int
	keys   []string
	value  []byte
	random *rand.Rand
	turn   []int  // by node: how many keys it has written; each goes through all of its keys before it repeats one
	order  []int  // of the keys, shuffled
	stride uint64 // one write in so many is sampled

	last   []uint64  // by node: version of its newest write; also what the replicas must reach
	newest []written // by node and key: what must be there at the end
	stamp  uint64    // goes into each value, so that no two are equal

	from, to int64 // measured phase, by intended time
	tally    tally
	cost     *hdr.Histogram // nanoseconds of each sampled Set
	lag      *hdr.Histogram // nanoseconds from intended to issued: the generator's own part
	clockMin int64          // cost of reading the clock, taken off each cost

	issued atomic.Uint64 // for progress
	stop   atomic.Bool   // set by whoever gives up
}

// written is the newest accepted write of one key.
type written struct {
	version, stamp uint64
}

// tally counts the writes of the measured phase.
type tally struct {
	accepted, refused, sampled, missed uint64
	ended                              int64 // when the last one was issued
	failure                            error // first refusal, for the report
}

const graceNanosMin = 250e6 // what a busy machine may take a thread away for

// Bounds of the sampled writes. Each costs every node's loop a shared counter, and about 56 bytes.
const (
	samplesPerSecond = 5000
	samplesMax       = 1 << 20
)

// sampleStride is n where one write in n is sampled.
func sampleStride(o *Options) uint64 {
	writes := (o.Warmup + o.Duration).Seconds() * float64(o.Rate)
	return max(1, uint64(o.Rate)/samplesPerSecond, uint64(math.Ceil(writes/samplesMax)))
}

func newDriver(o *Options, set setter, clock func() int64, track *tracker) *driver {
	d := &driver{
		set: set, clock: clock, track: track, nodes: o.Nodes,
		keys: make([]string, o.Keys), value: make([]byte, o.Size),
		random: rand.New(rand.NewPCG(o.Seed, 0x71756964)),
		stride: sampleStride(o), heavy: o.heavy,
		turn: make([]int, o.Nodes), last: make([]uint64, o.Nodes), newest: make([]written, o.Nodes*o.Keys),
		cost: newHistogram(), lag: newHistogram(),
	}
	for i := range d.keys {
		d.keys[i] = keyName(i)
	}
	for i := range d.value {
		d.value[i] = byte(d.random.Uint32())
	}
	d.order = d.random.Perm(o.Keys)
	if o.stopper != nil {
		d.quiet = 1
	}
	d.clockMin = clockCost(clock)
	return d
}

// clockCost is the shortest of many readings.
func clockCost(clock func() int64) int64 {
	least := int64(1 << 62)
	for range 1000 {
		a := clock()
		least = min(least, clock()-a)
	}
	return max(least, 0)
}

// sampleCapacity is how many samples one origin's history must hold for the whole run: the mean,
// half more, and a floor for the spread of random choice.
func sampleCapacity(o *Options) int {
	writes := (o.Warmup + o.Duration).Seconds() * float64(o.Rate)
	mean := writes / float64(sampleStride(o)) / float64(o.Nodes)
	return int(mean*1.5) + 256
}

// run writes until the intended time reaches d.to.
func (d *driver) run(p *pacer) {
	p.lock()
	defer p.unlock()
	end := p.due(d.to - 1)
	grace := d.to + max((d.to-d.from)/50, graceNanosMin) // a generator that is later than this will not catch up
	for n := uint64(0); n < end && !d.stop.Load(); {
		now := p.wait(p.at(n))
		if now > grace {
			d.tally.missed = end - n
			break
		}
		for due := min(p.due(now), end); n < due; n++ {
			d.write(p.at(n), n%d.stride == 0)
		}
		d.issued.Store(n)
	}
	d.tally.ended = d.clock()
}

// write does one write under its intended time: on a random node, of the key whose turn it is
// there. A key is then not overwritten before its last write has had the time of a whole cycle to
// arrive everywhere as an entry of its own.
func (d *driver) write(intended int64, sampled bool) {
	node := d.pick()
	key := d.order[d.turn[node]]
	if d.turn[node]++; d.turn[node] == len(d.order) {
		d.turn[node] = 0
	}
	var s *sample
	if sampled {
		s, sampled = d.track.expect(node, d.last[node]+1, intended)
	}
	began := d.clock()
	version, err := d.put(node, key)
	measured := intended >= d.from && intended < d.to
	if sampled {
		s.void = err != nil || version != s.version
		if measured && err == nil {
			record(d.cost, d.clock()-began-d.clockMin)
			record(d.lag, began-intended)
		}
	}
	if measured {
		d.tally.add(err, sampled && !s.void)
	}
}

// pick chooses the node of a write: node 0 is as likely as d.heavy others, the quiet ones are last
// and write nothing.
func (d *driver) pick() int {
	writers := d.nodes - d.quiet
	if d.heavy <= 1 {
		return d.random.IntN(writers)
	}
	return max(0, d.random.IntN(writers-1+d.heavy)-d.heavy+1)
}

func (t *tally) add(err error, sampled bool) {
	if err != nil {
		t.refused++
		if t.failure == nil {
			t.failure = err
		}
		return
	}
	t.accepted++
	if sampled {
		t.sampled++
	}
}

// put writes a value that never was before and remembers it if it was accepted.
func (d *driver) put(node, key int) (uint64, error) {
	d.stamp++
	stamp(d.value, d.stamp)
	version, err := d.set(node, d.keys[key], d.value)
	if err == nil {
		d.last[node] = version
		d.newest[node*len(d.keys)+key] = written{version: version, stamp: d.stamp}
	}
	return version, err
}

// stamp writes n over the head of the value; a value shorter than 8 bytes keeps the low ones.
func stamp(value []byte, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	copy(value, b[:])
}

// keyName is the key that every node has under this number.
func keyName(i int) string { return "key-" + strconv.Itoa(i) }
