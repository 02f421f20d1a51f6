package names

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// cemetery is the graves of a cluster.
type cemetery struct {
	key     [2]uint64
	members []Graves
	ids     []codec.OriginID
}

func newCemetery(n int, age sched.Instant) *cemetery {
	c := &cemetery{key: [2]uint64{3, 4}, members: make([]Graves, n), ids: make([]codec.OriginID, n)}
	for i := range n {
		c.members[i].Init(c.key, age)
		c.ids[i] = codec.MakeOriginID(c.key, fmt.Append(nil, "member-", i), 1)
	}
	return c
}

func (c *cemetery) retention(i int, of codec.OriginID) Retention {
	r := Retain(of, c.ids[i])
	for k, id := range c.ids {
		if k != i {
			r.Count(id)
		}
	}
	return r
}

// bury buries a life at every member.
func (c *cemetery) bury(now sched.Instant, name string, gen uint64) codec.OriginID {
	id := codec.MakeOriginID(c.key, []byte(name), gen)
	for i := range c.members {
		r := c.retention(i, id)
		c.members[i].Bury(now, id, []byte(name), gen, &r)
	}
	return id
}

// TestDormantGravesAwake: what comes back after everybody's age is still kept out by r members of
// n, each of which then keeps it out for another age; a later life is let in by all; after τ1 + τ2
// nobody remembers.
func TestDormantGravesAwake(t *testing.T) {
	const age = 24 * 3600 * sched.Second
	for _, n := range []int{1, 3, 4, 5, 30, 300} {
		tau2 := age * sched.Instant(max(n, Sites)) / Sites
		barred := func(c *cemetery, now sched.Instant, id codec.OriginID) (by int) {
			for i := range c.members {
				if c.members[i].Has(now, id) {
					by++
				}
			}
			return by
		}
		c := newCemetery(n, age)
		id := c.bury(1, "x", 5)
		f := func(when string, now sched.Instant, want int) {
			t.Helper()
			if by := barred(c, now, id); by != want {
				t.Errorf("%d members, %s: %d keep it out, not %d", n, when, by, want)
			}
		}
		f("within an age", age, n)
		f("after an age", 1+age, min(n, Sites))
		f("an age after that, when it awoke", 2*age, min(n, Sites))
		for i := range c.members {
			if gen := c.members[i].Bars(2*age, []byte("x"), 6); gen != 0 {
				t.Fatalf("%d members: a later life is kept out by %d", n, gen)
			}
		}
		c = newCemetery(n, age)
		id = c.bury(1, "x", 5)
		f("just before the end", age+tau2, min(n, Sites))
		c = newCemetery(n, age)
		id = c.bury(1, "x", 5)
		f("after the end", 1+age+tau2, 0)
	}
}

// TestDormantGravesTakeNoMoreRoom: with τ2 = τ1·n/r all members together keep as many graves as if
// each kept all for two ages, and none keeps many more than another (Demers et al. 1987, section
// 2.1).
func TestDormantGravesTakeNoMoreRoom(t *testing.T) {
	const n, age = 60, 1000 * sched.Second
	c := newCemetery(n, age)
	const every = 40 * sched.Second // a death
	deaths := int((age + age*n/Sites) / every)
	sum, most := 0, 0
	for d := range 2 * deaths {
		c.bury(sched.Instant(d)*every+1, fmt.Sprint("x-", d), 1)
	}
	now := sched.Instant(2*deaths) * every
	for i := range c.members {
		g, kept := &c.members[i], 0
		for k := range g.ring {
			if x := &g.ring[k]; now-x.at < g.age+x.sleep {
				kept++
			}
		}
		sum, most = sum+kept, max(most, kept)
	}
	want := n * int(2*age/every)
	if ratio := float64(sum) / float64(want); ratio < 0.95 || ratio > 1.05 {
		t.Errorf("%d graves are kept, %d would be for two ages", sum, want)
	}
	if most > 2*sum/n {
		t.Errorf("one member keeps %d, all together %d", most, sum)
	}
}

// TestDormantGravesAreLostRarely: when each member is lost in one of two cases, all that keep a
// grave are in one of 2^r.
func TestDormantGravesAreLostRarely(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	const n, graves = 50, 20_000
	c := newCemetery(n, sched.Second)
	lost := 0
	for d := range graves {
		id := codec.MakeOriginID(c.key, fmt.Append(nil, "x-", d), 1)
		all := true
		for i := range n {
			if r := c.retention(i, id); r.sleep(sched.Second) != 0 && rng.IntN(2) == 0 {
				all = false
			}
		}
		if all {
			lost++
		}
	}
	p := math.Exp2(-Sites)
	if off := math.Abs(float64(lost) - graves*p); off > 6*math.Sqrt(graves*p) {
		t.Errorf("seed %d: of %d graves all sites of %d are lost, 2^-%d are %.0f", seed, graves, lost, Sites, graves*p)
	}
}
