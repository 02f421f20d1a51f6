package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestBroadcastsAreHeardOrTheLossIsTold: many goroutines broadcast in one turn of the loop. What
// was accepted is heard by every subscriber, here and there, or each is told that it missed some.
func TestBroadcastsAreHeardOrTheLossIsTold(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var mu sync.Mutex
		heard, told := map[string]int{}, map[string]bool{}
		for _, e := range c.Engines {
			seq := e.Subscribe(ctx, "t")
			go func() {
				for _, err := range seq {
					mu.Lock()
					switch {
					case err == nil:
						heard[e.Name()]++
					case errors.Is(err, engine.ErrOverflow):
						told[e.Name()] = true
					}
					mu.Unlock()
				}
			}()
		}
		accepted, refused := 0, 0
		var wg sync.WaitGroup
		for k := range 200 {
			wg.Go(func() {
				for {
					_, err := c.Engines[0].Broadcast("t", fmt.Append(nil, k))
					mu.Lock()
					switch {
					case err == nil:
						accepted++
					case errors.Is(err, engine.ErrBackpressure):
						refused++
					default:
						t.Error(err)
					}
					mu.Unlock()
					if !errors.Is(err, engine.ErrBackpressure) {
						return
					}
					pause(time.Millisecond)
				}
			})
		}
		wg.Wait()
		pause(5 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if accepted != 200 {
			t.Errorf("%d accepted, %d times refused", accepted, refused)
		}
		for _, e := range c.Engines {
			if heard[e.Name()] != accepted && !told[e.Name()] {
				t.Errorf("%s heard %d of %d, and was told of no loss", e.Name(), heard[e.Name()], accepted)
			}
		}
	})
}

// TestSubscriptionsLeakNothing: sequences that are broken off, with a context that lives on, and
// ones that are never walked.
func TestSubscriptionsLeakNothing(t *testing.T) {
	c := enginetest.NewCluster(t, 1, enginetest.Options{})
	e := c.Engines[0]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	heap := func() int {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	for k := range 2000 {
		seq := e.Subscribe(ctx, "t")
		if k%2 == 0 {
			continue // never walked
		}
		for {
			if _, err := e.Broadcast("t", nil); err == nil {
				break
			}
			runtime.Gosched()
		}
		for range seq {
			break
		}
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("2,000 subscriptions that ended hold %d bytes", grown)
	}
	e.Broadcast("t", nil)
	runtime.KeepAlive(ctx)
}

// TestLeaveWithEndedContext: the usual way to stop is to leave when a context has ended. The leave
// is announced, and writes are closed.
func TestLeaveWithEndedContext(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.Engines[2].Leave(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := c.Engines[2].Set("k", nil); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("Set after Leave: %v", err)
		}
		pause(time.Second)
		for m := range c.Engines[0].Members() {
			if m.Name == "node-2" && m.State != engine.StateLeft {
				t.Errorf("the others see %v", m.State)
			}
		}
	})
}

// TestLeaveEnds: one member that can't acknowledge holds up no Leave for longer than its doc says.
func TestLeaveEnds(t *testing.T) {
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		c.Detector.Grace, c.Detector.SoloGrace = 10*time.Minute, 10*time.Minute
		if i == 1 {
			c.Limits.ValueBytes = 16 << 10
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		setAll(t, 200, func(key string) error { _, err := c.Engines[2].Set(key, make([]byte, 700)); return err })
		pause(time.Second)
		began := time.Now()
		err := c.Engines[2].Leave(context.Background())
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("Leave took %v: %v", took, err)
		}
	})
}

// TestWatchOfWhatCantBe: a key that no member can have is told at once.
func TestWatchOfWhatCantBe(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		f := func(key string, want error) {
			t.Helper()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			for _, err := range c.Engines[0].Watch(ctx, key) {
				if !errors.Is(err, want) {
					t.Errorf("%q: %v, want %v", key, err, want)
				}
			}
		}
		f("", engine.ErrKey)
		f("\x00zone", engine.ErrKey)
		f(strings.Repeat("k", 1000), engine.ErrTooLarge)
	})
}

// TestPictureIsNoNews: Events begins with a picture of all members, and none of it comes again as
// an event.
func TestPictureIsNoNews(t *testing.T) {
	for range 20 {
		virtual(t, 6, enginetest.Options{Apart: true}, func(t *testing.T, c *enginetest.Cluster) {
			for i := 1; i < 6; i++ {
				go c.Engines[i].Join(context.Background(), c.Engines[0].Addr().String())
			}
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			seen := map[string]engine.MemberState{}
			for ev, err := range c.Engines[0].Events(ctx) {
				if err != nil {
					break
				}
				if _, was := seen[ev.Member.Name]; was && ev.Kind == engine.EventJoined {
					t.Errorf("%s joined again", ev.Member.Name)
				}
				seen[ev.Member.Name] = ev.Member.State
			}
			if len(seen) != 6 {
				t.Errorf("%d members", len(seen))
			}
		})
	}
}

// TestWaitVersionTellsOfLostWrites: a write that was accepted and could not be kept is told to
// those who wait for it and to those who ask later, also when later writes went through; the writes
// beside it are not.
func TestWaitVersionTellsOfLostWrites(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		wait := func(v engine.Version, want error) {
			t.Helper()
			if err := e.WaitVersion(ctx, v); !errors.Is(err, want) {
				t.Errorf("version %d: %v, want %v", v.Seq, err, want)
			}
		}
		set := func(key string) engine.Version {
			v, err := e.Set(key, []byte("1"))
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		before := set("before")
		wait(before, nil)
		e.Silence(true)
		var lost []engine.Version
		for k := range 1000 {
			lost = append(lost, set(fmt.Sprint("lost ", k)))
		}
		wait(lost[0], engine.ErrNameConflict)
		pause(time.Second)
		e.Silence(false)
		after := set("after")
		wait(after, nil)
		wait(before, nil)
		for _, v := range lost {
			wait(v, engine.ErrNameConflict)
		}
		for _, x := range c.Engines {
			if _, _, ok := x.Get("node-0", "lost 0"); ok {
				t.Errorf("%s holds what was refused", x.Name())
			}
		}
		if n := e.Stats().WritesRefused; n != 1000 {
			t.Errorf("%d writes were refused", n)
		}
	})
}
