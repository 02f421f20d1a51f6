package engine_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	largeFirst = flag.Uint64("large.first", 1, "first seed of the swarm over large values")
	largeSeeds = flag.Int("large.seeds", 4, "seeds of the swarm over large values")
)

const (
	largeKeys  = 5 // of each member
	largeSteps = 80
	largeFew   = 40_000 // bytes of a value, of which one member in some swarms takes fewer
)

// largeRun is a cluster with large values and everything that can go wrong with streams.
type largeRun struct {
	t      *testing.T
	c      *enginetest.Cluster
	net    *simnet.Network
	rnd    *rand.Rand
	n      int
	up     []bool
	small  int                       // this member takes shorter values; -1: none
	sealed uint8                     // the secret in use; 0: in clear
	writes int                       // so far
	wrote  map[string][]largeWrite   // by member and key
	seen   map[string]engine.Version // by reader, its life, member and key
	lives  []int
}

// largeWrite is a write that was accepted.
type largeWrite struct {
	seq uint64
	sum [32]byte
}

// Clusters whose streams are reset in the middle of bodies, stall, stay half open and are forged,
// whose members are killed, start blank, are cut off, lack much and change keys: whatever is read
// is whole, is what its owner wrote as that version of that key, and never older than before; in
// the end all replicas are equal, and what nothing refers to is let go.
func TestLargeValuesThroughFaults(t *testing.T) {
	for seed := *largeFirst; seed < *largeFirst+uint64(*largeSeeds); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newLargeRun(t, seed).run() })
		})
	}
}

func newLargeRun(t *testing.T, seed uint64) *largeRun {
	r := &largeRun{
		t: t, rnd: rand.New(rand.NewPCG(seed, 15)), small: -1,
		wrote: map[string][]largeWrite{}, seen: map[string]engine.Version{},
	}
	r.n = 3 + r.rnd.IntN(4)
	r.up, r.lives = make([]bool, r.n), make([]int, r.n)
	if r.rnd.IntN(3) == 0 {
		r.small = r.n - 1
	}
	r.sealed = uint8(r.rnd.IntN(2))
	r.net = simnet.NewNetwork(seed, simnet.Link{
		Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond},
		Loss:  simnet.Probability(float64(seed%3) * 0.1),
	})
	poller, onRead := r.net.Poller(), r.rnd.IntN(3) == 0
	r.c = enginetest.NewCluster(t, r.n, enginetest.Options{Timeout: 2 * time.Minute, Transport: poller, Config: func(i int, c *engine.Config) {
		c.Streams, c.Limits.ContentBytes = poller.Streams(), 12<<20
		c.Detector.DeadAge, c.Detector.LeftAge = 5*time.Second, 5*time.Second
		if i == r.small {
			c.Limits.LargeBytes = largeFew
		}
		if i == 1 {
			c.Fetch.OnRead = onRead
		}
		if r.sealed > 0 {
			c.Secrets = []engine.Secret{largeSecret(r.sealed)}
		}
	}})
	for i := range r.up {
		r.up[i] = true
	}
	return r
}

func largeSecret(id uint8) engine.Secret {
	return engine.Secret{ID: id, Bytes: bytes.Repeat([]byte{id}, 32)}
}

func (r *largeRun) run() {
	r.weather()
	for range largeSteps {
		switch r.rnd.IntN(24) {
		case 0:
			r.weather()
		case 1:
			r.kill()
		case 2:
			r.start()
		case 3:
			r.cut()
		case 4:
			r.many()
		case 5:
			r.rotate()
		case 6:
			r.leave()
		default:
			r.write()
		}
		pause(time.Duration(r.rnd.IntN(250)) * time.Millisecond)
		r.read(false)
	}
	r.settle()
}

// weather sets new faults.
func (r *largeRun) weather() {
	chance := func(most float64) simnet.Chance { return simnet.Probability(most * float64(r.rnd.IntN(3)) / 2) }
	r.net.SetStreamFaults(simnet.StreamFaults{
		Reset: chance(0.2), HalfOpen: chance(0.3), Stall: chance(0.3), StallMax: 3 * sched.Second,
		Forge: chance(0.2), Rate: []int{0, 256 << 10, 4 << 20}[r.rnd.IntN(3)],
	})
}

