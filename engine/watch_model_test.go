package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// watched is what one watch has told, and the laws that each update must keep.
type watched struct {
	t       *testing.T
	o       engine.WatchOptions
	mu      sync.Mutex
	view    map[string]string // by member and key
	last    map[string]engine.Version
	alive   map[string]bool
	resyncs int
}

func (w *watched) update(u engine.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.Resync {
		w.resyncs++
		return
	}
	place := u.Member + "/" + u.Key
	if w.o.Key != "" && u.Key != w.o.Key || !strings.HasPrefix(u.Key, w.o.Prefix) || w.o.Member != "" && u.Member != w.o.Member {
		w.t.Errorf("%+v: not watched: %s", w.o, place)
	}
	if u.Previous != w.last[place] {
		w.t.Errorf("%+v: %s: previous %v, told before %v", w.o, place, u.Previous, w.last[place])
	}
	if u.Deleted {
		delete(w.view, place)
		delete(w.last, place)
		delete(w.alive, place)
		return
	}
	if u.Meta.Version.Compare(u.Previous) < 0 || u.Meta.Version == u.Previous && u.Alive == w.alive[place] {
		w.t.Errorf("%+v: %s: %v after %v is no news", w.o, place, u.Meta.Version, u.Previous)
	}
	w.view[place], w.last[place], w.alive[place] = string(u.Value), u.Meta.Version, u.Alive
}

// matches holds the view against the replica.
func (w *watched) matches(e *engine.Engine) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	want := map[string]string{}
	for m := range e.Members() {
		for key, entry := range e.RangePrefix(m.Name, w.o.Prefix) {
			if (w.o.Key == "" || w.o.Key == string(key)) && (w.o.Member == "" || w.o.Member == m.Name) {
				place := m.Name + "/" + string(key)
				want[place] = string(entry.Value)
				if is := m.State != engine.StateDead && m.State != engine.StateLeft; w.alive[place] != is {
					w.t.Errorf("%+v: %s is told alive %v, and %s is %v", w.o, place, w.alive[place], m.Name, m.State)
				}
			}
		}
	}
	for place, value := range want {
		if w.view[place] != value {
			w.t.Errorf("%+v: %s is %q, told %q", w.o, place, value, w.view[place])
		}
	}
	if len(w.view) != len(want) {
		w.t.Errorf("%+v: %d keys are told, %d are there", w.o, len(w.view), len(want))
	}
}

// TestWatchesAreTheReplica: through overwrites, deletes, ends of lifetimes, kills, restarts, cuts
// and slow readers, each watch has told in the end what the replica has, each version after the one
// before, and who is alive.
func TestWatchesAreTheReplica(t *testing.T) {
	for seed := range uint64(3) {
		o := enginetest.Options{Timeout: 5 * time.Minute, Config: func(_ int, c *engine.Config) {
			c.Detector.DeadAge = 30 * time.Second
		}}
		virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
			t.Log("seed", seed)
			dice := rand.New(rand.NewPCG(seed, 7))
			ctx, cancel := context.WithCancel(context.Background())
			var all []*watched
			var ended sync.WaitGroup
			var writing atomic.Bool
			writing.Store(true)
			for i, o := range []engine.WatchOptions{
				{}, {Key: "a/1"}, {Prefix: "a/"}, {Prefix: "b/1"}, {Member: "node-1"}, {Member: "node-2", Prefix: "a/"}, {Prefix: "none"}, {},
			} {
				w := &watched{t: t, o: o, view: map[string]string{}, last: map[string]engine.Version{}, alive: map[string]bool{}}
				all = append(all, w)
				slow := i == 7
				ended.Go(func() {
					if err := c.Engines[0].WatchFunc(ctx, o, func(u engine.Update) {
						w.update(u)
						for slow && u.Key == "a/2" && writing.Load() {
							pause(time.Second)
						}
					}); !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
			}
			up := []bool{true, true, true, true}
			for step := range 200 {
				i := dice.IntN(4)
				if e := c.Engines[i]; up[i] {
					for range 1 + dice.IntN(400) {
						key := fmt.Sprintf("%c/%d", 'a'+rune(dice.IntN(2)), dice.IntN(300))
						switch dice.IntN(10) {
						case 0:
							e.Delete(key)
						case 1:
							e.SetTTL(key, fmt.Append(nil, "t", step), time.Duration(1+dice.IntN(5000))*time.Millisecond)
						default:
							e.Set(key, fmt.Append(nil, "v", step))
						}
					}
				}
				switch i := 1 + dice.IntN(3); {
				case step%20 != 19:
				case !up[i]:
					c.Restart(i)
					up[i] = true
				case dice.IntN(2) == 0:
					c.Kill(i)
					up[i] = false
				default:
					c.Partition([]int{i})
					pause(10 * time.Second)
					c.Heal()
				}
				pause(time.Duration(dice.IntN(300)) * time.Millisecond)
			}
			writing.Store(false)
			for i, is := range up {
				if !is {
					c.Restart(i)
				}
			}
			c.WaitConverged()
			pause(time.Minute) // the slow one gets there
			synctest.Wait()
			for _, w := range all {
				w.matches(c.Engines[0])
			}
			if all[7].resyncs == 0 {
				t.Error("the slow reader was never told that it missed something")
			}
			cancel()
			ended.Wait()
		})
	}
}

