package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestAttachKeepsTheValue: a key that is there lives by a lease from then on, with the value that
// it had, staged or published, whatever it lived by before; it ends with the lease everywhere. What
// is not there can't be attached.
func TestAttachKeepsTheValue(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		short, err := e.Grant(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		l, err := e.Grant(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			second(e.Set("plain", []byte("1"))), second(e.SetTTL("ttl", []byte("2"), time.Second)), second(short.Set("leased", []byte("3"))),
			second(e.SetTTL("ends", []byte("4"), time.Second)), second(short.Set("ends too", []byte("5"))), second(e.Set("gone", nil)), second(e.Delete("gone")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		keys := map[string]string{"plain": "1", "ttl": "2", "leased": "3", "staged": "6"}
		for key := range keys {
			if key == "staged" {
				set(t, e, key, "6")
			}
			if _, err := l.Attach(key); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
		}
		for _, key := range []string{"gone", "never", "", "\x00lease/\x01"} {
			if _, err := l.Attach(key); !errors.Is(err, engine.ErrNoKey) && !errors.Is(err, engine.ErrKey) {
				t.Errorf("%q: %v", key, err)
			}
		}
		pause(2 * time.Second)
		for _, key := range []string{"ends", "ends too"} {
			if _, err := l.Attach(key); !errors.Is(err, engine.ErrNoKey) {
				t.Errorf("%q, which has ended: %v", key, err)
			}
		}
		if _, err := short.Attach("plain"); !errors.Is(err, engine.ErrLease) {
			t.Errorf("to a lease that has ended: %v", err)
		}
		c.WaitConverged()
		for _, x := range c.Engines {
			for key, want := range keys {
				if v, m, ok := x.Get("node-0", key); !ok || string(v) != want || m.Lease != l.ID() {
					t.Errorf("%s: %s is %q, %+v, %v", x.Name(), key, v, m, ok)
				}
			}
		}
		c.Kill(0)
		pause(time.Minute)
		for _, x := range c.Engines[1:] {
			for key := range x.Range("node-0") {
				t.Errorf("%s shows %q after its lease", x.Name(), key)
			}
		}
	})
}

// TestAttachLosesNoWrite: whoever writes a key beside Attach, the newest value that was written is
// there at the end.
func TestAttachLosesNoWrite(t *testing.T) {
	e := startOne(t, "n", nil)
	l, err := e.Grant(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		set(t, e, "k", "0")
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 50 {
					l.Attach("k") // backpressure loses nothing
				}
			})
		}
		last := ""
		for i := range 50 {
			if _, err := e.Set("k", fmt.Append(nil, i)); err == nil {
				last = fmt.Sprint(i)
			}
		}
		wg.Wait()
		if v, _, ok := e.Get("n", "k"); !ok || string(v) != last {
			t.Fatalf("%q is there, %q was written last", v, last)
		}
	}
}

// TestBatchWithLeases: keys of a batch may live by leases; if one of those has ended, nothing is
// written. Nobody ever shows a part of one, and when the lease ends all of it goes.
func TestBatchWithLeases(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		l, err := e.Grant(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := c.Engines[1].Grant(time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var b engine.Batch
		keys := []string{"a", "b", "c", "d"}
		for i := range 40 {
			b.Reset()
			for _, k := range keys {
				b.SetLease(l, k, fmt.Append(nil, i))
			}
			b.Set("plain", fmt.Append(nil, i))
			if _, err := e.Write(&b); err != nil {
				t.Fatal(err)
			}
			pause(time.Duration(rng.IntN(50)) * time.Millisecond)
			if rng.IntN(3) == 0 {
				if _, err := l.Renew(); err != nil {
					t.Fatal(err)
				}
			}
			for _, x := range c.Engines {
				v, err := x.View(t.Context(), "node-0", append(keys, "plain")...)
				if err != nil || v.Len() != 5 && v.Len() != 0 {
					t.Fatalf("seed %d: %s shows %v of a batch, %v", seed, x.Name(), v, err)
				}
				was, _, _ := v.Get("plain")
				for _, k := range keys {
					if is, m, _ := v.Get(k); string(is) != string(was) || m.Lease != l.ID() && v.Len() > 0 {
						t.Fatalf("seed %d: %s shows %s=%q beside %q, %+v", seed, x.Name(), k, is, was, m)
					}
				}
			}
		}
		b.Reset()
		b.SetLease(l, "a", []byte("x"))
		b.SetLease(foreign, "other", nil)
		if _, err := e.Write(&b); !errors.Is(err, engine.ErrLease) {
			t.Errorf("with another member's lease: %v", err)
		}
		c.WaitConverged()
		if _, err := l.Revoke(); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		b.Set("plain", []byte("x"))
		b.SetLease(l, "a", []byte("x"))
		if _, err := e.Write(&b); !errors.Is(err, engine.ErrLease) {
			t.Errorf("with a lease that has ended: %v", err)
		}
		c.WaitConverged()
		for _, x := range c.Engines {
			shown := 0
			for range x.Range("node-0") {
				shown++
			}
			if v, _, _ := x.Get("node-0", "plain"); string(v) != "39" || shown != 1 {
				t.Errorf("%s: plain is %q, %d keys are shown", x.Name(), v, shown)
			}
		}
	})
}
