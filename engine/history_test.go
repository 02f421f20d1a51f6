package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// history is what one watcher was told, and what it may be told: the values of a member
// under a key are numbered as they are written, so that none may come after a later one.
type history struct {
	mu     sync.Mutex
	t      *testing.T
	wrote  map[string]int // by member and key: the number of the last value
	last   map[string]string
	highs  map[string]int // the highest number that was told
	states map[string]engine.MemberState
}

func (w *history) told(u *engine.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := u.Member + "/" + u.Key
	if u.Deleted {
		delete(w.last, at)
		return
	}
	of, number, _ := strings.Cut(string(u.Value), "#")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || of != at || n > w.wrote[at]:
		w.t.Errorf("%s is told as %q, which was never written there", at, u.Value)
	case n < w.highs[at]:
		w.t.Errorf("%s is told as %q after #%d", at, u.Value, w.highs[at])
	}
	w.last[at], w.highs[at] = string(u.Value), max(n, w.highs[at])
}

// next is the value that a member writes next under a key.
func (w *history) next(member, key string) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := member + "/" + key
	w.wrote[at]++
	return fmt.Appendf(nil, "%s#%d", at, w.wrote[at])
}

func (w *history) watch(ctx context.Context, e *engine.Engine, key string, slow *rand.Rand) {
	for u, err := range e.Watch(ctx, key) {
		if err != nil {
			return
		}
		w.told(&u)
		if slow.IntN(4) == 0 {
			pause(time.Duration(slow.IntN(20)) * time.Millisecond)
		}
	}
}

func (w *history) events(ctx context.Context, e *engine.Engine) {
	for ev, err := range e.Events(ctx) {
		if err != nil {
			return
		}
		w.mu.Lock()
		switch ev.Kind {
		case engine.EventForgotten:
			delete(w.states, ev.Member.Name)
		case engine.EventNameConflict, engine.EventOverflow:
		default:
			w.states[ev.Member.Name] = ev.Member.State
		}
		w.mu.Unlock()
	}
}

var historyKeys = []string{"a", "b", "c"}

// harm writes, overwrites, deletes, lets values end, and kills, stops, restarts and cuts
// members, all but the first two of which may be down.
func (w *history) harm(c *enginetest.Cluster, rnd *rand.Rand) (down map[int]bool) {
	down = map[int]bool{}
	for range 300 {
		i, key := rnd.IntN(len(c.Engines)), historyKeys[rnd.IntN(len(historyKeys))]
		e, name := c.Engines[i], fmt.Sprint("node-", i)
		switch what := rnd.IntN(40); {
		case what < 2 && i > 1 && !down[i]:
			if what == 0 {
				c.Kill(i)
			} else {
				c.Stop(i)
			}
			down[i] = true
		case what == 2 && down[i]:
			c.Heal()
			c.Restart(i)
			down[i] = false
		case what == 3:
			c.Partition([]int{0, 1}, []int{2, 3, 4})
		case what == 4:
			c.Heal()
		case down[i] || what < 5:
		case what < 14:
			e.Delete(key)
		case what < 20:
			e.SetTTL(key, w.next(name, key), time.Duration(1+rnd.IntN(200))*time.Millisecond)
		default:
			e.Set(key, w.next(name, key))
		}
		pause(time.Duration(rnd.IntN(30)) * time.Millisecond)
	}
	return down
}

// TestWatchAgainstModel: whatever happens, a watcher is told nothing that was not written
// and nothing old after something new; and after quiet, what it was told last is what
// everybody reads, and what Events told of members is what Members says. Who waits for a
// version then has it everywhere.
func TestWatchAgainstModel(t *testing.T) {
	first := rand.Uint64N(1 << 32)
	for seed := first; seed < first+6; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { watchAgainstModel(t, seed) })
		})
	}
}

func watchAgainstModel(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	net := simnet.NewNetwork(seed, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 3 * sched.Millisecond}})
	c := enginetest.NewCluster(t, 5, enginetest.Options{Transport: net.Poller()})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &history{t: t, wrote: map[string]int{}, last: map[string]string{}, highs: map[string]int{}, states: map[string]engine.MemberState{}}
	for i, key := range historyKeys {
		go w.watch(ctx, c.Engines[0], key, rand.New(rand.NewPCG(seed, uint64(10+i))))
	}
	go w.events(ctx, c.Engines[0])
	down := w.harm(c, rnd)
	c.Heal()
	for i := range c.Engines {
		if down[i] {
			c.Restart(i)
		}
	}
	c.WaitConverged()
	pause(formerLife) // who was restarted does not know it
	for i, e := range c.Engines {
		v, err := e.Set("done", []byte{byte(i)})
		if err == nil {
			err = e.WaitVersion(ctx, v)
		}
		for _, x := range c.Engines {
			if got, _, _ := x.Get(e.Name(), "done"); err != nil || len(got) != 1 || got[0] != byte(i) {
				t.Errorf("after WaitVersion (%v) %s reads %v of %s", err, x.Name(), got, e.Name())
			}
		}
	}
	w.compare(c)
}

// compare holds what was told last against what is.
func (w *history) compare(c *enginetest.Cluster) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range c.Engines[0].Members() {
		if !m.Self && w.states[m.Name] != m.State {
			w.t.Errorf("Members says that %s is %v, Events said last %v", m.Name, m.State, w.states[m.Name])
		}
		for _, key := range historyKeys {
			last, told := w.last[m.Name+"/"+key]
			for _, x := range c.Engines {
				v, _, ok := x.Get(m.Name, key)
				if ok != told || string(v) != last {
					w.t.Errorf("%s reads %q (%v) of %s/%s, the watcher was told %q (%v) last", x.Name(), v, ok, m.Name, key, last, told)
				}
			}
		}
	}
}
