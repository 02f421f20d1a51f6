package names

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// GravesMax is how many graves there are; the oldest one gives way.
const GravesMax = 1024

// GraveBytes is what a grave takes.
const GraveBytes = 32

// Graves remember the origins that were replaced or forgotten, for one age: by
// id, so that they can't return meanwhile, and by name, so that no life before
// them can. Whoever is refused because of a grave is to be told: only another
// life comes in, and a process that hears of it takes one at once.
type Graves struct {
	ring []grave
	next int
	age  sched.Instant
	key  [2]uint64 // of the hash of a name
}

type grave struct {
	id   codec.OriginID
	name uint64 // by its keyed hash
	gen  uint64
	at   sched.Instant
}

// Init says how long a grave is one. The key is behind the hashes of names.
func (g *Graves) Init(key [2]uint64, age sched.Instant) {
	*g = Graves{ring: make([]grave, 0, 16), age: age, key: key}
}

// Bury puts an origin into a grave.
func (g *Graves) Bury(now sched.Instant, id codec.OriginID, name []byte, gen uint64) {
	x := grave{id, codec.SipHash(g.key, name), gen, now}
	if len(g.ring) < GravesMax {
		g.ring = append(g.ring, x)
		return
	}
	g.ring[g.next] = x
	g.next = (g.next + 1) % GravesMax
}

// Has tells whether an origin is buried.
func (g *Graves) Has(now sched.Instant, id codec.OriginID) bool {
	for i := range g.ring {
		if x := &g.ring[i]; x.id == id && now-x.at < g.age {
			return true
		}
	}
	return false
}

// Last is the highest buried generation of a name; 0 if there is none.
func (g *Graves) Last(now sched.Instant, name []byte) (gen uint64) {
	hash := codec.SipHash(g.key, name)
	for i := range g.ring {
		if x := &g.ring[i]; x.name == hash && now-x.at < g.age {
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
}

const (
	// RenewalPause is the shortest time between two renewals: what others hold of
	// the former generation may still be on its way. RenewalPauseMax is the longest.
	RenewalPause    = 3 * sched.Second
	RenewalPauseMax = 60 * sched.Second
)

// May tells whether another generation may be taken now.
func (r *Renewals) May(now sched.Instant) bool { return r.at == 0 || now-r.at > r.pause }

// Renewed notes that one was taken. After a while of rest the pause is short again.
func (r *Renewals) Renewed(now sched.Instant) {
	if r.at == 0 || now-r.at > 10*r.pause {
		r.pause = RenewalPause
	} else {
		r.pause = min(2*r.pause, RenewalPauseMax)
	}
	r.at = max(1, now)
}
