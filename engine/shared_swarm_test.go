package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	sharedFirst  = flag.Uint64("shared.first", 1, "first seed of the swarm over shared keys; 0: a fresh one")
	sharedSeeds  = flag.Int("shared.seeds", 2, "seeds of the swarm over shared keys")
	sharedReplay = flag.String("shared.replay", "", "run this instead of the swarm over shared keys")
)

// sharedDo is what a step of a plan does.
type sharedDo uint8

const (
	doSet sharedDo = iota
	doDelete
	doOnce
	doForce
	doAdd
	doRaise
	doSkew  // the member's clock is wrong from now on
	doKill  // and whoever has a disk is killed in the middle of things
	doStop  // it leaves
	doStart // whoever is down starts, with what their disk has
	doBlank // and with nothing
	doCut   // it is alone, for a while
	doMend  // nobody is alone
	doDark  // all are killed, and start with what their disks have
)

var sharedDoNames = [...]string{"sets", "deletes", "sets once", "forces", "adds", "raises", "has a clock off by", "is killed", "leaves", "starts", "starts blank", "is cut off", "mends", "and all others lose power"}

// sharedStep is a part of a plan: what cannot be done when its turn comes is left out.
type sharedStep struct {
	do     sharedDo
	member int
	key    int
	wait   time.Duration // afterwards
	skew   time.Duration
}

func (s sharedStep) String() string {
	switch {
	case s.do < doSkew:
		return fmt.Sprintf("node-%d %s k%d, %v", s.member, sharedDoNames[s.do], s.key, s.wait)
	case s.do == doSkew:
		return fmt.Sprintf("node-%d %s %v", s.member, sharedDoNames[s.do], s.skew)
	default:
		return fmt.Sprintf("node-%d %s, %v", s.member, sharedDoNames[s.do], s.wait)
	}
}

// sharedPlan is what a seed decides.
type sharedPlan struct {
	members int
	sync    engine.Sync
	disks   bool
	loss    float64
	steps   []sharedStep
}

const (
	sharedKeys  = 6
	sharedAdded = "sum"   // a key that members only add to
	sharedMax   = "max/k" // a key whose higher value wins
)

func newSharedPlan(seed uint64) *sharedPlan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &sharedPlan{members: 4 + r.IntN(2), disks: r.IntN(2) == 0, sync: engine.Sync(r.IntN(3)), loss: []float64{0, 0, 0.02, 0.1}[r.IntN(4)]}
	skew := []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond, 10 * time.Second}[r.IntN(4)]
	anySkew := func() time.Duration { return time.Duration(r.Int64N(int64(2*skew+1))) - skew }
	for i := range p.members {
		p.steps = append(p.steps, sharedStep{do: doSkew, member: i, skew: anySkew()})
	}
	writes := [...]sharedDo{doSet, doSet, doSet, doDelete, doDelete, doOnce, doOnce, doForce, doAdd, doAdd, doRaise, doRaise}
	faults := [...]sharedDo{doKill, doKill, doStop, doStart, doStart, doBlank, doCut, doMend, doMend, doSkew, doDark}
	gap := 4 + r.IntN(8)
	for i := range 120 {
		s := sharedStep{do: writes[r.IntN(len(writes))], member: r.IntN(p.members), key: r.IntN(sharedKeys), wait: time.Duration(r.IntN(1000)) * time.Millisecond}
		p.steps = append(p.steps, s)
		if i%gap != gap-1 {
			continue
		}
		s = sharedStep{do: faults[r.IntN(len(faults))], member: r.IntN(p.members), wait: 20 * time.Second, skew: anySkew()}
		switch s.do {
		case doCut:
			s.wait = time.Duration(1+r.IntN(60)) * 10 * time.Second
		case doStart, doBlank, doMend, doSkew:
			s.wait = time.Duration(r.IntN(2000)) * time.Millisecond
		}
		p.steps = append(p.steps, s)
	}
	return p
}

// brokenLaw is what a run of a plan panics with.
type brokenLaw string

// lawful turns failures into broken laws: a plan that fails may be run again, smaller.
type lawful struct{ testing.TB }

func (lawful) Fatal(args ...any)                 { panic(brokenLaw(fmt.Sprintln(args...))) }
func (lawful) Fatalf(format string, args ...any) { panic(brokenLaw(fmt.Sprintf(format, args...))) }

