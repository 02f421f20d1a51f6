package engine

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	sharedPerTurn = 256                    // entries that one turn looks at for each task
	adoptGap      = 6 * sched.Second       // before the next in rank adopts: twice what finding a death takes
	behindFor     = 10 * time.Second       // a stamp from the future speaks against our clock for so long
	ripenEvery    = 50 * sched.Millisecond // between looks for stamps whose time has come
)

// sharedState is what the loop does for shared keys: it keeps the index, adopts what those
// who go have won, and withdraws what lost. behind is for readers too.
type sharedState struct {
	behind atomic.Pointer[lead] // by how much our clock is behind most others'; nil: it is not

	entry   codec.Entry
	hashKey [2]uint64
	alive   []codec.OriginID // other members that may adopt
	goers   []goer           // origins whose claims are to be taken over
	ahead   map[codec.OriginID]lead
	ripenAt sched.Instant
	ripens  state.Origin
	ripened uint64
	offer   func(o state.Origin, key []byte) // Changed, made once
	sweep   sweep
	away    away
	lost    fan[Lost]
	watches watchList

	lacksAt sched.Instant // when a missing rule is told again

	adopted, withdrawn uint64
}

// goer is an origin that dies, leaves, or is on the shelf.
type goer struct {
	o    state.Origin
	pass int           // members up to this rank adopt
	from uint64        // version that this pass has come to
	at   sched.Instant // when the next pass begins
}

// lead is by how much the stamps of an origin are ahead of our clock.
type lead struct {
	by    sched.Wall
	until sched.Instant
}

// nameShared finds out what stands for this member in claims.
func (e *Engine) nameShared() {
	s := &e.shared
	s.e, s.hashKey = e, codec.FrameKey([]byte(e.cfg.Cluster))
	s.self, s.merge = s.author(e.name), s.orders()
}

// letGo forgets what is known of shared keys: readers find nothing any more.
func (s *Shared) letGo() {
	s.counters.mu.Lock()
	s.counters.parts = nil
	s.counters.mu.Unlock()
	s.sets.mu.Lock()
	s.sets.of = nil
	s.sets.mu.Unlock()
	s.alive, s.goers, s.ahead, s.entry = nil, nil, nil, codec.Entry{}
}

// startShared begins with an empty index.
func (e *Engine) startShared() {
	s := &e.shared
	if s.wall == nil {
		s.wall = func() sched.Wall { return sched.Wall(time.Now().UnixNano()) }
	}
	var secret [2]uint64
	for i := range secret {
		var b [8]byte
		rand.Read(b[:]) // never fails
		secret[i] = binary.LittleEndian.Uint64(b[:])
	}
	s.index.Init(e.store, secret, sched.Instant(e.cfg.ClockOffsetMax), s.author)
	s.index.Use(s.merge)
	s.offer = s.changed
	e.store.Attend(witness{s})
}

// Author is the Author of what a member of that name writes to shared keys.
func (s *Shared) Author(member string) uint64 { return uint64(s.author([]byte(member))) }

// author is what stands for a name in claims, at all members of the cluster.
func (s *Shared) author(name []byte) share.Author {
	return share.Author(max(1, codec.SipHash(s.hashKey, name)))
}

// witness is the Shared as the store sees it.
type witness struct{ s *Shared }

// Changed implements state.Witness.
func (w witness) Changed(o state.Origin, key []byte) { w.s.changed(o, key) }

// Removed implements state.Witness.
func (w witness) Removed(o state.Origin) (keep bool) { return w.s.removed(o) }

func (s *Shared) changed(o state.Origin, key []byte) {
	self, wall := s.e.store.Owner(), s.wall()
	x := &s.entry
	s.e.uses.begin(useShared)
	if !s.e.store.Get(o, key, x) {
		*x = codec.Entry{Key: key, Flags: codec.EntryTombstone}
	}
	what, before := s.index.Changed(o, x, wall)
	s.tellWatchers(key, what)
	s.e.noteWinner(key, what)
	var c share.Claim
	if o != self && x.Flags&codec.EntryTombstone == 0 {
		if _, err := c.Parse(x.Value, s.index.Author(o)); err == nil {
			s.heard(o, &c, wall, what == share.Refused)
			if !s.merge.Knows(c.Order) {
				s.lacks(o, key)
			}
		}
	}
	switch {
	case before == self && o != self && what == share.Won:
		s.sweep.loses(s.e.reactor.poller.Now())
		s.overtaken(key, o, &c)
	case o == self && what == share.Lost:
		s.sweep.loses(s.e.reactor.poller.Now())
	case o == self && what == share.Won:
		s.sweep.deletes(x, s.e.reactor.poller.Now(), 2*s.burialAge())
	case what == share.Won && s.index.Departing(o):
		s.goes(o)
	}
}

