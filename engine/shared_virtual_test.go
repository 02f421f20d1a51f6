package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/share"
)

// sharedRun is a cluster that writes shared keys while members go, come and are cut off, beside what must come of it.
type sharedRun struct {
	t     *testing.T
	c     *enginetest.Cluster
	r     *rand.Rand
	up    []bool
	alone int // the member that is cut off; -1: none
	least map[string]share.Claim
	said  map[string]string // value by key and write
	n     int
}

const sharedKeys = 8

// write makes one write of a random kind by a random member. Once all have acknowledged it, the key never falls behind it.
func (s *sharedRun) write() {
	i := s.r.IntN(len(s.up))
	if !s.up[i] {
		return
	}
	e, key := s.c.Engines[i], fmt.Sprint("k", s.r.IntN(sharedKeys))
	sh := e.Shared()
	s.n++
	value := fmt.Sprint("v", s.n)
	var v engine.Version
	var err error
	switch s.r.IntN(8) {
	case 0, 1:
		v, err = sh.Delete(key)
	case 2, 3:
		var p engine.Provisional
		if p, err = sh.SetOnce(key, []byte(value)); err != nil {
			return // it is held
		}
		v = p.Version
	case 4:
		v, err = sh.Force(key, []byte(value))
	default:
		v, err = sh.Set(key, []byte(value))
	}
	if err != nil {
		s.t.Fatal(e.Name(), err)
	}
	c := sh.Claim(key)
	s.say(e.Name(), "writes", key, value, c)
	if c.Author != sh.Self() || s.alone >= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	if e.WaitVersion(ctx, v) != nil || e.NumMembers() < s.running() {
		return
	}
	if was, ok := s.least[key]; !ok || c.Compare(&was) > 0 {
		s.least[key] = c
	}
}

func (s *sharedRun) say(args ...any) {
	s.t.Log(append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

func (s *sharedRun) running() (n int) {
	for _, up := range s.up {
		if up {
			n++
		}
	}
	return n
}

// read holds every member against what was said of the same write elsewhere, and against what was acknowledged.
func (s *sharedRun) read(final bool) {
	for k := range sharedKeys {
		key := fmt.Sprint("k", k)
		first, holder := "", ""
		for i, e := range s.c.Engines {
			if !s.up[i] {
				continue
			}
			value, v, ok := e.Shared().Get(key)
			text := fmt.Sprint(ok, " ", string(value))
			if !v.IsZero() {
				name := fmt.Sprint(key, v.Epoch, " ", v.Stamp)
				if was, seen := s.said[name]; seen && was != text {
					s.t.Fatalf("%s: the write %v is %q at %s, and was %q", key, v, text, e.Name(), was)
				}
				s.said[name] = text
			}
			if !final {
				continue
			}
			if holder == "" {
				first, holder = text, e.Name()
			} else if text != first {
				s.t.Fatalf("%s is %q at %s and %q at %s", key, first, holder, text, e.Name())
			}
			if least, ok := s.least[key]; ok {
				is := e.Shared().Claim(key)
				if least.Deleted && (is.Author == 0 || is.Stamp > least.Stamp) {
					continue // the delete may have been old enough to be forgotten
				}
				if is.Epoch != least.Epoch || is.Stamp != least.Stamp {
					if is.Author == 0 || is.Compare(&least) < 0 {
						s.t.Fatalf("%s: %s holds %+v, and %+v was acknowledged", key, e.Name(), is, least)
					}
				}
			}
		}
	}
}

// fault lets a member go, come, or be cut off.
func (s *sharedRun) fault(sleep time.Duration) {
	i := s.r.IntN(len(s.up))
	switch {
	case s.alone >= 0:
		s.c.Heal()
		s.alone = -1
	case !s.up[i]:
		s.c.Restart(i)
		s.up[i] = true
		s.skew(i)
	case s.running() <= 3:
		return
	case s.r.IntN(3) == 0:
		s.c.Partition([]int{i})
		s.alone = i
		s.say("node", i, "sleeps", sleep)
		pause(sleep)
		return
	case s.r.IntN(2) == 0:
		s.c.Kill(i)
		s.up[i] = false
	default:
		s.c.Stop(i)
		s.up[i] = false
	}
	s.say("running:", s.up)
	pause(20 * time.Second) // who went was found to be gone, and what they had was taken over
}

func (s *sharedRun) skew(i int) {
	s.c.Engines[i].Shared().Skew(time.Duration(s.r.IntN(400)-200) * time.Millisecond)
}

// TestSharedKeysThroughFaults: whatever goes, comes, sleeps and has a wrong clock, all hold the same in the end, a write has
// one value wherever it is read, and what all have acknowledged is never undone but by a later write.
func TestSharedKeysThroughFaults(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if text := os.Getenv("QUIDNUNC_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			o := enginetest.Options{Timeout: 10 * time.Minute, Config: func(_ int, c *engine.Config) {
				d := &c.Detector
				d.DeadAge, d.LeftAge, d.GraveAge = time.Minute, time.Minute, 5*time.Minute
			}}
			virtual(t, 5, o, func(t *testing.T, c *enginetest.Cluster) {
				s := &sharedRun{
					t: t, c: c, r: rand.New(rand.NewPCG(seed, 1)), up: make([]bool, 5), alone: -1,
					least: map[string]share.Claim{}, said: map[string]string{},
				}
				for i := range s.up {
					s.up[i] = true
					s.skew(i)
				}
				for step := range 120 {
					s.write()
					pause(time.Duration(s.r.IntN(1000)) * time.Millisecond)
					s.read(false)
					if step%8 == 7 {
						s.fault(time.Duration(1+s.r.IntN(60)) * 10 * time.Second)
					}
				}
				c.Heal()
				s.alone = -1
				c.WaitConverged()
				pause(2 * time.Minute)
				c.WaitConverged()
				s.read(true)
				adopted, withdrawn := 0, 0
				for i, e := range c.Engines {
					if s.up[i] {
						adopted += e.Shared().Adopted()
						withdrawn += e.Shared().Withdrawn()
					}
				}
				t.Logf("seed %d: %d writes, %d acknowledged keys, %d adopted, %d withdrawn", seed, s.n, len(s.least), adopted, withdrawn)
			})
		})
	}
}