// sharedRun is a cluster that runs a plan, beside what must come of it.
type sharedRun struct {
	t     lawful
	c     *enginetest.Cluster
	p     *sharedPlan
	dirs  []string
	skews []time.Duration
	up    []bool
	alone int // the member that is cut off; -1: none
	least map[string]share.Claim
	said  map[string]string // value by key and write
	n     int
	added [2]int64 // acknowledged, tried
	most  int      // the highest value of sharedMax that was acknowledged
}

// trySharedPlan runs a plan in virtual time. It gives the law that it broke, or "".
func trySharedPlan(t *testing.T, p *sharedPlan) (law string) {
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			switch x := recover().(type) {
			case nil:
			case brokenLaw:
				law = string(x)
			default:
				panic(x)
			}
		}()
		net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond}})
		s := &sharedRun{
			t: lawful{t}, p: p, up: make([]bool, p.members), skews: make([]time.Duration, p.members), dirs: make([]string, p.members),
			alone: -1, least: map[string]share.Claim{}, said: map[string]string{},
		}
		for i := range s.up {
			s.up[i], s.dirs[i] = true, t.TempDir()
		}
		s.c = enginetest.NewCluster(s.t, p.members, enginetest.Options{Timeout: 10 * time.Minute, Transport: net.Poller(), Config: s.config})
		s.c.Loss(p.loss)
		for i := range p.steps {
			s.step(&p.steps[i])
			s.read(false)
		}
		s.peace()
	})
	return law
}

func (s *sharedRun) config(i int, c *engine.Config) {
	c.Merge = numbers
	d := &c.Detector
	d.DeadAge, d.LeftAge, d.GraveAge = time.Minute, time.Minute, 5*time.Minute
	if s.p.disks {
		c.Disk.Path, c.Disk.Sync = s.dirs[i], s.p.sync
		c.Disk.SetFS(unsynced{disk.Dir(s.dirs[i])})
	}
}

// unsynced is a directory whose machine never loses power.
type unsynced struct{ disk.Dir }

type unsyncedFile struct{ disk.File }

func (unsyncedFile) Sync() error { return nil }

func (d unsynced) Create(name string) (disk.File, error) {
	f, err := d.Dir.Create(name)
	return unsyncedFile{f}, err
}

// peace ends all harm, and holds everybody against each other once all is said.
func (s *sharedRun) peace() {
	s.mend()
	s.c.Loss(0)
	s.c.WaitConverged()
	pause(2 * time.Minute)
	s.c.WaitConverged()
	s.read(true)
}

func (s *sharedRun) running() (n int) {
	for _, up := range s.up {
		if up {
			n++
		}
	}
	return n
}

func (s *sharedRun) step(x *sharedStep) {
	up := s.up[x.member]
	switch {
	case x.do < doSkew && up:
		s.write(x)
	case x.do == doSkew:
		s.skews[x.member] = x.skew
		if up {
			s.c.Engines[x.member].Shared().Skew(x.skew)
		}
	case x.do == doMend:
		s.mend()
	case (x.do == doStart || x.do == doBlank) && !up:
		s.start(x)
	case (x.do == doKill || x.do == doStop || x.do == doCut) && up && s.alone < 0 && s.running() > 3:
		s.harm(x)
	case x.do == doDark && s.p.disks && s.alone < 0:
		s.dark()
	default:
		return // it can't be
	}
	pause(x.wait)
}

func (s *sharedRun) mend() {
	s.c.Heal()
	s.alone = -1
}

func (s *sharedRun) start(x *sharedStep) {
	if s.alone >= 0 {
		s.mend() // a start that nobody answers is another test
	}
	if x.do == doBlank {
		s.dirs[x.member] = s.t.TempDir()
	}
	s.c.Restart(x.member)
	s.up[x.member] = true
	s.c.Engines[x.member].Shared().Skew(s.skews[x.member])
}

// harm lets a member go, or be alone. Whoever goes is found to be gone, and what they had is taken
// over, before the next.
func (s *sharedRun) harm(x *sharedStep) {
	switch x.do {
	case doCut:
		s.c.Partition([]int{x.member})
		s.alone = x.member
		return
	case doKill:
		s.copyDisk(x.member)
		s.c.Kill(x.member)
	case doStop:
		s.c.Stop(x.member)
	}
	s.up[x.member] = false
}

// copyDisk is what another process finds when this one is killed: what it has written.
func (s *sharedRun) copyDisk(i int) {
	to := s.t.TempDir()
	if err := os.CopyFS(to, os.DirFS(s.dirs[i])); err != nil {
		s.t.Fatal(err)
	}
	os.Remove(filepath.Join(to, "quidnunc.lock"))
	s.dirs[i] = to
}