// lacks tells the operator of a claim under an order that is not known here.
func (s *Shared) lacks(o state.Origin, key []byte) {
	now := s.e.reactor.poller.Now()
	if now < s.lacksAt {
		return
	}
	s.lacksAt = now.After(sched.Instant(behindFor))
	s.e.herald.warn("a shared key is decided by a rule that this member lacks: give it the Config.Merge of the others",
		"member", s.e.cfg.Name, "peer", s.e.nameOf(o), "key", string(key[len(codec.SharedPrefix):]))
}

// heard takes in the stamp of another member, and notes who is ahead of us.
func (s *Shared) heard(o state.Origin, c *share.Claim, wall sched.Wall, refused bool) {
	id, author := s.e.store.ID(o), s.index.Author(o)
	if !refused {
		s.mu.Lock()
		s.clock.See(c.Stamp, wall, sched.Instant(s.e.cfg.ClockOffsetMax))
		s.mu.Unlock()
		if len(s.ahead) > 0 && c.Author == author {
			delete(s.ahead, id)
			s.judgeClock()
		}
		return
	}
	if c.Author != author {
		return // it may be old
	}
	if s.ahead == nil {
		s.ahead = map[codec.OriginID]lead{}
	}
	s.ahead[id] = lead{c.Stamp.Wall() - wall, s.e.reactor.poller.Now().After(sched.Instant(behindFor))}
	s.judgeClock()
}

// judgeClock finds out whether at least half of all live members are ahead of us: then
// it is our clock that is wrong.
func (s *Shared) judgeClock() {
	now, n, least := s.e.reactor.poller.Now(), 0, lead{}
	for _, id := range s.alive {
		if l, ok := s.ahead[id]; ok && now < l.until {
			if n++; n == 1 || l.by < least.by {
				least = l
			}
		}
	}
	if n == 0 || 2*n < len(s.alive)+1 {
		s.behind.Store(nil)
		return
	}
	s.behind.Store(&least)
}

func (s *Shared) removed(o state.Origin) (keep bool) {
	if s.index.Wins(o) == 0 {
		s.index.Removed(o)
		s.goers = slices.DeleteFunc(s.goers, func(g goer) bool { return g.o == o })
		return false
	}
	s.index.Shelve(o)
	s.alive = slices.DeleteFunc(s.alive, func(id codec.OriginID) bool { return id == s.e.store.WasID(o) })
	s.goes(o)
	return true
}

// goes begins to take over what an origin has won, unless that is under way.
func (s *Shared) goes(o state.Origin) {
	for i := range s.goers {
		if s.goers[i].o == o {
			return
		}
	}
	s.goers = append(s.goers, goer{o: o})
	s.e.uses.begin(useShared)
}

// sees takes in who lives and who goes, when the members' snapshot is made.
func (s *Shared) sees(o state.Origin, is MemberState, acked uint64) {
	if s.away.since == 0 {
		s.away.acked = max(s.away.acked, acked)
	}
	goes := is == StateDead || is == StateLeft
	if !goes && is != StateUnknown {
		s.alive = append(s.alive, s.e.store.ID(o))
	}
	if goes != s.index.Departing(o) {
		if s.index.Departs(o, goes); !goes && s.adopted > 0 {
			s.sweep.loses(s.e.reactor.poller.Now())
		}
	}
	if goes && s.index.Wins(o) > 0 {
		s.goes(o)
	}
}

// turnShared does a bounded part of what is to do, and tells when it has more.
func (e *Engine) turnShared(now sched.Instant) (more bool) {
	s := &e.shared
	if s.index.Keys() == 0 && len(s.goers) == 0 && !s.index.Waiting() {
		s.sweep = sweep{}
		e.uses.end(useShared)
		return false
	}
	s.away.look(s.wall(), len(s.alive) > 0, s.burialAge())
	more = s.adopt(now)
	more = s.ripen(now) || more
	return s.withdraw(now) || more
}

