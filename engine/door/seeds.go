package door

import (
	"net/netip"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// BackoffMax is the longest time between two greetings of an address.
const BackoffMax = 10 * sched.Second

// Backoff doubles a time with each try.
func Backoff(first sched.Instant, tries uint8, most sched.Instant) sched.Instant {
	return min(most, first<<min(tries, 16))
}

const (
	patienceLeast = 3 * sched.Second       // so a path that opens is found within five
	patienceEach  = 50 * sched.Millisecond // of those who are greeted in vain
)

// Patience is the longest time between two greetings of one of so many who do not answer, and whom others reach: all
// of them together are greeted twenty times a second at most, up to two hundred of them.
func Patience(many int) sched.Instant {
	return min(BackoffMax, max(patienceLeast, sched.Instant(many)*patienceEach))
}

// Seeds are the addresses that somebody told us to join: they are greeted until
// somebody answers there, and again whenever that one falls silent.
// Greetings have a budget: each seed has its first at once, then all have their turns.
type Seeds struct {
	list []seed
	pace sched.Pacer
	turn int // who is asked first

	heard     []netip.AddrPort // where somebody was said to be; an old one gives way
	heardTurn int              // who is greeted next
	heardNext sched.Instant
}

const (
	seedRate  = 16   // greetings a second, in the long run: 8 KiB
	seedBurst = 1024 // at once

	heardMax = 16
	heardGap = sched.Second
)

type seed struct {
	addr  netip.AddrPort
	via   netip.AddrPort // whence its host answers, if not from addr
	peer  uint32         // who answered there
	next  sched.Instant
	tries uint8
	why   Turned // it does not take us
}

// Host is who greets seeds.
type Host interface {
	Reaches(peer uint32) bool // the peer answers
	Reach() int               // so many do
}

func (s *Seeds) find(addr netip.AddrPort) int {
	return slices.IndexFunc(s.list, func(x seed) bool { return x.addr == addr })
}

// Add greets an address from now on, or at once again. It reports false where
// there are limit addresses already.
func (s *Seeds) Add(now sched.Instant, addr netip.AddrPort, limit int) bool {
	if i := s.find(addr); i >= 0 {
		s.list[i].next, s.list[i].tries = now, 0
		return true
	}
	if len(s.list) >= limit {
		return false
	}
	if s.list == nil {
		s.pace.Init(now, seedRate, seedBurst)
	}
	s.list = append(s.list, seed{addr: addr, next: now})
	return true
}

// Remove stops greeting an address.
func (s *Seeds) Remove(addr netip.AddrPort) {
	if i := s.find(addr); i >= 0 {
		s.list[i] = s.list[len(s.list)-1]
		s.list = s.list[:len(s.list)-1]
	}
}

// Len is how many addresses there are.
func (s *Seeds) Len() int { return len(s.list) }

// Peer is who answered at an address; 0: nobody.
func (s *Seeds) Peer(addr netip.AddrPort) uint32 {
	if i := s.find(addr); i >= 0 {
		return s.list[i].peer
	}
	return 0
}

// Answered notes who answered at an address, or for those that answer from there.
func (s *Seeds) Answered(addr netip.AddrPort, peer uint32) {
	for i := range s.list {
		if x := &s.list[i]; x.addr == addr || x.via == addr {
			x.peer, x.why = peer, Turned{}
		}
	}
}

// Elsewhere notes that the answer to a greeting came from another address than was
// greeted, as from a host with several: the challenge in it says for which seed.
func (s *Seeds) Elsewhere(now sched.Instant, p *Proofs, from netip.AddrPort, echo *[codec.SaltBytes]byte) {
	for i := range s.list {
		x := &s.list[i]
		if here, _ := p.Answers(now, x.addr, echo); here {
			x.via = from
			return
		}
	}
}

// Forget notes that a peer is gone.
func (s *Seeds) Forget(peer uint32) {
	for i := range s.list {
		if s.list[i].peer == peer {
			s.list[i].peer = 0
		}
	}
}

// Again makes all of them due now.
func (s *Seeds) Again(now sched.Instant) {
	for i := range s.list {
		s.list[i].next, s.list[i].tries = now, 0
	}
}

// Heard keeps where somebody was said to be who was given up. A node that reaches nobody
// greets there, one address a second: it may have heard of all others so.
func (s *Seeds) Heard(addr netip.AddrPort) {
	switch {
	case slices.Contains(s.heard, addr):
	case len(s.heard) < heardMax:
		s.heard = append(s.heard, addr)
	default:
		s.heard[s.heardTurn%heardMax] = addr
		s.heardTurn = (s.heardTurn + 1) % heardMax
	}
}

// contactHeard greets the next of them if that is due and nobody is reached.
func (s *Seeds) contactHeard(now sched.Instant, h Host, q *Replies) (next sched.Instant) {
	if len(s.heard) == 0 {
		return sched.Never
	}
	if now >= s.heardNext {
		s.heardNext = now + BackoffMax
		if h.Reach() == 0 {
			s.heardTurn %= len(s.heard)
			q.Push(&Reply{Kind: codec.TypeHello, To: s.heard[s.heardTurn]})
			s.heardTurn++
			s.heardNext = now + heardGap
		}
	}
	return s.heardNext
}

// Contact greets those that are due and not in touch, spread so that nodes do not
// greet in step, and says when to ask
// again; sched.Never without seeds.
func (s *Seeds) Contact(now sched.Instant, h Host, r *sched.Rand, q *Replies) (next sched.Instant) {
	next = s.contactHeard(now, h, q)
	first, poor := s.turn, false
	for k := range s.list {
		i := (first + k) % len(s.list)
		x := &s.list[i]
		switch {
		case x.peer != 0 && h.Reaches(x.peer):
			x.next, x.tries = now+BackoffMax, 0
		case x.next > now:
		case poor || !s.pace.Take(now, 1):
			if !poor {
				s.turn, poor = i, true
			}
			continue // it stays due
		case !q.Push(&Reply{Kind: codec.TypeHello, To: x.addr}):
			x.next = now + HelloFirst/20 // more seeds than fit at once
		default:
			x.next = now + r.Jitter(Backoff(HelloFirst, x.tries, BackoffMax))
			x.tries = min(x.tries+1, 30)
		}
		next = min(next, x.next)
	}
	if poor {
		next = min(next, now+sched.Second/seedRate)
	}
	return next
}
