package names

import (
	"cmp"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// GravesMax is how many graves there are; see rank for which one gives way.
const GravesMax = 1024

// GraveBytes is what a grave takes.
const GraveBytes = 88

// Graves remember the origins that were replaced or forgotten: by id, so that they can't
// return, and by name, so that no life before them can. Whoever is refused because of a
// grave is to be told: only another life comes in, and a process that hears of it takes
// one at once. There is one grave to an origin, whoever buries it: the failure detector
// lays one in that was dead or gone for long (Lay), and who forgets an origin says of what
// name it was, and for how long this member keeps it (Bury).
//
// They are death certificates as in Demers et al., "Epidemic Algorithms for Replicated
// Database Maintenance" (1987), section 2: every member has one for an age (τ1). Then all
// but Sites of them (r), drawn for each grave, forget it; those keep it dormant for so much
// longer (τ2) that all together have as much to keep as if everybody kept each for two
// ages: τ2 = τ1·n/r in a cluster of n. A dormant one is spoken of by nobody. When what it
// has buried comes back it awakes, and is one for another age. All sites of a grave are
// lost together in one of 2^r cases by the time that each is lost in one of two.
//
// Who was dead may only have been cut off. Such a one keeps its place for as long as nobody
// needs it, is looked for, and keeps nobody out when the grave's time is over.
type Graves struct {
	ring []grave
	age  sched.Instant
	key  [2]uint64 // of the hash of a name
	died sched.Instant
}

// Sites is how many members keep a grave when the others have forgotten it.
const Sites = 4

type grave struct {
	id    codec.OriginID
	name  uint64 // by its keyed hash
	gen   uint64
	at    sched.Instant // when it was made, or awoke last
	sleep sched.Instant // it is dormant for so long, an age later

	called sched.Instant // when a member last spoke of it and it was called; 0: never

	addr        netip.AddrPort // where it was; none: not known
	incarnation uint32
	fate        Fate
}

// Fate is what became of one that was buried.
type Fate uint8

// The fates.
const (
	Succeeded Fate = iota // by a later life of its name
	Departed              // it left
	Died                  // or was cut off
)

// Retention finds out whether a member is one of those that keep a grave.
type Retention struct {
	of       codec.OriginID
	own      uint64
	n, lower int // members, and those that come before this one
}

// Retain begins: the grave is of an origin, and this member has an id. Each other member is
// to be counted.
func Retain(of, self codec.OriginID) Retention { return Retention{of: of, own: lot(of, self), n: 1} }

// Count counts another member.
func (r *Retention) Count(member codec.OriginID) {
	if r.n++; lot(r.of, member) < r.own {
		r.lower++
	}
}

// lot is a member's lot for a grave.
func lot(of, member codec.OriginID) uint64 {
	x := uint64(of)*0x9e3779b97f4a7c15 ^ uint64(member)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sleep is how long the member keeps the grave dormant.
func (r *Retention) sleep(age sched.Instant) sched.Instant {
	if r.lower >= Sites {
		return 0
	}
	return min(age, sched.Never/(4*sched.Instant(r.n))) * sched.Instant(max(r.n, Sites)) / Sites
}

// Init says how long a grave is one. The key is behind the hashes of names.
func (g *Graves) Init(key [2]uint64, age sched.Instant) {
	*g = Graves{ring: make([]grave, 0, 16), age: age, key: key}
}

// Key is what Init was given.
func (g *Graves) Key() [2]uint64 { return g.key }

// Bury puts an origin into a grave, which the member keeps as the retention says.
func (g *Graves) Bury(now sched.Instant, id codec.OriginID, name []byte, gen uint64, r *Retention) {
	x := g.of(now, id)
	x.name, x.gen, x.at, x.sleep = codec.SipHash(g.key, name), gen, now, r.sleep(g.age)
}

// Lay puts a member into a grave that has died or left in an incarnation.
func (g *Graves) Lay(now sched.Instant, id codec.OriginID, incarnation uint32, fate Fate) {
	x := g.of(now, id)
	x.at, x.incarnation, x.fate = now, incarnation, fate
	if fate == Died {
		g.died = now
	}
}

// of is the grave of an origin: its own, else the place of the one of lowest rank.
func (g *Graves) of(now sched.Instant, id codec.OriginID) *grave {
	place, least := -1, uint8(0)
	for i := range g.ring {
		x := &g.ring[i]
		if x.id == id {
			return x
		}
		if rank := g.rank(now, x); place < 0 || rank < least || rank == least && x.at < g.ring[place].at {
			place, least = i, rank
		}
	}
	if (place < 0 || least > 0) && len(g.ring) < GravesMax {
		place, g.ring = len(g.ring), append(g.ring, grave{})
	}
	g.ring[place] = grave{id: id}
	return &g.ring[place]
}

// rank says which grave gives way to a new one, the lowest first, and the oldest of a rank: one
// that is over and of nobody who is looked for; one of a life that has a successor, who keeps it
// out as well; one of the dead, and of those that left.
func (g *Graves) rank(now sched.Instant, x *grave) uint8 {
	switch {
	case x.fate != Died && now-x.at >= g.age.After(x.sleep):
		return 0
	case x.fate == Succeeded:
		return 1
	}
	return 2
}

// At notes where a buried member was. It gives the place of the grave, 0 to GravesMax-1, which is
// the grave's until it has gone; -1: there is none.
func (g *Graves) At(id codec.OriginID, addr netip.AddrPort) (place int) {
	for i := range g.ring {
		if x := &g.ring[i]; x.id == id {
			x.addr = addr
			return i
		}
	}
	return -1
}

// Addr is where the one was that lies in a place; none: not known.
func (g *Graves) Addr(place int) netip.AddrPort { return g.ring[place].addr }

// sought tells whether the one in a grave may come back, and where it would be.
func (x *grave) sought() bool { return x.fate == Died && x.addr.IsValid() }

// Sought counts those who may come back, and says when the last of them was buried.
func (g *Graves) Sought() (n int, last sched.Instant) {
	for i := range g.ring {
		if g.ring[i].sought() {
			n++
		}
	}
	return n, g.died
}

// Seek is the place of the i-th of those who may come back, i being below what Sought counts.
func (g *Graves) Seek(i int) (place int) {
	for place = range g.ring {
		if g.ring[place].sought() {
			if i--; i < 0 {
				return place
			}
		}
	}
	return -1
}

// Call is the place of an origin's grave, if it may come back and was not called for so long; else
// -1.
func (g *Graves) Call(now sched.Instant, id codec.OriginID, gap sched.Instant) (place int) {
	for i := range g.ring {
		if x := &g.ring[i]; x.id == id {
			if !x.sought() || x.called != 0 && now-x.called < gap {
				return -1
			}
			x.called = max(1, now)
			return i
		}
	}
	return -1
}

// Member is the one that lies in a place. ok: it died or left, and is kept out by a grave that is
// not dormant.
func (g *Graves) Member(now sched.Instant, place int) (id codec.OriginID, incarnation uint32, ok bool) {
	x := &g.ring[place]
	return x.id, x.incarnation, x.fate != Succeeded && now-x.at < g.age
}

// Places is how many places there may be.
func (g *Graves) Places() int { return GravesMax }

// Len is how many places are in use.
func (g *Graves) Len() int { return len(g.ring) }

// Awake tells whether an origin is buried, but for dormant graves, which stay so.
func (g *Graves) Awake(now sched.Instant, id codec.OriginID) bool {
	for i := range g.ring {
		if x := &g.ring[i]; x.id == id {
			return now-x.at < g.age
		}
	}
	return false
}

// keeps tells whether a grave still is one for a life that comes back, which wakes it.
func (g *Graves) keeps(now sched.Instant, x *grave) bool {
	switch asleep := now - x.at - g.age; {
	case asleep < 0:
		return true
	case asleep >= x.sleep:
		return false
	}
	x.at = now
	return true
}

// Has tells whether an origin, which is there again, is buried.
func (g *Graves) Has(now sched.Instant, id codec.OriginID) bool {
	for i := range g.ring {
		if x := &g.ring[i]; x.id == id && g.keeps(now, x) {
			return true
		}
	}
	return false
}

// Bars is the highest buried generation of a name that a life of it is not above; 0 if there is
// none.
func (g *Graves) Bars(now sched.Instant, name []byte, life uint64) (gen uint64) {
	hash := codec.SipHash(g.key, name)
	for i := range g.ring {
		if x := &g.ring[i]; x.name == hash && x.gen >= life && g.keeps(now, x) {
			gen = max(gen, x.gen)
		}
	}
	return gen
}

// HasShort is Has for an abbreviated id.
func (g *Graves) HasShort(now sched.Instant, short uint64, of func(codec.OriginID) uint64) bool {
	for i := range g.ring {
		if x := &g.ring[i]; of(x.id) == short && now-x.at < g.age {
			return true
		}
	}
	return false
}

// Renewals bound how often a node takes another generation because others say
// that its present one is over: at once, then with pauses that double, so that a
// liar makes no storm.
type Renewals struct {
	at    sched.Instant // of the last one; 0: never
	pause sched.Instant
	rest  sched.Instant // after which the pause is short again, at the latest; 0: renewalRestMax
}

const (
	// RenewalPause is the shortest time between two renewals: what others hold of the former
	// generation may still be on its way. Each further one waits twice as long, up to
	// RenewalPauseMax: whoever makes others renew, by lies about what they wrote, does so a few times
	// and then ever more rarely, and the last lie is mended as soon as the first was long ago.
	RenewalPause    = 300 * sched.Millisecond
	RenewalPauseMax = 60 * sched.Second

	// After a rest of so many pauses, or of renewalRestMax, the pause is short again. It is too
	// after the time in which the dead are buried, if that is shorter: whom others bury after each of
	// many cuts is in their midst at once after the last one, too.
	renewalRest    = 100
	renewalRestMax = 10 * RenewalPauseMax
)

// May tells whether another generation may be taken now.
func (r *Renewals) May(now sched.Instant) bool { return r.at == 0 || now-r.at > r.pause }

// Renewed notes that one was taken.
func (r *Renewals) Renewed(now sched.Instant) {
	if r.at == 0 || now-r.at > min(renewalRest*r.pause, cmp.Or(r.rest, renewalRestMax), renewalRestMax) {
		r.pause = RenewalPause
	} else {
		r.pause = min(2*r.pause, RenewalPauseMax)
	}
	r.at = max(1, now)
}
