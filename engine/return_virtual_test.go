package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// sealedOr is a change of configurations: sealed, or in clear.
func sealedOr(sealed bool) func(int, *engine.Config) {
	return func(_ int, c *engine.Config) {
		if sealed {
			c.Secrets = []engine.Secret{{ID: 1, Bytes: make([]byte, 32)}}
		}
	}
}

// spread has each member write, and waits until all others have it.
func spread(t *testing.T, c *enginetest.Cluster, what string, members ...int) {
	t.Helper()
	for _, i := range members {
		for k := range 20 {
			set(t, c.Engines[i], fmt.Sprint("k", k), what)
		}
	}
	began := time.Now()
	eventually(t, what+" is everywhere", func() bool {
		for _, at := range members {
			for _, of := range members {
				for k := range 20 {
					if v, _, ok := c.Engines[at].Get(c.Engines[of].Name(), fmt.Sprint("k", k)); !ok || string(v) != what {
						return false
					}
				}
			}
		}
		return true
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%s is everywhere after %v", what, took)
	}
}

// TestWhoWasForgottenComesBackWhole: a process that others forgot while it was cut off, and whose
// place somebody else has, comes back: within five seconds all hold what both sides wrote before,
// meanwhile and since, in clear and sealed, also the second time, and where both sides forgot.
func TestWhoWasForgottenComesBackWhole(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
			virtual(t, 3, enginetest.Options{Config: sealedOr(sealed)}, func(t *testing.T, c *enginetest.Cluster) {
				all := []int{0, 1, 2}
				spread(t, c, "first", all...)
				for turn := range 2 {
					rest := all[:len(all):len(all)]
					rest = append(rest[:2:2], rest[3:]...) // all but node-2
					c.Partition(rest, []int{2})
					pause(10 * time.Second)
					if err := c.Engines[0].Forget("node-2"); err != nil {
						t.Fatal(err)
					}
					if turn == 1 {
						for _, i := range rest {
							if err := c.Engines[2].Forget(c.Engines[i].Name()); err != nil {
								t.Error(err)
							}
						}
					}
					pause(2 * time.Second)
					i := c.AddApart() // it takes the place
					c.Partition(append(rest, i), []int{2})
					c.Join(i, 0)
					all, rest = append(all, i), append(rest, i)
					spread(t, c, fmt.Sprint("meanwhile ", turn), rest...)
					set(t, c.Engines[2], "apart", fmt.Sprint(turn))
					c.Heal()
					spread(t, c, fmt.Sprint("since ", turn), all...)
					for _, i := range rest {
						if v, _, ok := c.Engines[i].Get("node-2", "apart"); !ok || string(v) != fmt.Sprint(turn) {
							t.Errorf("turn %d: %s has %q of what was written apart", turn, c.Engines[i].Name(), v)
						}
					}
				}
			})
		})
	}
}

// TestMostRestartTogetherAgainAndAgain: two of three restart at once each minute, with nothing of
// their state and at other addresses; the third one is all that is left each time.
func TestMostRestartTogetherAgainAndAgain(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		for turn := range 10 {
			c.Kill(1)
			c.Kill(2)
			c.Restart(1)
			c.Restart(2)
			spread(t, c, fmt.Sprint("turn ", turn), 0, 1, 2)
			pause(time.Minute)
			for _, e := range c.Engines {
				if s := e.Stats(); s.Alive != 3 || s.Members != 3 {
					t.Errorf("turn %d: %s has %d members, %d alive", turn, e.Name(), s.Members, s.Alive)
				}
			}
		}
	})
}

// TestRenamedBetweenTwoLives: a process comes back under another name; its first one is dead, and
// ends like that of any other.
func TestRenamedBetweenTwoLives(t *testing.T) {
	name := "node-2"
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 2 {
			c.Name = name
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		spread(t, c, "first", 0, 1, 2)
		c.Kill(2)
		name = "another"
		c.Restart(2)
		spread(t, c, "second", 0, 1, 2)
		pause(10 * time.Second)
		for _, e := range c.Engines {
			was, _ := e.Member("node-2")
			is, _ := e.Member("another")
			if e != c.Engines[2] && was.State != engine.StateDead || is.State != engine.StateAlive {
				t.Errorf("%s holds the old name %v, the new one %v", e.Name(), was.State, is.State)
			}
		}
		if err := c.Engines[0].Forget("node-2"); err != nil {
			t.Error(err)
		}
	})
}

// names is a resolver of a few names, which may move.
type names map[string][]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a := n[host]; len(a) > 0 {
		return a, nil
	}
	return nil, errors.New("no such host")
}

func (n names) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.New("no such service")
}

// TestSeedListsWithMistakes: an own address, one seed three times in different spellings, and a
// name that does not resolve: the seed is joined, and what failed is not in the way.
func TestSeedListsWithMistakes(t *testing.T) {
	r := names{}
	o := enginetest.Options{Apart: true, Config: func(_ int, c *engine.Config) { c.Resolver = r }}
	virtual(t, 2, o, func(t *testing.T, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		r["seed.example"] = []netip.Addr{a.Addr().Addr()}
		port := a.Addr().Port()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n, err := b.Join(ctx, b.Addr().String(), a.Addr().String(), fmt.Sprintf("[::ffff:%v]:%d", a.Addr().Addr(), port),
			fmt.Sprintf("dns://seed.example:%d", port), "nobody.example:7946")
		if err != nil || n != 3 {
			t.Errorf("%d, %v", n, err)
		}
		spread(t, c, "all", 0, 1)
	})
}