// next is when turnShared has work.
func (s *Shared) next() (at sched.Instant) {
	at = sched.Never
	for i := range s.goers {
		at = min(at, s.goers[i].at)
	}
	if s.index.Waiting() {
		at = min(at, s.ripenAt)
	}
	if s.away.returned {
		at = min(at, s.sweep.at)
	}
	return min(at, s.sweep.next())
}

// ripen lets claims compete whose time has come.
func (s *Shared) ripen(now sched.Instant) (more bool) {
	if s.ripens == 0 {
		if !s.index.Waiting() || now < s.ripenAt {
			return false
		}
		s.ripenAt, s.ripened = now.After(ripenEvery), 0
		if s.ripens = s.index.Ripe(s.wall()); s.ripens == 0 {
			return false
		}
	}
	var done bool
	if s.ripened, done = s.index.Ripen(s.ripens, s.ripened, sharedPerTurn, s.offer); done {
		s.ripens = 0
	}
	return true
}

// adopt takes over what those who go have won, as far as it is this member's turn.
func (s *Shared) adopt(now sched.Instant) (more bool) {
	for i := 0; i < len(s.goers); i++ {
		g := &s.goers[i]
		switch {
		case s.index.Wins(g.o) == 0 || s.e.store.ID(g.o) != 0 && !s.index.Departing(g.o):
			if s.e.store.ID(g.o) == 0 && s.e.store.WasID(g.o) != 0 {
				s.index.Unshelve(g.o)
				s.e.store.Discard(g.o)
			}
			s.goers = slices.Delete(s.goers, i, i+1)
			i--
		case now >= g.at:
			more = s.pass(now, g) || more
		}
	}
	return more
}

// pass looks at some of the keys that an origin wins. True: there are more, now.
func (s *Shared) pass(now sched.Instant, g *goer) (more bool) {
	var cur state.Cursor
	self, wall := s.e.core.Parts().Self.ID, s.wall()
	s.e.store.After(g.o, g.from, &cur)
	for range sharedPerTurn {
		if !cur.Next(&s.entry) {
			g.pass, g.from, g.at = g.pass+1, 0, now.After(adoptGap)
			return false
		}
		if x := &s.entry; codec.Shared(x.Key) && s.index.Owner(x.Key) == g.o {
			left := lifeLeft(x)
			mine := share.Rank(codec.SipHash(s.hashKey, x.Key), self, s.alive) <= g.pass
			still := !mine && g.pass == 0 || s.index.Recheck(x.Key, wall) == g.o
			if mine && still && !s.take(g.o, x.Key, left) {
				g.at = now.After(sched.Millisecond) // the stage is full
				return false
			}
		}
		g.from = s.entry.Version
	}
	return true
}

// lifeLeft is what is left of the time to live of an entry, 0: it has none.
func lifeLeft(x *codec.Entry) uint32 {
	if x.Flags&codec.EntryTTL == 0 {
		return 0
	}
	return max(x.TTL, x.Age+1) - x.Age
}

// take writes the claim of an origin into the own log. False: not now.
func (s *Shared) take(o state.Origin, key []byte, ttl uint32) bool {
	var c share.Claim
	rest, ok := s.index.Claim(o, key, &c)
	if !ok {
		return true
	}
	var room [EntryBytesMax]byte
	err := s.e.stage.adopt(string(key), append(c.Append(room[:0], s.self), rest...), ttl)
	if err == nil {
		s.adopted++
	}
	return err != ErrBackpressure
}

// expire ends an own claim whose time to live has passed: by a delete that is just above
// it, so that nothing older shows and nothing newer is lost.
func (s *Shared) expire(key []byte, version uint64) error {
	var c share.Claim
	self := s.e.store.Owner()
	if _, ok := s.index.Claim(self, key, &c); !ok || s.index.Owner(key) != self {
		return s.e.stage.expire(key, version)
	}
	c.Stamp, c.Author, c.Deleted = c.Stamp+1, s.self, true
	return s.e.stage.adopt(string(key), c.Append(nil, s.self), 0)
}
