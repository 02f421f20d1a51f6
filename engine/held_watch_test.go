package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestHeldWritesAreTold: writes that wait for the rate of this member, and are written again while
// they do, are told to its own watchers in their newest form, whenever those begin; to who goes on
// where an earlier watch ended; and to who follows its changes. The others have that form, under a
// version that is not above the one that Set gave, once WaitVersion has told so.
func TestHeldWritesAreTold(t *testing.T) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.ReceiveRate = 100_000 }}
	virtual(t, 4, o, func(t *testing.T, c *enginetest.Cluster) {
		pause(2 * time.Second)
		e := c.Engines[0]
		me := e.Name()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var mu sync.Mutex
		told := map[string]map[string]string{} // by watcher and key: the last value
		note := func(into map[string]string, u *engine.Update) {
			mu.Lock()
			defer mu.Unlock()
			into[u.Key] = string(u.Value)
		}
		var ended []func()
		watch := func(name string, of engine.WatchOptions) {
			into := map[string]string{}
			told[name] = into
			ctx, stop := context.WithCancel(ctx)
			ended = append(ended, stop)
			of.Member = me
			go e.WatchFunc(ctx, of, func(u engine.Update) { note(into, &u) })
		}
		follow := func(name string) {
			into := map[string]string{}
			told[name] = into
			go func() {
				var last engine.Version
				for u, err := range e.Changes(ctx) {
					if err != nil || u.Member != me {
						continue
					}
					if u.Meta.Version.Compare(last) <= 0 {
						t.Errorf("changes tell %v after %v", u.Meta.Version, last)
					}
					last = u.Meta.Version
					note(into, &u)
				}
			}()
		}
		wrote, gave := map[string]string{}, map[string]engine.Version{}
		write := func(n int) {
			key, value := fmt.Sprint("k", n%50), fmt.Sprintf("%0200d", n)
			v, err := e.Set(key, []byte(value))
			if err != nil {
				t.Fatal(err)
			}
			wrote[key], gave[key] = value, v
		}
		var high engine.Version
		resumed := map[string]string{}
		for n := range 4000 {
			write(n)
			pause(500 * time.Microsecond)
			switch n {
			case 0:
				watch("the first", engine.WatchOptions{})
				follow("changes")
			case 1000, 2000, 3000, 3900:
				watch(fmt.Sprint("from write ", n), engine.WatchOptions{})
				watch(fmt.Sprint("of one key from write ", n), engine.WatchOptions{Key: "k7"})
				follow(fmt.Sprint("changes from write ", n))
			case 3940: // it reads all, what is held too, and ends
				ctx, stop := context.WithTimeout(ctx, time.Millisecond)
				e.WatchFunc(ctx, engine.WatchOptions{Member: me}, func(u engine.Update) {
					note(resumed, &u)
					if high.Compare(u.Meta.Version) < 0 {
						high = u.Meta.Version
					}
				})
				stop()
			}
		}
		n := 4000
		for ; e.Stats().Flow.Unpublished < 40; n++ {
			write(n)
			if pause(200 * time.Microsecond); n == 40_000 {
				t.Fatal("little is held")
			}
		}
		for range 50 {
			write(n)
			n++
		}
		told["resumed"] = resumed
		go e.WatchFunc(ctx, engine.WatchOptions{Member: me, Since: map[string]engine.Version{me: high}}, func(u engine.Update) { note(resumed, &u) })
		lower := 0
		for key, v := range gave {
			if err := e.WaitVersion(ctx, v); err != nil {
				t.Fatal(err)
			}
			for i, other := range c.Engines {
				value, meta, _ := other.Get(me, key)
				if string(value) != wrote[key] || meta.Version.Compare(v) > 0 {
					t.Errorf("node %d has %.20q… of %s at %v, Set gave %v", i, value, key, meta.Version, v)
				}
				if meta.Version.Compare(v) < 0 {
					lower++
				}
			}
		}
		pause(100 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		for name, last := range told {
			for key, value := range wrote {
				if is, ok := last[key]; is != value && (ok || len(last) > 1) {
					t.Errorf("watcher %s: %s is told as …%.20q last, …%q was written", name, key, is[max(0, len(is)-5):], value[195:])
				}
			}
		}
		if lower == 0 {
			t.Error("no write kept the place of an earlier one")
		}
		for _, stop := range ended {
			stop()
		}
	})
}
