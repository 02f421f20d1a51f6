package epidemic

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// Sums are totals over runs. They are integers, so that the result does not
// depend on which processor ran what.
type Sums struct {
	Sites, Runs     int
	Sent            int
	Contacts        int
	Refused         int
	Missed          int
	MissedSquared   int
	DelayMicro      int // sum over runs of the mean delay of a run, in 1e-6 cycles
	Last            int
	Cycles          int
	CyclesSquared   int
	Died, Everybody int // runs that reached a tenth at most, and runs that reached all
}

func (s *Sums) add(r Run) {
	s.Runs++
	s.Sent += r.Sent
	s.Contacts += r.Contacts
	s.Refused += r.Refused
	s.Missed += r.Missed
	s.MissedSquared += r.Missed * r.Missed
	s.DelayMicro += r.DelaySum * 1_000_000 / (s.Sites - r.Missed)
	s.Last += r.Last
	s.Cycles += r.Cycles
	s.CyclesSquared += r.Cycles * r.Cycles
	if r.Missed*10 >= s.Sites*9 {
		s.Died++
	}
	if r.Missed == 0 {
		s.Everybody++
	}
}

func (s *Sums) merge(o Sums) {
	s.Runs += o.Runs
	s.Sent += o.Sent
	s.Contacts += o.Contacts
	s.Refused += o.Refused
	s.Missed += o.Missed
	s.MissedSquared += o.MissedSquared
	s.DelayMicro += o.DelayMicro
	s.Last += o.Last
	s.Cycles += o.Cycles
	s.CyclesSquared += o.CyclesSquared
	s.Died += o.Died
	s.Everybody += o.Everybody
}

// Residue is the mean share of sites that never heard of the update.
func (s Sums) Residue() float64 { return s.mean(s.Missed) / float64(s.Sites) }

// ResidueError is the standard error of Residue.
func (s Sums) ResidueError() float64 {
	return spread(s.Missed, s.MissedSquared, s.Runs) / float64(s.Sites)
}

// Traffic is the mean number of updates sent per site.
func (s Sums) Traffic() float64 { return s.mean(s.Sent) / float64(s.Sites) }

// DelayMean is t_ave: the mean delay in cycles of the sites that were reached.
func (s Sums) DelayMean() float64 { return s.mean(s.DelayMicro) / 1e6 }

// DelayLast is t_last: the mean cycle of the last arrival.
func (s Sums) DelayLast() float64 { return s.mean(s.Last) }

// Rounds is the mean number of cycles run, RoundsError its standard error.
func (s Sums) Rounds() float64 { return s.mean(s.Cycles) }

// RoundsError is the standard error of Rounds.
func (s Sums) RoundsError() float64 { return spread(s.Cycles, s.CyclesSquared, s.Runs) }

// Failure is the share of contacts that the connection limit refused.
func (s Sums) Failure() float64 {
	return float64(s.Refused) / float64(max(1, s.Refused+s.Contacts))
}

func (s Sums) mean(total int) float64 { return float64(total) / float64(s.Runs) }

// spread is the standard error of the mean.
func spread(sum, squares, runs int) float64 {
	n := float64(runs)
	mean := float64(sum) / n
	return math.Sqrt(max(0, float64(squares)/n-mean*mean) / n)
}

// Task is many runs of one policy.
type Task struct {
	Sites  int
	Policy tune.RumorPolicy
	Serial bool
	Inform bool // until all know it, not until nobody spreads it
	First  int  // number of the first run
	Runs   int
	Seed   uint64
}

// cyclesMax ends a run that would never end: nobody spreads so slowly.
const cyclesMax = 4096

// Measure runs t on all processors. Run i depends on (Seed, i) alone.
func Measure(t Task) Sums {
	total := Sums{Sites: t.Sites}
	var next atomic.Int64
	var lock sync.Mutex
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), t.Runs) {
		group.Go(func() {
			part := Sums{Sites: t.Sites}
			c := NewCluster(t.Sites, t.Policy)
			c.Serial = t.Serial
			for i := next.Add(1) - 1; i < int64(t.Runs); i = next.Add(1) - 1 {
				part.add(c.once(t, uint64(t.First)+uint64(i)))
			}
			lock.Lock()
			defer lock.Unlock()
			total.merge(part)
		})
	}
	group.Wait()
	return total
}

func (c *Cluster) once(t Task, i uint64) Run {
	seed := (t.Seed+i)*0xd1342543de82ef95 + 0x2545f4914f6cdd1d
	if t.Inform {
		return c.Inform(seed, cyclesMax)
	}
	return c.Spread(seed, cyclesMax)
}
