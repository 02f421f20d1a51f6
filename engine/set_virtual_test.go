package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestSetsAddsWin: members that are cut off from each other add and remove, with clocks that are
// wrong by up to 200 ms. Afterwards all hold the same: what somebody has added and not removed
// since, and what was there and nobody has removed.
func TestSetsAddsWin(t *testing.T) {
	const members, elements = 3, 5
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	virtual(t, members, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		in := map[string]bool{}
		for round := range 40 {
			c.Partition([]int{0}, []int{1}, []int{2})
			last, removed := map[string]map[int]bool{}, map[string]bool{}
			for range r.IntN(12) {
				i, x := r.IntN(members), fmt.Sprint("x", r.IntN(elements))
				s := c.Engines[i].Shared()
				s.Skew(time.Duration(r.IntN(400)-200) * time.Millisecond)
				if last[x] == nil {
					last[x] = map[int]bool{}
				}
				var err error
				if last[x][i] = r.IntN(2) == 0; last[x][i] {
					_, err = s.Insert("set", x)
				} else {
					_, err = s.Remove("set", x)
					removed[x] = true
				}
				if err != nil {
					t.Fatalf("seed %d, round %d: %v", seed, round, err)
				}
				if s.Contains("set", x) != last[x][i] {
					t.Fatalf("seed %d, round %d: an own write is not seen", seed, round)
				}
				pause(time.Duration(r.IntN(50)) * time.Millisecond)
			}
			for k := range elements {
				x := fmt.Sprint("x", k)
				in[x] = in[x] && !removed[x]
				for _, added := range last[x] {
					in[x] = in[x] || added
				}
			}
			c.Heal()
			c.WaitConverged()
			want := []string{}
			for k := range elements {
				if x := fmt.Sprint("x", k); in[x] {
					want = append(want, x)
				}
			}
			for _, e := range c.Engines {
				if got := slices.Collect(e.Shared().Elements("set")); !slices.Equal(got, want) {
					t.Fatalf("seed %d, round %d: %s has %v, want %v", seed, round, e.Name(), got, want)
				}
				if keys := e.Shared().Keys(""); len(keys) > 0 {
					t.Fatalf("parts of sets show as keys: %q", keys)
				}
			}
		}
	})
}

// TestSetsOutliveTheirWriters: what a member has added stays when it is forgotten, and can be
// removed then.
func TestSetsOutliveTheirWriters(t *testing.T) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) {
		c.Detector.DeadAge, c.Detector.LeftAge = time.Minute, time.Minute
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		c.Engines[2].Shared().Insert("set", "x")
		c.Engines[1].Shared().Insert("set", "y")
		c.WaitConverged()
		c.Kill(2)
		pause(5 * time.Minute)
		for _, e := range c.Engines[:2] {
			if got := slices.Collect(e.Shared().Elements("set")); !slices.Equal(got, []string{"x", "y"}) {
				t.Errorf("%s has %v", e.Name(), got)
			}
		}
		c.Engines[0].Shared().Remove("set", "x")
		c.WaitConverged()
		for _, e := range c.Engines[:2] {
			if e.Shared().Contains("set", "x") || !e.Shared().Contains("set", "y") {
				t.Errorf("%s has %v", e.Name(), slices.Collect(e.Shared().Elements("set")))
			}
		}
	})
}

