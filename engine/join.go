package engine

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

const (
	joinAnswer = 5 * time.Second // a seed that is silent for longer has failed
	joinGrace  = time.Second     // once one took us in, the others get this long

	// joinPicture is how long a seed that took us in may take to send what it holds:
	// where much is written all the time, it is never quite here.
	joinPicture = sched.Second

	// joinAskFirst and joinAskMost are after what time a seed is asked what it holds, and
	// how seldom: the time doubles. It says nothing by itself to one that holds the same.
	joinAskFirst = 2 * sched.Millisecond
	joinAskMost  = 64 * sched.Millisecond

	// joinGreet is how often a seed is greeted anew while somebody waits for it: left to
	// itself the time between two greetings doubles up to ten seconds.
	joinGreet = sched.Second
)

var defaultResolver Resolver = net.DefaultResolver

// joinWait follows one Join on the loop.
type joinWait struct {
	seeds  []joinSeed
	first  chan struct{} // closed when one took us in
	done   chan struct{} // closed when all have, or at the engine's end
	opened bool
	began  sched.Instant
	askAt  sched.Instant // when the seeds are asked again
	gap    sched.Instant // between that and the next time

	greetAt sched.Instant // when those that have not taken us in are greeted anew
}

type joinSeed struct {
	text  string
	addrs []netip.AddrPort
	self  bool
	took  sched.Instant // when it took us in; 0: not yet
	got   bool          // and what it holds is here, or was waited for
	err   error
}

// Join asks members of a cluster to take this one in, all at once, and returns
// how many of the seeds did. A seed is "host:port", "dns://host:port" or
// "dns+srv://_service._udp.name"; a name stands for all of its addresses and
// is one seed. A seed counts when it speaks to this member as to one. What it holds, its
// members and their keys, is waited for, a second at most and no longer than ctx.
//
// One is enough: err is nil when n > 0, and the other seeds are logged. Otherwise
// err is a *JoinError that lists each seed with its cause: a *RefusedError where
// the seed says why it does not take this member in. Either way the engine keeps
// trying all of them for as long as it runs. An own address among the seeds is
// ignored. Without a deadline in ctx a seed is given five seconds, and one more
// after the first that counts; Join ends at once when all have refused.
func (e *Engine) Join(ctx context.Context, seeds ...string) (n int, err error) {
	if !e.runs.Load() {
		return 0, ErrClosed
	}
	j := &joinWait{
		seeds: make([]joinSeed, len(seeds)),
		first: make(chan struct{}), done: make(chan struct{}),
	}
	callers := ctx
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, joinAnswer)
		defer cancel()
	}
	e.resolveSeeds(ctx, j.seeds, seeds)
	e.seeker.add(j.seeds)
	if !e.ask(func(now sched.Instant) { e.beginJoin(now, j) }) {
		return 0, ErrClosed
	}
	e.awaitJoin(ctx, j)
	return e.endJoin(callers, j)
}

func (e *Engine) resolveSeeds(ctx context.Context, out []joinSeed, seeds []string) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, seekParallel)
	for i, text := range seeds {
		out[i].text = text
		s, err := parseSeed(text)
		if err != nil {
			out[i].err = err
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			out[i].addrs, out[i].err = s.resolve(ctx, e.cfg.Resolver)
			<-slots
		})
	}
	wg.Wait()
	for i := range out {
		e.dropSelf(&out[i])
	}
}

func (e *Engine) dropSelf(s *joinSeed) {
	kept := s.addrs[:0:0]
	for _, a := range s.addrs {
		if !e.isSelf(a) {
			kept = append(kept, a)
		}
	}
	s.self = len(s.addrs) > 0 && len(kept) == 0
	s.addrs = kept
}

func (e *Engine) beginJoin(now sched.Instant, j *joinWait) {
	for i := range j.seeds {
		for _, a := range j.seeds[i].addrs {
			e.core.Join(now, a)
		}
	}
	j.began, j.askAt, j.gap, j.greetAt = now, now.After(joinAskFirst), joinAskFirst, now.After(joinGreet)
	e.joins = append(e.joins, j)
	e.uses.begin(useWaits)
}