// dark ends all that run at one moment, and starts them again: nobody is left but disks.
func (s *sharedRun) dark() {
	pause(time.Second) // what was acknowledged was written
	for i, up := range s.up {
		if up {
			s.copyDisk(i)
		}
	}
	for i, up := range s.up {
		if up {
			s.c.Kill(i)
		}
	}
	pause(30 * time.Second)
	for i, up := range s.up {
		if up {
			s.c.Restart(i)
			s.c.Engines[i].Shared().Skew(s.skews[i])
		}
	}
}

// write makes one write. Once all have acknowledged it, the key never falls behind it.
func (s *sharedRun) write(x *sharedStep) {
	e, key := s.c.Engines[x.member], fmt.Sprint("k", x.key)
	sh := e.Shared()
	s.n++
	value := fmt.Sprint("v", s.n)
	high := 0
	var v engine.Version
	var err error
	switch x.do {
	case doDelete:
		v, err = sh.Delete(key)
	case doOnce:
		var p engine.Provisional
		p, err = sh.SetOnce(key, []byte(value))
		v = p.Version
	case doForce:
		v, err = sh.Force(key, []byte(value))
	case doAdd:
		_, v, err = sh.Add(sharedAdded, int64(s.n))
	case doRaise:
		high = 1 + (s.n*7919)%1000
		v, err = sh.Set(sharedMax, []byte(strconv.Itoa(high)))
	default:
		v, err = sh.Set(key, []byte(value))
	}
	switch {
	case errors.Is(err, engine.ErrConflict), errors.Is(err, engine.ErrClockOffset):
		return
	case err != nil:
		s.t.Fatal(e.Name(), err)
	}
	if x.do == doAdd {
		s.added[1] += int64(s.n)
	}
	c := sh.Claim(key)
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	if s.alone >= 0 || e.WaitVersion(ctx, v) != nil || e.NumMembers() < s.running() {
		return
	}
	switch x.do {
	case doAdd:
		s.added[0] += int64(s.n)
		return
	case doRaise:
		s.most = max(s.most, high)
		return
	}
	if was, ok := s.least[key]; c.Author == sh.Self() && (!ok || c.Compare(&was) > 0) {
		s.least[key] = c
	}
}

// read holds every member against what was said of the same write elsewhere, and against what was
// acknowledged.
func (s *sharedRun) read(final bool) {
	for k := range sharedKeys {
		s.readKey(fmt.Sprint("k", k), final)
	}
	s.readKey(sharedMax, final)
	if !final {
		return
	}
	for i, e := range s.c.Engines {
		if !s.up[i] {
			continue
		}
		if sum, _ := e.Shared().Sum(sharedAdded); sum < s.added[0] || sum > s.added[1] {
			s.t.Fatalf("%s has the sum %d; %d were acknowledged, %d tried", e.Name(), sum, s.added[0], s.added[1])
		}
		if got, _ := strconv.Atoi(sharedText(e, sharedMax)); got < s.most {
			s.t.Fatalf("%s has the highest value %d; %d was acknowledged", e.Name(), got, s.most)
		}
	}
}

func (s *sharedRun) readKey(key string, final bool) {
	first, holder := "", ""
	for i, e := range s.c.Engines {
		if !s.up[i] {
			continue
		}
		value, v, ok := e.Shared().Get(key)
		text := fmt.Sprint(ok, " ", string(value))
		if !v.IsZero() {
			write := fmt.Sprint(key, v)
			if was, seen := s.said[write]; seen && was != text {
				s.t.Fatalf("%s: the write %v is %q at %s, and was %q", key, v, text, e.Name(), was)
			}
			s.said[write] = text
		}
		if !final {
			continue
		}
		if holder == "" {
			first, holder = text, e.Name()
		} else if text != first {
			s.t.Fatalf("%s is %q at %s and %q at %s", key, first, holder, text, e.Name())
		}
		s.notBehind(key, e)
	}
}

// notBehind holds a member against what all have acknowledged of a key.
func (s *sharedRun) notBehind(key string, e *engine.Engine) {
	least, ok := s.least[key]
	if !ok {
		return
	}
	is := e.Shared().Claim(key)
	switch {
	case least.Deleted && (is.Author == 0 || is.Stamp > least.Stamp): // it may have been old enough to be forgotten
	case is.Epoch == least.Epoch && is.Stamp == least.Stamp:
	case is.Author == 0 || is.Compare(&least) < 0:
		s.t.Fatalf("%s: %s holds %+v, and %+v was acknowledged", key, e.Name(), is, least)
	}
}