// TestWatchDepartures: who dies, leaves or is back is told with the entries of that member.
func TestWatchDepartures(t *testing.T) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.Detector.DeadAge = time.Minute }}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		set(t, c.Engines[2], "k", "v")
		c.WaitConverged()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		updates, why := c.Engines[0].WatchChan(ctx, engine.WatchOptions{Prefix: "k"})
		next := func(alive, deleted bool) {
			t.Helper()
			if u := <-updates; u.Alive != alive || u.Deleted != deleted || u.Member != "node-2" {
				t.Fatalf("%+v, want alive %v, deleted %v", u, alive, deleted)
			}
		}
		next(true, false)
		c.Partition([]int{2})
		next(false, false)
		c.Heal()
		next(true, false)
		c.Kill(2)
		next(false, false)
		next(false, true)
		cancel()
		for range updates {
		}
		if err := why(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestWatchResumes: who says what they were told gets only what came since, deletes too.
func TestWatchResumes(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	a, b := c.Engines[0], c.Engines[1]
	set(t, b, "k/old", "1")
	set(t, b, "k/gone", "1")
	v := set(t, b, "k/last", "1")
	c.WaitConverged()
	b.Delete("k/gone")
	set(t, b, "k/new", "1")
	c.WaitConverged()
	got := ""
	for u, err := range a.WatchWith(t.Context(), engine.WatchOptions{Prefix: "k/", Since: map[string]engine.Version{"node-1": v}}) {
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprint(u.Key, " ", u.Deleted, ";")
		if u.Key == "k/new" {
			break
		}
	}
	if got != "k/gone true;k/new false;" {
		t.Error(got)
	}
}

// TestWatchesResumeAlike: whatever a watch is for, one that goes on where an earlier one was tells the same of a
// key: its newest form, or that it is gone, if that came later, and else nothing.
func TestWatchesResumeAlike(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	a, b := c.Engines[0], c.Engines[1]
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a watch looks at what is there before it ends
	var at []engine.Version
	for _, keys := range []string{"k", "other", "k", "-k", "other", "k"} {
		if keys[0] == '-' {
			v, err := b.Delete(keys[1:])
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, v)
		} else {
			at = append(at, set(t, b, keys, fmt.Sprint(len(at))))
		}
		c.WaitConverged()
		set(t, a, "done", fmt.Sprint(len(at)))
		c.WaitConverged()
		for from := range len(at) {
			told := map[string]string{}
			for name, o := range map[string]engine.WatchOptions{
				"key": {Key: "k"}, "key of a member": {Key: "k", Member: "node-1"}, "prefix": {Prefix: "k"}, "member": {Member: "node-1"}, "all": {},
			} {
				for reader, e := range []*engine.Engine{a, b} {
					o.Since = map[string]engine.Version{"node-1": at[from]}
					got := ""
					e.WatchFunc(ctx, o, func(u engine.Update) {
						if u.Member == "node-1" && u.Key == "k" {
							got += fmt.Sprint(u.Meta.Version.Seq-at[0].Seq, " ", u.Deleted, " ", string(u.Value), ";")
						}
					})
					told[fmt.Sprint(name, " at ", reader)] = got
				}
			}
			for name, got := range told {
				if got != told["all at 0"] {
					t.Errorf("after write %d from %d: %s is told %q, all %q", len(at), from, name, got, told["all at 0"])
				}
			}
		}
	}
}

