package sim

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Swarm is a hunt through many seeds.
type Swarm struct {
	First   uint64 // seeds First, First+1, ...
	Seeds   int    // so many at most
	Budget  time.Duration
	Workers int           // runs at one time
	Shrink  time.Duration // time for making each failure small; 0: none
	Most    int           // stop after so many failures; 0: 1
	// Done is told of each run, in the order in which they end, by one goroutine
	// at a time. Failures come shrunk.
	Done func(*Finding)
}

// Finding is one run of a swarm.
type Finding struct {
	Outcome *Outcome // of the shrunk plan, if it failed
	Replay  Replay
	Whole   *Plan         // before shrinking
	Elapsed time.Duration // since the swarm began
}

// Run hunts, and says how many runs there were and how many failed.
func (s *Swarm) Run(ctx context.Context) (runs, failures int) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	var next, bad atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for range max(1, s.Workers) {
		all.Go(func() {
			for ctx.Err() == nil && int(bad.Load()) < max(1, s.Most) {
				i := next.Add(1) - 1
				if i >= int64(s.Seeds) {
					return
				}
				f := s.one(s.First + uint64(i))
				f.Elapsed = time.Since(start)
				mu.Lock()
				runs++
				if f.Outcome.Violation != nil {
					failures++
					bad.Add(1)
				}
				if s.Done != nil {
					s.Done(f)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return runs, failures
}

// one runs a seed and shrinks what fails.
func (s *Swarm) one(seed uint64) *Finding {
	f := &Finding{Whole: NewPlan(seed), Replay: Replay{Seed: seed}}
	f.Outcome = Try(f.Whole)
	if f.Outcome.Violation != nil && s.Shrink > 0 {
		f.Replay.Cut, f.Outcome = Shrink(f.Outcome, s.Shrink)
	}
	f.Replay.Hash = f.Outcome.Hash
	return f
}
