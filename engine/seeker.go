package engine

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

const (
	seekFirst   = time.Second      // while alone
	seekMost    = 30 * time.Second // also the period in company
	seekSeeds   = 256              // seeds kept
	seekTimeout = 5 * time.Second

	seekParallel = 8 // names looked up at once
)

// seeker looks seeds that are names up again and again: what a name stands for
// changes. Addresses are given to the core, which keeps trying them until their
// name no longer stands for them.
type seeker struct {
	mu    sync.Mutex
	seeds []sought
	fixed []netip.AddrPort // given as addresses: kept for ever
	known []netip.AddrPort // members of an earlier life: until somebody answers
	wake  chan struct{}
}

// sought is a seed and what it stood for when it last resolved.
type sought struct {
	seed
	addrs []netip.AddrPort
}

// add remembers seeds that were joined.
func (k *seeker) add(seeds []joinSeed) {
	k.mu.Lock()
	for _, s := range seeds {
		if p, err := parseSeed(s.text); err == nil {
			k.remember(p, s.addrs)
		}
	}
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// remember keeps one seed, under mu.
func (k *seeker) remember(s seed, addrs []netip.AddrPort) {
	if s.kind == seedLiteral {
		if !slices.Contains(k.fixed, s.addr) {
			k.fixed = append(k.fixed, s.addr)
		}
		return
	}
	for i := range k.seeds {
		if k.seeds[i].text == s.text {
			k.seeds[i].addrs = append(k.seeds[i].addrs, addrs...) // what is gone is found out at the next look
			return
		}
	}
	if len(k.seeds) < seekSeeds {
		k.seeds = append(k.seeds, sought{s, addrs})
	}
}

func (k *seeker) list() []sought {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.seeds)
}

// found notes what a seed stands for now.
func (k *seeker) found(text string, addrs []netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.seeds {
		if k.seeds[i].text == text {
			k.seeds[i].addrs = addrs
		}
	}
}

// wanted tells whether a seed stands for the address.
func (k *seeker) wanted(a netip.AddrPort) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.fixed, a) ||
		slices.ContainsFunc(k.seeds, func(s sought) bool { return slices.Contains(s.addrs, a) })
}

// startSeeker hands Config.Seeds to the core and starts the goroutine that
// looks names up.
func (e *Engine) startSeeker() {
	var fixed []netip.AddrPort
	for _, text := range e.cfg.Seeds {
		s, _ := parseSeed(text) // Validate has seen it
		e.seeker.remember(s, nil)
		if s.kind == seedLiteral && !e.isSelf(s.addr) {
			fixed = append(fixed, s.addr)
		}
	}
	fixed = append(fixed, e.seeker.known...)
	e.bg.Go(func() {
		if len(fixed) > 0 {
			e.ask(func(now sched.Instant) { e.contact(now, fixed, nil) })
		}
		e.seek()
	})
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
			e.company()
		}
		if len(e.seeker.list())+len(e.seeker.known) == 0 {
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

// seekOnce looks all names up, several at a time, and gives the core what is
// new. Seeds of which nothing is known any more are taken away from it; a name
// that does not resolve keeps what it stood for.
func (e *Engine) seekOnce() {
	ctx, cancel := context.WithTimeout(e.life, seekTimeout)
	defer cancel()
	list := e.seeker.list()
	was, failed := make([][]netip.AddrPort, len(list)), make([]*SeedError, len(list))
	slots, all := make(chan struct{}, seekParallel), sync.WaitGroup{}
	for i := range list {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			s := &list[i]
			addrs, err := s.resolve(ctx, e.cfg.Resolver)
			if err != nil {
				failed[i] = &SeedError{s.text, err}
				return
			}
			was[i], s.addrs = s.addrs, slices.DeleteFunc(addrs, e.isSelf)
			e.seeker.found(s.text, s.addrs)
		})
	}
	all.Wait()
	e.logUnresolved(failed)
	var now, gone []netip.AddrPort
	for i := range list {
		now = append(now, list[i].addrs...)
		for _, a := range was[i] {
			if !e.seeker.wanted(a) {
				gone = append(gone, a)
			}
		}
	}
	if len(now)+len(gone) > 0 {
		e.ask(func(at sched.Instant) { e.contact(at, now, gone) })
	}
}

// company lets go of the members of an earlier life, once one of them or anybody else
// answers: the cluster knows who lives.
func (e *Engine) company() {
	gone := slices.DeleteFunc(e.seeker.known, e.seeker.wanted)
	e.seeker.known = nil // only this goroutine uses it
	if len(gone) > 0 {
		e.ask(func(now sched.Instant) { e.contact(now, nil, gone) })
	}
}

// contact gives the core the seeds that do not answer, and takes others away.
func (e *Engine) contact(now sched.Instant, seeds, gone []netip.AddrPort) {
	for _, a := range gone {
		e.core.Parts().Door.Seeds.Remove(a)
	}
	for _, a := range seeds {
		if p, ok := e.core.Peer(e.core.Parts().Door.Seeds.Peer(a)); !ok || !live(&p) {
			e.core.Join(now, a)
		}
	}
}

// alone reports whether no other member answers.
func (e *Engine) alone() bool {
	for m := range e.Members() {
		if !m.Self && m.State == StateAlive {
			return false
		}
	}
	return true
}

// logUnresolved lists all names that do not resolve, with their causes, in one
// line.
func (e *Engine) logUnresolved(failed []*SeedError) {
	var lines []string
	for _, f := range failed {
		if f != nil {
			lines = append(lines, f.Error())
		}
	}
	if len(lines) > 0 && e.life.Err() == nil {
		e.herald.warn("seeds do not resolve", "member", e.cfg.Name, "seeds", strings.Join(lines, "; "))
	}
}

func (e *Engine) logSeeds(failed []*SeedError) {
	for _, f := range failed {
		e.herald.warn("seed did not take this member in", "member", e.cfg.Name, "seed", f.Seed, "cause", f.Cause.Error())
	}
}