// TestWatchRefusesWhatCantBe: a key that nobody can have ends a watch with the reason.
func TestWatchRefusesWhatCantBe(t *testing.T) {
	e := startOne(t, "a", nil)
	f := func(want error, o engine.WatchOptions) {
		t.Helper()
		if err := e.WatchFunc(t.Context(), o, func(engine.Update) {}); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", o, err, want)
		}
	}
	long := strings.Repeat("x", engine.KeyBytesMax+1)
	f(engine.ErrKey, engine.WatchOptions{Key: "\x00left"})
	f(engine.ErrKey, engine.WatchOptions{Prefix: "\x00"})
	f(engine.ErrKey, engine.WatchOptions{Key: "a", Prefix: "b"})
	f(engine.ErrTooLarge, engine.WatchOptions{Key: long})
	f(engine.ErrTooLarge, engine.WatchOptions{Prefix: long})
	f(engine.ErrTooLarge, engine.WatchOptions{Member: long})
	for prefix, want := range map[string]error{"\x00": engine.ErrKey, long: engine.ErrTooLarge} {
		if err := firstError(e.Shared().Watch(t.Context(), prefix)); !errors.Is(err, want) {
			t.Errorf("shared keys with %q: %v, want %v", prefix, err, want)
		}
	}
}

// TestSharedWatch: first what is there, then each change with what was told before.
func TestSharedWatch(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		a, b := c.Engines[0].Shared(), c.Engines[1].Shared()
		b.Set("x/1", []byte("1"))
		b.Set("y/1", []byte("1"))
		c.WaitConverged()
		ctx, cancel := context.WithCancel(t.Context())
		updates := make(chan engine.SharedUpdate, 10)
		go func() {
			defer close(updates)
			for u, err := range a.Watch(ctx, "x/") {
				if err != nil {
					return
				}
				updates <- u
			}
		}()
		next := func(key, value string, deleted bool) (u engine.SharedUpdate) {
			t.Helper()
			if u = <-updates; u.Key != key || string(u.Value) != value || u.Deleted != deleted {
				t.Fatalf("%+v, want %s %s", u, key, value)
			}
			return u
		}
		one := next("x/1", "1", false)
		a.Set("x/1", []byte("2"))
		if two := next("x/1", "2", false); two.Previous != one.Now {
			t.Errorf("%+v", two)
		}
		b.Set("y/1", []byte("2"))
		b.Set("x/2", []byte("1"))
		next("x/2", "1", false)
		b.Delete("x/1")
		next("x/1", "", true)
		b.Add("x/n", 2)
		next("x/n", "2", false)
		a.Add("x/n", 3)
		next("x/n", "5", false)
		c.WaitConverged()
		keys := ""
		for key, value := range b.Range("") {
			keys += key + "=" + string(value) + " "
		}
		if keys != "x/2=1 x/n=5 y/1=2 " {
			t.Error(keys)
		}
		cancel()
		for range updates {
			t.Error("more than what changed")
		}
	})
}
