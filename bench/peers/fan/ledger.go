package main

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/bench/peers/peer"
)

const (
	valueBytes = peer.ValueBytes
	sampled    = 5000 // writes a second, whose way is followed
)

var clockBase = time.Now()

func clock() int64 { return int64(time.Since(clockBase)) }

// ledger knows what was written, and what arrived where.
type ledger struct {
	holders, keys int
	stride        uint64 // one write in so many is followed
	due           []int64
	seen          []atomic.Uint32
	took          []atomic.Int64 // until the last holder had it; 0: not yet
	newest        []uint64       // stamps by writer and key: the generator's
	last          []cursor       // by writer, for who tells of versions and not of stamps
	held          []replica
}

// replica is what a holder has, where the kind keeps none of its own.
type replica struct {
	stamps    []atomic.Uint64
	values    [][valueBytes]byte // the receiver's
	delivered atomic.Uint64
	next      []int // by writer: the first followed write that is not here
	_         [64]byte
}

// cursor are the followed writes of one writer, by version.
type cursor struct {
	n        atomic.Uint32
	versions []uint64
	indices  []uint32
}

func newLedger(holders, keys int, rate uint64, span time.Duration) *ledger {
	l := &ledger{holders: holders, keys: keys, stride: max(1, rate/sampled)}
	n := int(float64(rate)*span.Seconds())/int(l.stride) + 16
	l.due, l.seen, l.took = make([]int64, n), make([]atomic.Uint32, n), make([]atomic.Int64, n)
	l.newest, l.last, l.held = make([]uint64, holders*keys), make([]cursor, holders), make([]replica, holders)
	for i := range l.held {
		l.held[i].stamps, l.held[i].values = make([]atomic.Uint64, holders*keys), make([][valueBytes]byte, holders*keys)
		l.held[i].next = make([]int, holders)
		l.last[i].versions, l.last[i].indices = make([]uint64, n), make([]uint32, n)
	}
	return l
}

// Values begin with a stamp, the writer and the key. The stamp is 1 more than the number of the write
// where it is measured, with the top bit; others only fill.
const measuredBit = 1 << 63

func fillValue(v []byte, stamp uint64, writer, key int) {
	binary.LittleEndian.PutUint64(v, stamp)
	binary.LittleEndian.PutUint16(v[8:], uint16(writer))
	binary.LittleEndian.PutUint16(v[10:], uint16(key))
}

func readValue(v []byte) (stamp uint64, writer, key int) {
	return binary.LittleEndian.Uint64(v), int(binary.LittleEndian.Uint16(v[8:])), int(binary.LittleEndian.Uint16(v[10:]))
}

// followed is the index of a stamp among the followed writes.
func (l *ledger) followed(stamp uint64) (i int, ok bool) {
	n := stamp&^measuredBit - 1
	return int(n / l.stride), stamp&measuredBit != 0 && n%l.stride == 0 && int(n/l.stride) < len(l.due)
}

// arrived stores a value that reached a holder, and follows it. Each holder calls it from one
// goroutine at a time. It tells whether it was news.
func (l *ledger) arrived(holder int, v []byte) bool {
	if len(v) != valueBytes {
		return false
	}
	stamp, writer, key := readValue(v)
	if writer == holder || writer >= l.holders || key >= l.keys {
		return false
	}
	h := &l.held[holder]
	at := writer*l.keys + key
	if old := h.stamps[at].Load(); stamp > old {
		copy(h.values[at][:], v)
		h.stamps[at].Store(stamp)
	}
	h.delivered.Add(1)
	if i, ok := l.followed(stamp); ok {
		l.count(i, clock())
	}
	return true
}

func (l *ledger) count(i int, now int64) {
	if l.seen[i].Add(1) == uint32(l.holders-1) {
		l.took[i].Store(max(1, now-l.due[i]))
	}
}

// foresee notes the version that a followed write will have.
func (l *ledger) foresee(writer int, version, stamp uint64) {
	if i, ok := l.followed(stamp); ok {
		c := &l.last[writer]
		n := c.n.Load()
		c.versions[n], c.indices[n] = version, uint32(i)
		c.n.Store(n + 1)
	}
}

// reached follows the writes of a writer up to a version.
func (l *ledger) reached(holder, writer int, version uint64, now int64) {
	c, next := &l.last[writer], &l.held[holder].next[writer]
	for n := int(c.n.Load()); *next < n && c.versions[*next] <= version; *next++ {
		l.count(int(c.indices[*next]), now)
	}
}

// delivered counts what arrived at all.
func (l *ledger) delivered() (n uint64) {
	for i := range l.held {
		n += l.held[i].delivered.Load()
	}
	return n
}

// differ counts the keys that are not at a holder as they were written last.
func (l *ledger) differ() (n int) {
	for h := range l.held {
		for i, want := range l.newest {
			if i/l.keys != h && l.held[h].stamps[i].Load() != want {
				n++
			}
		}
	}
	return n
}

// times are those until everybody had a write, of writes that everybody had, sorted; missed counts
// the others.
func (l *ledger) times(written uint64) (took []int64, missed int) {
	for i := range min(len(l.due), int((written+l.stride-1)/l.stride)) {
		if t := l.took[i].Load(); t > 0 {
			took = append(took, t)
		} else {
			missed++
		}
	}
	slices.Sort(took)
	return took, missed
}
