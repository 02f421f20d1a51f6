package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestSharedClocks: a clock that is ahead spoils nothing, a forced write takes its key back, and
// one that is behind most others is told so.
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

// TestAClockThatIsRightAgainWrites: who was told that its clock is behind writes again as soon as one
// of those who said so agrees with it, and not only when what they said is old.
func TestAClockThatIsRightAgainWrites(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		b, others := c.Engines[0].Shared(), []*engine.Shared{c.Engines[1].Shared(), c.Engines[2].Shared()}
		for i, o := range others {
			o.Skew(time.Minute)
			o.Set(string(rune('k'+i)), nil)
		}
		c.WaitConverged()
		var wrong *engine.ClockError
		if _, err := b.Set("m", nil); !errors.As(err, &wrong) {
			t.Fatal("the only one with its clock is not told:", err)
		}
		b.Skew(time.Minute)
		others[1].Set("n", nil)
		c.WaitConverged()
		if _, err := b.Set("m", nil); err != nil {
			t.Error("its clock is right again:", err)
		}
	})
}

// TestSharedRipeClaimsAreNews: what comes with a stamp ahead of the clock and competes later is
// told, counted and in its set then, and whoever it overtakes hears of it.
func TestSharedRipeClaimsAreNews(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		fast, b, other := c.Engines[0].Shared(), c.Engines[1].Shared(), c.Engines[2].Shared()
		b.Set("k", []byte("right"))
		c.WaitConverged()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		told, lost := make(chan engine.SharedUpdate, 10), make(chan engine.Lost, 10)
		go func() {
			for u, err := range other.Watch(ctx, "") {
				if err == nil {
					told <- u
				}
			}
		}()
		go func() {
			for x, err := range b.Lost(ctx) {
				if err == nil {
					lost <- x
				}
			}
		}()
		synctest.Wait()
		<-told // what was there
		fast.Skew(10 * time.Second)
		fast.Set("k", []byte("ahead"))
		fast.Add("sum", 3)
		fast.Insert("set", "x")
		c.WaitConverged()
		if _, ok := other.Sum("sum"); ok || other.Contains("set", "x") || len(told)+len(lost) > 0 {
			t.Error("a clock that is ahead is believed at once")
		}
		pause(20 * time.Second)
		synctest.Wait()
		if sum, ok := other.Sum("sum"); sum != 3 || !ok || !other.Contains("set", "x") {
			t.Errorf("the sum is %d %v, and the set holds x: %v", sum, ok, other.Contains("set", "x"))
		}
		got := map[string]string{}
		for len(told) > 0 {
			u := <-told
			got[u.Key] = string(u.Value)
		}
		if len(got) != 2 || got["k"] != "ahead" || got["sum"] != "3" {
			t.Errorf("told of %q", got)
		}
		if len(lost) != 1 {
			t.Errorf("%d writes of %s were overtaken", len(lost), c.Engines[1].Name())
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

// TestSharedDeletesEnd: a delete that all have is kept as long as anybody may come back, and no
// longer.
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

// TestSharedCounters: members that add at the same time lose nothing, a set or a delete begins
// anew, and what a member has added outlives it.
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

// TestSharedLifetimes: a value ends when its time has passed, whoever has it then, and nothing
// older shows; a write in the meantime stays.
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

// TestSharedConditionsAtOneInstant: of members that write under a condition with the same stamp one
// succeeds, and every other one is told whose write the key holds.
func TestSharedConditionsAtOneInstant(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		c.WaitConverged()
		once := func(s *engine.Shared) (engine.SharedVersion, error) {
			p, err := s.SetOnce("once", nil)
			if err == nil {
				err = p.Confirm(t.Context())
			}
			return p.Write, err
		}
		cond := func(s *engine.Shared) (engine.SharedVersion, error) {
			return s.SetIf(t.Context(), "if", engine.SharedVersion{}, nil)
		}
		for key, write := range map[string]func(*engine.Shared) (engine.SharedVersion, error){"once": once, "if": cond} {
			writes, errs := make([]engine.SharedVersion, len(c.Engines)), make([]error, len(c.Engines))
			var wg sync.WaitGroup
			for i, e := range c.Engines {
				wg.Go(func() { writes[i], errs[i] = write(e.Shared()) })
			}
			wg.Wait()
			for i, err := range errs {
				_, holds, _ := c.Engines[i].Shared().Get(key)
				if won := writes[i] == holds; won != (err == nil) || !won && !errors.Is(err, engine.ErrConflict) {
					t.Errorf("%s: wrote %+v, the key holds %+v, and the answer is %v", key, writes[i], holds, err)
				}
			}
		}
	})
}