// TestSharedClocks: a clock that is ahead spoils nothing, a forced write takes its key back, and one that is behind most
// others is told so.
func TestSharedClocks(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		fast, b, d := c.Engines[0].Shared(), c.Engines[1].Shared(), c.Engines[2].Shared()
		b.Set("k", []byte("right"))
		b.Set("l", []byte("right"))
		c.WaitConverged()
		fast.Skew(time.Minute)
		fast.Set("k", []byte("ahead"))
		fast.Set("l", []byte("ahead"))
		c.WaitConverged()
		for _, e := range c.Engines[1:] {
			if k, l := sharedText(e, "k"), sharedText(e, "l"); k != "right" || l != "right" {
				t.Errorf("%s believes a clock a minute ahead: %q %q", e.Name(), k, l)
			}
		}
		if _, err := b.Set("m", nil); err != nil {
			t.Error("one clock of two others is no proof:", err)
		}
		d.Skew(time.Minute)
		d.Set("m", nil)
		c.WaitConverged()
		var wrong *engine.ClockError
		if _, err := b.Set("k", nil); !errors.As(err, &wrong) || wrong.Offset > -59*time.Second || wrong.Offset < -time.Minute {
			t.Error("the only one with its clock is not told:", err)
		}
		d.Skew(0)
		if _, err := d.Set("m", nil); !errors.As(err, &wrong) || wrong.Offset > -59*time.Second {
			t.Error("a clock that was set back writes:", err)
		}
		pause(15 * time.Second) // what speaks against b is old
		if _, err := b.Force("k", []byte("forced")); err != nil {
			t.Error(err)
		}
		pause(time.Minute)
		for _, e := range c.Engines {
			if k, l := sharedText(e, "k"), sharedText(e, "l"); k != "forced" || l != "ahead" {
				t.Errorf("%s: %q, want it forced; %q, whose time has come", e.Name(), k, l)
			}
		}
	})
}

// TestSharedLost: who is overtaken is told, once and by whom; who is not, is not.
func TestSharedLost(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		a, b := c.Engines[0].Shared(), c.Engines[1].Shared()
		ctx, cancel := context.WithCancel(t.Context())
		told := make(chan engine.Lost, 10)
		ended := make(chan error, 1)
		go func() {
			for x, err := range a.Lost(ctx) {
				if err != nil {
					ended <- err
					return
				}
				told <- x
			}
		}()
		synctest.Wait()
		a.Set("mine", []byte("1"))
		a.Set("theirs", []byte("1"))
		c.WaitConverged()
		b.Set("theirs", []byte("2"))
		b.Set("other", []byte("2"))
		c.WaitConverged()
		pause(time.Minute) // the loser is withdrawn
		synctest.Wait()
		_, v, _ := b.Get("theirs")
		if len(told) != 1 {
			t.Fatalf("%d elements", len(told))
		}
		if x := <-told; x.Key != "theirs" || x.By != "node-1" || x.Now != v {
			t.Errorf("%+v, want %v", x, v)
		}
		if n := a.Withdrawn(); n != 1 {
			t.Errorf("%d claims were withdrawn", n)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestSharedDeletesEnd: a delete that all have is kept as long as anybody may come back, and no longer.
func TestSharedDeletesEnd(t *testing.T) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) {
		d := &c.Detector
		d.DeadAge, d.LeftAge, d.GraveAge = time.Minute, time.Minute, 5*time.Minute
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		c.Engines[0].Shared().Set("k", []byte("v"))
		c.WaitConverged()
		c.Engines[1].Shared().Delete("k")
		c.WaitConverged()
		pause(9 * time.Minute)
		if n := c.Engines[2].Shared().Len(); n != 1 {
			t.Errorf("%d keys: the delete was forgotten too early", n)
		}
		pause(8 * time.Minute)
		for _, e := range c.Engines {
			if n := e.Shared().Len(); n != 0 {
				t.Errorf("%s still remembers %d", e.Name(), n)
			}
		}
	})
}

