package engine

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

const (
	seekFirst   = time.Second      // while alone
	seekMost    = 30 * time.Second // also the period in company
	seekSeeds   = 256              // seeds kept
	seekTimeout = 5 * time.Second
)

// seeker looks seeds that are names up again and again: what a name stands for
// changes. Addresses are given to the core, which keeps trying them.
type seeker struct {
	mu    sync.Mutex
	seeds []seed
	wake  chan struct{}
}

// add remembers the names among the seeds.
func (k *seeker) add(seeds []joinSeed) {
	k.mu.Lock()
	for _, s := range seeds {
		p, err := parseSeed(s.text)
		known := slices.ContainsFunc(k.seeds, func(q seed) bool { return q.text == p.text })
		if err == nil && !known && p.kind != seedLiteral && len(k.seeds) < seekSeeds {
			k.seeds = append(k.seeds, p)
		}
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *seeker) list() []seed {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.seeds)
}

// startSeeker hands Config.Seeds to the core and starts the goroutine that
// looks names up.
func (e *Engine) startSeeker() {
	for _, text := range e.cfg.Seeds {
		s, _ := parseSeed(text) // Validate has seen it
		e.seeker.seeds = append(e.seeker.seeds, s)
	}
	e.bg.Go(e.seek)
}

func (e *Engine) seek() {
	pause := seekFirst
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		e.seekOnce()
		if e.alone() {
			pause = min(pause*2, seekMost)
		} else {
			pause = seekMost
		}
		if len(e.seeker.list()) == 0 {
			timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-timer.C:
		case <-e.seeker.wake:
			pause = seekFirst
		case <-e.life.Done():
			return
		}
	}
}

func (e *Engine) seekOnce() {
	ctx, cancel := context.WithTimeout(e.life, seekTimeout)
	defer cancel()
	var addrs []netip.AddrPort
	for _, s := range e.seeker.list() {
		found, err := s.resolve(ctx, e.cfg.Resolver)
		if err != nil {
			e.herald.warn("seed does not resolve", "member", e.cfg.Name, "seed", s.text, "cause", err.Error())
		}
		for _, a := range found {
			if !e.isSelf(a) {
				addrs = append(addrs, a)
			}
		}
	}
	if len(addrs) == 0 {
		return
	}
	e.ask(func(now sched.Instant) {
		for _, a := range addrs {
			if p, ok := e.core.Seed(a); !ok || !live(&p) {
				e.core.Join(now, a)
			}
		}
	})
}

// alone reports whether no other member answers.
func (e *Engine) alone() bool {
	for m := range e.Members() {
		if !m.Self && m.State == Alive {
			return false
		}
	}
	return true
}

func (e *Engine) logSeeds(failed []*SeedError) {
	for _, f := range failed {
		e.herald.warn("seed did not answer", "member", e.cfg.Name, "seed", f.Seed, "cause", f.Cause.Error())
	}
}