// TestSharedRefusesWhatCantBe: a bad name, key, version or clock is refused with what is wrong, and
// nothing is written.
func TestSharedRefusesWhatCantBe(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		s, ctx := e.Shared(), t.Context()
		long := strings.Repeat("k", engine.SharedKeyBytesMax+1)
		s.Set("k", []byte("1"))
		_, was, _ := s.Get("k")
		s.Set("k", []byte("2"))
		c.WaitConverged()
		before, _, _ := s.Get("k")
		writes := e.Stats().Writes
		shared := func(f func(s *engine.Shared) error) func() error { return func() error { return f(s) } }
		for _, x := range []struct {
			what string
			do   func() error
			want error
			text string
		}{
			{"an empty key", shared(func(s *engine.Shared) error { _, err := s.Set("", nil); return err }), engine.ErrKey, "not zero"},
			{"a key of the engine's own", shared(func(s *engine.Shared) error { _, err := s.Set("\x00k", nil); return err }), engine.ErrKey, "not zero"},
			{"a long key", shared(func(s *engine.Shared) error { _, err := s.Delete(long); return err }), engine.ErrTooLarge, "shared key of"},
			{"a large value", shared(func(s *engine.Shared) error { _, err := s.Force("k", make([]byte, 2000)); return err }), engine.ErrTooLarge, "2001 bytes"},
			{"no time to live", shared(func(s *engine.Shared) error { _, err := s.SetTTL("k", nil, -1); return err }), engine.ErrTTL, "live"},
			{"a name of a counter that is too long", shared(func(s *engine.Shared) error { _, _, err := s.Add(long[1:], 1); return err }), engine.ErrTooLarge, "counter"},
			{"a set without a name", shared(func(s *engine.Shared) error { _, err := s.Insert("", "x"); return err }), engine.ErrKey, ""},
			{"no element", shared(func(s *engine.Shared) error { _, err := s.Remove("set", ""); return err }), engine.ErrKey, ""},
			{"a long element", shared(func(s *engine.Shared) error { _, err := s.Insert("set", long); return err }), engine.ErrTooLarge, "set and element"},
			{"a version of another write", shared(func(s *engine.Shared) error { _, err := s.SetIf(ctx, "k", was, nil); return err }), engine.ErrConflict, `"k" holds`},
			{"a version of another key", shared(func(s *engine.Shared) error { _, err := s.SetIf(ctx, "other", was, nil); return err }), engine.ErrConflict, `"other"`},
			{"no version of a key that is there", shared(func(s *engine.Shared) error { _, err := s.SetIf(ctx, "k", engine.SharedVersion{}, nil); return err }), engine.ErrConflict, `"k"`},
			{"a second first write", shared(func(s *engine.Shared) error { _, err := s.SetOnce("k", nil); return err }), engine.ErrConflict, `"k"`},
			{"a fresh read of no key", shared(func(s *engine.Shared) error { _, _, _, err := s.GetFresh(ctx, ""); return err }), engine.ErrKey, ""},
			{"a fresh read of nobody", func() error { _, _, _, err := e.GetFresh(ctx, "nobody", "k"); return err }, engine.ErrNoMember, ""},
			{"a version of no life", func() error { return e.WaitVersion(ctx, engine.Version{Gen: 1, Seq: 1}) }, engine.ErrVersion, ""},
			{"a version of the future", func() error { return e.WaitVersion(ctx, engine.Version{Gen: 1 << 62, Seq: 1}) }, engine.ErrVersion, ""},
		} {
			if err := x.do(); !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.text) {
				t.Errorf("%s: %v, want %v with %q", x.what, err, x.want, x.text)
			}
		}
		for _, err := range s.Watch(ctx, long) {
			if !errors.Is(err, engine.ErrTooLarge) {
				t.Errorf("an impossible prefix: %v", err)
			}
		}
		s.Skew(-time.Hour) // what it wrote before is an hour ahead now
		var wrong *engine.ClockError
		if _, err := s.Set("k", nil); !errors.As(err, &wrong) || wrong.Offset > -59*time.Minute || !strings.Contains(err.Error(), wrong.Offset.String()) {
			t.Errorf("a clock that was set back: %v", err)
		}
		if _, err := s.Insert("set", "x"); !errors.Is(err, engine.ErrClockOffset) {
			t.Errorf("a clock that was set back: %v", err)
		}
		if after, _, _ := s.Get("k"); string(after) != string(before) || e.Stats().Writes != writes {
			t.Errorf("something was written: %q, %d writes", after, e.Stats().Writes-writes)
		}
		e.Close()
		if _, err := s.Insert("set", "x"); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if _, err := s.Remove("set", "x"); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