// TestSharedCounters: members that add at the same time lose nothing, a set or a delete begins anew, and what a member has
// added outlives it.
func TestSharedCounters(t *testing.T) {
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		sums := func(list []*engine.Engine, want int64, counted bool) {
			t.Helper()
			c.WaitConverged()
			for _, e := range list {
				if n, ok := e.Shared().Sum("hits"); n != want || ok != counted {
					t.Errorf("%s: %d %v, want %d %v", e.Name(), n, ok, want, counted)
				}
			}
		}
		add := func(i int, by int64) (sum int64) {
			t.Helper()
			sum, _, err := c.Engines[i].Shared().Add("hits", by)
			if err != nil {
				t.Fatal(err)
			}
			return sum
		}
		for i := range 3 {
			for range 10 {
				add(i, int64(i+1))
			}
		}
		if n := add(0, 0); n != 10 {
			t.Errorf("own additions are %d at once", n)
		}
		sums(c.Engines, 60, true)
		if n := add(3, -5); n != 55 {
			t.Errorf("%d", n)
		}
		c.Engines[1].Shared().Set("hits", []byte("100"))
		c.WaitConverged()
		if _, ok := c.Engines[0].Shared().Sum("hits"); ok {
			t.Error("parts of before count")
		}
		add(2, 1)
		sums(c.Engines, 101, true)
		c.Kill(2)
		pause(20 * time.Second)
		c.Restart(2)
		add(2, 1)
		sums(c.Engines, 102, true)
		c.Engines[0].Shared().Delete("hits")
		c.WaitConverged()
		add(1, 7)
		sums(c.Engines, 7, true)
		c.Engines[0].Shared().Set("hits", []byte("text"))
		c.WaitConverged()
		if _, _, err := c.Engines[3].Shared().Add("hits", 1); !errors.Is(err, engine.ErrNotNumber) {
			t.Error(err)
		}
		c.Engines[2].Shared().Add("alone", 3)
		c.WaitConverged()
		if keys := c.Engines[0].Shared().Keys(""); !slices.Equal(keys, []string{"alone", "hits"}) {
			t.Errorf("%q", keys)
		}
		for key, value := range c.Engines[0].Shared().Range("a") {
			if key != "alone" || string(value) != "3" {
				t.Errorf("%q %q", key, value)
			}
		}
	})
}

// TestSharedLifetimes: a value ends when its time has passed, whoever has it then, and nothing older shows; a write in the
// meantime stays.
func TestSharedLifetimes(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		a, b, w := c.Engines[0].Shared(), c.Engines[1].Shared(), c.Engines[2].Shared()
		for _, key := range []string{"short", "adopted", "again"} {
			b.Set(key, []byte("older"))
		}
		c.WaitConverged()
		for _, key := range []string{"short", "adopted", "again"} {
			ttl := 10 * time.Second
			if key == "adopted" {
				ttl = time.Minute
			}
			if _, err := w.SetTTL(key, []byte("ends"), ttl); err != nil {
				t.Fatal(err)
			}
		}
		c.WaitConverged()
		if ttl, left := a.Lifetime("short"); ttl != 10*time.Second || left <= 9*time.Second || left > ttl {
			t.Errorf("%v of %v", left, ttl)
		}
		b.Set("again", []byte("stays"))
		pause(9 * time.Second)
		if got := sharedText(c.Engines[0], "short"); got != "ends" {
			t.Errorf("before its end: %q", got)
		}
		pause(2 * time.Second)
		c.WaitConverged()
		for _, e := range c.Engines {
			if short, again := sharedText(e, "short"), sharedText(e, "again"); short != "-" || again != "stays" {
				t.Errorf("%s: %q, %q", e.Name(), short, again)
			}
		}
		c.Kill(2)
		pause(30 * time.Second)
		if got := sharedText(c.Engines[0], "adopted"); got != "ends" {
			t.Errorf("adopted: %q", got)
		}
		pause(30 * time.Second)
		for _, e := range c.Engines[:2] {
			if got := sharedText(e, "adopted"); got != "-" {
				t.Errorf("%s: what was adopted lives on: %q", e.Name(), got)
			}
		}
		if _, err := a.SetTTL("k", nil, 0); !errors.Is(err, engine.ErrTTL) {
			t.Error(err)
		}
	})
}
