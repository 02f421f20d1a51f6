package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// TestDeletedKeysMakeRoom: keys of ever new names that end, by their time to live or by a delete,
// at a constant rate. Nobody is ever full, and in the end everybody is equal and holds next to
// nothing.
func TestDeletedKeysMakeRoom(t *testing.T) {
	for _, how := range []string{"time to live", "delete"} {
		t.Run(how, func(t *testing.T) {
			o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Keys = 1000 }}
			virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
				for k := range 3000 {
					for i, e := range c.Engines {
						key, err := fmt.Sprint("session/", k), error(nil)
						if how == "delete" {
							_, err = e.Set(key, []byte("x"))
							e.Delete(fmt.Sprint("session/", k-5))
						} else {
							_, err = e.SetTTL(key, []byte("x"), 500*time.Millisecond)
						}
						if err != nil {
							t.Fatalf("key %d of node %d: %v", k, i, err)
						}
					}
					pause(100 * time.Millisecond)
				}
				pause(5 * time.Second)
				for i, e := range c.Engines {
					if s := e.Stats(); s.Keys > 20 || s.Fingerprint != c.Engines[0].Stats().Fingerprint || s.ValueBytes > 20000 {
						t.Errorf("node %d: %d keys, %d bytes, fingerprint %x", i, s.Keys, s.ValueBytes, s.Fingerprint)
					}
				}
			})
		})
	}
}

// TestBurstOfDeletesMakesRoom: as many pairs of Set and Delete as the loop takes, of one member
// alone.
func TestBurstOfDeletesMakesRoom(t *testing.T) {
	o := enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Keys = 1000 }}
	virtual(t, 1, o, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		for k := range 20000 {
			for {
				_, err := e.Set(fmt.Sprint(k), []byte("v"))
				if err == nil {
					_, err = e.Delete(fmt.Sprint(k))
				}
				if err == nil {
					break
				}
				if !errors.Is(err, engine.ErrBackpressure) {
					t.Fatalf("pair %d: %v", k, err)
				}
				pause(time.Millisecond)
			}
		}
	})
}

// TestWaitsCountWhomTheyKnow: right after Join, WaitVersion and WaitConverged wait for members that
// are known and have not answered yet, over links of 20 ms.
func TestWaitsCountWhomTheyKnow(t *testing.T) {
	for _, which := range []string{"WaitVersion", "WaitConverged"} {
		t.Run(which, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 20 * sched.Millisecond, Max: 25 * sched.Millisecond}})
				c := enginetest.NewCluster(t, 9, enginetest.Options{Transport: net.Poller(), Apart: true})
				for i := 1; i < 8; i++ {
					c.Join(i, 0)
				}
				pause(5 * time.Second)
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				e := c.Engines[8]
				if _, err := e.Join(ctx, c.Engines[0].Addr().String()); err != nil {
					t.Fatal(err)
				}
				v, err := e.Set("k", []byte("1"))
				if err != nil {
					t.Fatal(err)
				}
				for range 50 {
					if which == "WaitVersion" {
						err = e.WaitVersion(ctx, v)
					} else {
						err = e.WaitConverged(ctx)
					}
					if err != nil {
						t.Fatal(err)
					}
					alive := map[string]bool{}
					for m := range e.Members() {
						alive[m.Name] = m.State == engine.StateAlive
					}
					for _, x := range c.Engines[:8] {
						if _, _, ok := x.Get("node-8", "k"); !ok && alive[x.Name()] {
							t.Fatalf("%s returned nil, and %s, which is alive by Members, lacks the write", which, x.Name())
						}
					}
					pause(5 * time.Millisecond)
				}
			})
		})
	}
}