// any is a member that runs.
func (r *largeRun) any() int {
	for {
		if i := r.rnd.IntN(r.n); r.up[i] {
			return i
		}
	}
}

func (r *largeRun) running() (n int) {
	for _, up := range r.up {
		if up {
			n++
		}
	}
	return n
}

// value makes a value that says whether it is whole, and of whose key it is. Some are the same for
// several members.
func (r *largeRun) value(member, key string) []byte {
	r.writes++
	if n := r.rnd.IntN(8); n == 0 {
		member, key, r.writes = "*", "*", r.writes+1
	}
	head := fmt.Sprintf("%s %s ", member, key)
	b := make([]byte, 32, 32+len(head)+2*largeFew)
	b = append(b, head...)
	b = b[:len(b)+[]int{0, 5_000, largeFew / 2, 2 * largeFew}[r.rnd.IntN(4)]]
	for i := 32 + len(head); i < len(b); i += 1 + r.rnd.IntN(200) {
		b[i] = byte(r.rnd.Uint32())
		if member == "*" {
			b[i] = byte(i)
		}
	}
	sum := sha256.Sum256(b[32:])
	copy(b, sum[:])
	return b
}

func (r *largeRun) write() {
	i := r.any()
	e, key := r.c.Engines[i], fmt.Sprint("k", r.rnd.IntN(largeKeys))
	v, b := engine.Version{}, []byte(nil)
	var err error
	switch r.rnd.IntN(8) {
	case 0:
		v, err = e.Delete(key)
	case 1:
		b = r.value(e.Name(), key)
		if len(b) > largeFew && i == r.small {
			return
		}
		v, err = e.SetTTL(key, b, time.Duration(1+r.rnd.IntN(5000))*time.Millisecond)
	default:
		b = r.value(e.Name(), key)
		if len(b) > largeFew && i == r.small {
			return
		}
		v, err = e.Set(key, b)
	}
	switch {
	case errors.Is(err, engine.ErrNameConflict) || errors.Is(err, engine.ErrBackpressure):
	case err != nil:
		r.t.Fatalf("%s writes %d bytes: %v", e.Name(), len(b), err)
	case b != nil:
		at := e.Name() + " " + key
		r.wrote[at] = append(r.wrote[at], largeWrite{v.Seq, sha256.Sum256(b)})
	}
}

// kill ends a member without a word.
func (r *largeRun) kill() {
	if i := r.any(); r.running() > 2 {
		r.up[i] = false
		r.c.Kill(i)
	}
}

func (r *largeRun) leave() {
	if i := r.any(); r.running() > 2 {
		r.up[i] = false
		r.c.Stop(i)
	}
}

// start starts a member blank.
func (r *largeRun) start() {
	for i, up := range r.up {
		if !up {
			r.up[i] = true
			r.lives[i]++
			r.c.Restart(i)
			return
		}
	}
}

// cut takes a member out of the network for a while, its streams too.
func (r *largeRun) cut() {
	at := r.net.Node(r.c.Engines[r.any()].Addr())
	alone := simnet.SetOf(at)
	var in, out simnet.RuleID
	r.net.Do(func(m *simnet.Model) {
		in, out = m.Add(simnet.Rule{To: alone, Cut: true}), m.Add(simnet.Rule{From: alone, Cut: true})
	})
	pause(time.Duration(r.rnd.IntN(4000)) * time.Millisecond)
	r.read(false)
	r.net.Do(func(m *simnet.Model) { m.Remove(in); m.Remove(out) })
}

// many writes so much that who comes later lacks enough for a snapshot.
func (r *largeRun) many() {
	e := r.c.Engines[r.any()]
	for k := range 1500 {
		if _, err := e.Set(fmt.Sprint("small", k), fmt.Appendf(nil, "%030d", r.writes)); err != nil {
			return // its room is used up, or it can't keep up
		}
	}
}

// rotate has the cluster use another secret.
func (r *largeRun) rotate() {
	if r.sealed == 0 || r.running() < r.n { // who is down would not know it
		return
	}
	next := r.sealed%200 + 1
	steps := []func(e *engine.Engine) error{
		func(e *engine.Engine) error { return e.AddSecret(largeSecret(next)) },
		func(e *engine.Engine) error { return e.UseSecret(next) },
		func(e *engine.Engine) error { return e.RemoveSecret(r.sealed) },
	}
	for _, step := range steps {
		for _, e := range r.c.Engines {
			if err := step(e); err != nil {
				r.t.Fatal(err)
			}
		}
		pause(time.Duration(r.rnd.IntN(300)) * time.Millisecond)
		r.read(false)
	}
	r.sealed = next
}