// joined looks which seeds took us in; true when no more is to come.
func (e *Engine) joined(now sched.Instant, j *joinWait) bool {
	all, ask, greet := true, now >= j.askAt, now >= j.greetAt
	if ask {
		j.gap = min(2*j.gap, joinAskMost)
		j.askAt = now.After(j.gap)
	}
	if greet {
		j.greetAt = now.After(joinGreet)
	}
	for i := range j.seeds {
		s := &j.seeds[i]
		e.lookAtSeed(now, s, ask)
		if s.got && !j.opened {
			j.opened = true
			close(j.first)
		}
		if s.took == 0 && len(s.addrs) > 0 {
			_, final := e.toldWhy(s.addrs, j.began)
			if all = all && final; greet && !final {
				e.greetSeed(now, s)
			}
			continue
		}
		all = all && (s.got || len(s.addrs) == 0)
	}
	if all {
		close(j.done)
	}
	return all
}

// greetSeed greets a seed anew, within the budget of greetings.
func (e *Engine) greetSeed(now sched.Instant, s *joinSeed) {
	for _, a := range s.addrs {
		e.core.Join(now, a)
	}
	e.touched = true
}

// lookAtSeed looks whether a seed took us in and what it holds is here, and asks it if
// that is not known.
func (e *Engine) lookAtSeed(now sched.Instant, s *joinSeed, ask bool) {
	for _, a := range s.addrs {
		handle := e.core.Parts().Door.Seeds.Peer(a)
		p, ok := e.core.Peer(handle)
		if !ok || !live(&p) {
			continue
		}
		if p.Took && s.took == 0 {
			s.took = max(1, now)
		}
		s.got = s.got || p.Took && (p.Level || now-s.took > joinPicture)
		if ask && !s.got {
			e.core.Ping(now, handle, 0) // nobody waits for the answer, which shows a fingerprint
			e.touched = true
		}
	}
}

func (e *Engine) answerJoins(now sched.Instant) {
	kept := e.joins[:0]
	for _, j := range e.joins {
		if !e.joined(now, j) {
			kept = append(kept, j)
		}
	}
	clear(e.joins[len(kept):])
	e.joins = kept
}

// joinAt is when a Join has something to ask.
func (e *Engine) joinAt() (next sched.Instant) {
	next = sched.Never
	for _, j := range e.joins {
		next = min(next, j.askAt)
	}
	return next
}

// awaitJoin waits for all seeds, or for one and a while, or for ctx.
func (e *Engine) awaitJoin(ctx context.Context, j *joinWait) {
	select {
	case <-j.done:
		return
	case <-ctx.Done():
		return
	case <-j.first:
	}
	grace := time.NewTimer(joinGrace)
	defer grace.Stop()
	select {
	case <-j.done:
	case <-ctx.Done():
	case <-grace.C:
	}
}

// endJoin counts, on the loop, so that nothing is read while it changes.
func (e *Engine) endJoin(ctx context.Context, j *joinWait) (n int, err error) {
	var failed []*SeedError
	noAnswer := ErrNoAnswer
	if cause := ctx.Err(); cause != nil {
		noAnswer = fmt.Errorf("%w: %w", ErrNoAnswer, cause)
	}
	count := func(sched.Instant) {
		for i, x := range e.joins {
			if x == j {
				e.joins = append(e.joins[:i], e.joins[i+1:]...)
				break
			}
		}
		for i := range j.seeds {
			switch s := &j.seeds[i]; {
			case s.took != 0:
				n++
			case s.self:
			case s.err != nil:
				failed = append(failed, &SeedError{s.text, s.err})
			default:
				failed = append(failed, &SeedError{s.text, cmp.Or(e.causeOf(s.addrs), e.loopbackAlone(s.addrs, noAnswer))})
			}
		}
	}
	if !e.ask(count) {
		return 0, ErrClosed
	}
	if len(failed) == 0 {
		return n, nil
	}
	e.logSeeds(failed)
	if n > 0 {
		return n, nil
	}
	return 0, &JoinError{Seeds: failed}
}

// causeOf is why a seed failed, as far as it is known.
func (e *Engine) causeOf(addrs []netip.AddrPort) error {
	if why, _ := e.toldWhy(addrs, 0); why != nil {
		return why
	}
	return e.whyNot(addrs)
}

// loopbackAlone adds to a cause that this member could not have reached any of the addresses.
func (e *Engine) loopbackAlone(addrs []netip.AddrPort, cause error) error {
	if !e.addr.Addr().IsLoopback() || len(addrs) == 0 || slices.ContainsFunc(addrs, func(a netip.AddrPort) bool { return isLocal(a.Addr()) }) {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrLoopback, cause)
}

// isLocal reports whether ip is one of this host's addresses.
func isLocal(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return true
		}
	}
	return false
}
