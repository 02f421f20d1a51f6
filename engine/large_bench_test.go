package engine_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

const (
	besideMembers = 8
	besidePairs   = 12
	besidePhase   = time.Second
	besideEvery   = 2 * time.Millisecond // a small write: 6,000 in all, so the p99 is the sixtieth
	besideSought  = 2 * time.Second      // for the highest rate
	besideValue   = 64 << 10
	besideFlying  = 8 // large writes that are not everywhere yet, while their highest rate is sought
)

// beside is a cluster with a writer of large values and others of small ones.
type beside struct {
	b     *testing.B
	all   []*engine.Engine
	ids   []uint64 // of them
	start time.Time

	larges atomic.Uint64 // written
	mu     sync.Mutex
	sent   map[uint64]map[uint64]time.Duration // small writes by author and version
	left   map[uint64]map[uint64]int           // members that lack them
	took   []time.Duration
}

// BenchmarkSmallBesideLarge measures how long small writes of seven members take to be visible on
// all others while an eighth writes values of 64 KiB at half of the highest rate at which they are
// everywhere, and while it does not. Phases alternate; the p99 of each kind is that of its samples
// of all phases, and p99-ratio what they are to each other. pairs-ratio is the median of each phase
// to the next.
//
//	go test ./engine -run '^$' -bench SmallBesideLarge -benchtime 1x
func BenchmarkSmallBesideLarge(b *testing.B) {
	x := &beside{b: b, start: time.Now(), sent: map[uint64]map[uint64]time.Duration{}, left: map[uint64]map[uint64]int{}}
	for i := range besideMembers {
		c := engine.Local()
		c.Name, c.Streams = fmt.Sprint("m", i), stream.New(stream.Options{PortsTried: 1024})
		c.Trace = &engine.Trace{Advanced: x.advanced}
		e, err := engine.Start(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { e.Close() })
		if x.all = append(x.all, e); i > 0 {
			if _, err := e.Join(b.Context(), x.all[0].Addr().String()); err != nil {
				b.Fatal(err)
			}
		}
		x.ids = append(x.ids, e.ID())
		x.sent[x.ids[i]], x.left[x.ids[i]] = map[uint64]time.Duration{}, map[uint64]int{}
	}
	for b.Loop() {
		highest := x.highest()
		var ratios []float64
		var with, without []time.Duration
		var delivered uint64
		for range besidePairs {
			before := x.fetched()
			on := x.phase(highest / 2)
			delivered += x.fetched() - before
			off := x.phase(0)
			with, without = append(with, on...), append(without, off...)
			ratios = append(ratios, float64(ofAll(on, 99))/float64(ofAll(off, 99)))
		}
		slices.Sort(ratios)
		b.ReportMetric(highest, "highest/s")
		b.ReportMetric(highest*(besideMembers-1)*besideValue/1e6, "highest-MB/s")
		b.ReportMetric(float64(delivered)*besideValue/1e6/(besidePairs*besidePhase.Seconds()), "delivered-MB/s")
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(ofAll(with, p).Microseconds()), fmt.Sprintf("p%d-with-us", p))
			b.ReportMetric(float64(ofAll(without, p).Microseconds()), fmt.Sprintf("p%d-without-us", p))
		}
		b.ReportMetric(float64(ofAll(with, 99))/float64(ofAll(without, 99)), "p99-ratio")
		b.ReportMetric(ratios[len(ratios)/2], "pairs-ratio")
	}
}

// ofAll sorts and is what so many of 100 are not above.
func ofAll(v []time.Duration, p int) time.Duration {
	slices.Sort(v)
	return v[len(v)*p/100]
}

// fetched is how many contents came, at all members.
func (x *beside) fetched() (n uint64) {
	for _, e := range x.all {
		n += e.Large().Fetched
	}
	return n
}

// advanced sees small writes arrive.
func (x *beside) advanced(a engine.Advance) {
	x.mu.Lock() // whoever writes holds it, and waits for no loop meanwhile
	defer x.mu.Unlock()
	for v := a.From + 1; v <= a.To; v++ {
		began, ok := x.sent[a.Origin][v]
		if !ok {
			continue
		}
		if x.left[a.Origin][v]--; x.left[a.Origin][v] == 0 {
			x.took = append(x.took, time.Since(x.start)-began)
			delete(x.sent[a.Origin], v)
			delete(x.left[a.Origin], v)
		}
	}
}

// large writes one large value that was not written before: equal ones would not be fetched again.
func (x *beside) large() (engine.Version, error) {
	n := x.larges.Add(1)
	b, rnd := make([]byte, besideValue), rand.New(rand.NewPCG(n, 1))
	for i := 0; i < len(b); i += 16 { // half of it is zero
		binary.LittleEndian.PutUint64(b[i:], rnd.Uint64())
	}
	return x.all[0].Set(fmt.Sprint("large", n%64), b)
}

// highest is how many large writes a second are everywhere at the most.
func (x *beside) highest() float64 {
	var done atomic.Int64
	var writers sync.WaitGroup
	began := time.Now()
	for range besideFlying {
		writers.Go(func() {
			for time.Since(began) < besideSought {
				v, err := x.large()
				if err == nil {
					err = x.all[0].WaitVersion(x.b.Context(), v)
				}
				if err != nil {
					x.b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	writers.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// phase writes small values, and so many large ones a second beside. It gives how long the small
// ones took to be everywhere.
func (x *beside) phase(rate float64) []time.Duration {
	end, larges := time.Now().Add(besidePhase), sync.WaitGroup{}
	if rate > 0 {
		larges.Go(func() {
			began := time.Now()
			for n := 0; time.Now().Before(end); n++ {
				<-time.After(time.Until(began.Add(time.Duration(float64(n) / rate * 1e9))))
				x.large()
			}
		})
	}
	x.mu.Lock()
	x.took = x.took[:0]
	x.mu.Unlock()
	for n, next := 0, time.Now(); time.Now().Before(end); n++ {
		next = next.Add(besideEvery)
		<-time.After(time.Until(next))
		i := 1 + n%(besideMembers-1)
		x.mu.Lock() // nobody sees it before it is noted
		if v, err := x.all[i].Set("k", fmt.Appendf(nil, "%060d", n)); err == nil {
			x.sent[x.ids[i]][v.Seq], x.left[x.ids[i]][v.Seq] = time.Since(x.start), besideMembers // its author too
		}
		x.mu.Unlock()
	}
	larges.Wait()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); <-time.After(10 * time.Millisecond) {
		x.mu.Lock()
		n := 0
		for _, s := range x.sent {
			n += len(s)
		}
		x.mu.Unlock()
		if n == 0 {
			break
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.took)
}