// read reads everything everywhere, and holds the laws. At the end no member may lack anything.
func (r *largeRun) read(final bool) {
	r.t.Helper()
	for i, e := range r.c.Engines {
		if !r.up[i] {
			continue
		}
		for m := range e.Members() {
			for k := range largeKeys {
				r.readKey(i, m.Name, fmt.Sprint("k", k), final)
			}
		}
		if s := e.Large(); s.Bytes > 13<<20 { // the limit, and the longest
			r.t.Fatalf("%s keeps %d bytes", e.Name(), s.Bytes)
		}
	}
}

func (r *largeRun) readKey(i int, member, key string, final bool) {
	r.t.Helper()
	e := r.c.Engines[i]
	b, meta, ok := e.Get(member, key)
	if !ok {
		return
	}
	at := fmt.Sprintf("%s reads %d bytes of %s of %s, %+v", e.Name(), len(b), key, member, meta)
	if !whole(b) {
		r.t.Fatalf("%s: they are not a value", at)
	}
	head := fmt.Sprintf("%s %s ", member, key)
	if text := string(b[32:min(len(b), 32+len(head))]); text != head && text[:min(4, len(text))] != "* * " {
		r.t.Fatalf("%s: a value of %q", at, text)
	}
	sum := sha256.Sum256(b)
	// A write may be shown as an earlier one of its key that nobody was told of, in whose place it
	// is.
	if !slices.ContainsFunc(r.wrote[member+" "+key], func(w largeWrite) bool { return w.seq >= meta.Version.Seq && w.sum == sum }) {
		r.t.Fatalf("%s: not what was written as that version", at)
	}
	if n := meta.Newer; !n.IsZero() && n.Compare(meta.Version) <= 0 {
		r.t.Fatalf("%s: newer is not newer", at)
	}
	if !meta.Newer.IsZero() && final && i != r.small {
		r.t.Fatalf("%s: the newest value does not come; %+v", at, e.Large())
	}
	place := fmt.Sprint(i, r.lives[i], member, key)
	if was := r.seen[place]; meta.Version.Compare(was) < 0 {
		r.t.Fatalf("%s: version %v was read before", at, was)
	}
	r.seen[place] = meta.Version
}

// settle ends all faults, and holds what is true then.
func (r *largeRun) settle() {
	r.net.SetStreamFaults(simnet.StreamFaults{})
	for r.running() < r.n {
		r.start()
	}
	r.c.WaitConverged()
	r.read(false) // who fetches on read begins
	pause(40 * time.Second)
	r.read(true)
	r.same()
	for _, e := range r.c.Engines {
		for k := range largeKeys {
			if _, err := e.Delete(fmt.Sprint("k", k)); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	r.c.WaitConverged()
	pause(time.Minute)
	for _, e := range r.c.Engines {
		if s := e.Large(); s.Refs+s.Here+s.Missing+s.Bytes != 0 {
			r.t.Errorf("nothing refers to anything, and %s still has %+v", e.Name(), s)
		}
		if left := e.LargeLeft(); left != "" {
			r.t.Errorf("%s still has %s", e.Name(), left)
		}
	}
}

// same holds every replica against what each owner reads of itself.
func (r *largeRun) same() {
	for _, owner := range r.c.Engines {
		for k := range largeKeys {
			key := fmt.Sprint("k", k)
			want, wrote, had := owner.Get(owner.Name(), key)
			for i, e := range r.c.Engines {
				got, meta, ok := e.Get(owner.Name(), key)
				if i == r.small && len(want) > largeFew {
					if newest := meta.Newer; newest != wrote.Version && meta.Version != wrote.Version {
						r.t.Errorf("%s does not take %s of %s, and says %+v of version %v", e.Name(), key, owner.Name(), meta, wrote.Version)
					}
					continue
				}
				if ok != had || !bytes.Equal(got, want) {
					r.t.Errorf("%s has %d bytes of %s of %s (%v, %+v), want %d (%v); %+v", e.Name(), len(got), key, owner.Name(), ok, meta, len(want), had, e.Large())
				}
			}
		}
	}
}
