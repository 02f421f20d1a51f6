package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// A key that is short and long in turns is read whole, in the order of its versions, and never as if it
// were not there, by whatever way: Get, Range, View, Watch and Changes; all end with the last value.
func TestShortAndLongInTurns(t *testing.T) {
	all := largeCluster(t, 2, nil)
	a, b := all[0], all[1]
	numbered := func(n uint64) []byte { // what number it is tells how long it is
		size := []int{16, 5000, 300, 70_000, 700, 800}[n%6]
		v := value(size, byte(n))
		binary.BigEndian.PutUint64(v, n)
		return v
	}
	number := func(how string, v []byte) uint64 {
		if len(v) < 8 {
			t.Errorf("%s: %d bytes", how, len(v))
			return 0
		}
		n := binary.BigEndian.Uint64(v)
		if !bytes.Equal(v, numbered(n)) {
			t.Errorf("%s: value %d is not whole: %d bytes", how, n, len(v))
		}
		return n
	}
	insist(t, a, func() (engine.Version, error) { return a.Set("k", numbered(0)) })
	insist(t, a, func() (engine.Version, error) { return a.Set("small", []byte("s")) })
	see(t, b, "m0", "k", numbered(0))
	see(t, b, "m0", "small", []byte("s"))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const last = 1500
	var wg sync.WaitGroup
	done := make(chan struct{})
	updates := func(how string, e *engine.Engine, seq func(yield func(engine.Update, error) bool)) {
		wg.Go(func() {
			at := uint64(0)
			for u, err := range seq {
				if err != nil {
					t.Errorf("%s at %s: %v after %d; %+v", how, e.Name(), err, at, e.Large())
					return
				}
				if u.Member != "m0" || u.Key != "k" {
					continue
				}
				if u.Deleted {
					t.Errorf("%s at %s: it is told as deleted after %d", how, e.Name(), at)
					continue
				}
				n := number(how, u.Value)
				if n < at {
					t.Errorf("%s at %s: %d after %d", how, e.Name(), n, at)
				}
				if at = n; n == last {
					return
				}
			}
		})
	}
	reads := func(how string, e *engine.Engine, read func() ([]byte, engine.Meta, bool)) {
		wg.Go(func() {
			at, version := uint64(0), engine.Version{}
			for ctx.Err() == nil {
				select {
				case <-done:
					return
				default:
				}
				v, meta, ok := read()
				if !ok {
					t.Errorf("%s at %s: nothing after %d; %+v", how, e.Name(), at, meta)
					return
				}
				n := number(how, v)
				if n < at || meta.Version.Compare(version) < 0 {
					t.Errorf("%s at %s: %d of %v after %d of %v", how, e.Name(), n, meta.Version, at, version)
				}
				at, version = n, meta.Version
				runtime.Gosched()
			}
		})
	}
	for _, e := range all {
		updates("Watch", e, e.Watch(ctx, "k"))
		updates("Changes", e, e.Changes(ctx))
		reads("Get", e, func() ([]byte, engine.Meta, bool) { return e.Get("m0", "k") })
		reads("Range", e, func() (v []byte, m engine.Meta, ok bool) {
			for key, x := range e.Range("m0") {
				if string(key) == "k" {
					return bytes.Clone(x.Value), x.Meta, true
				}
			}
			return nil, m, false
		})
	}
	wg.Go(func() {
		at := uint64(0)
		for ctx.Err() == nil {
			select {
			case <-done:
				return
			default:
			}
			w, err := b.View(ctx, "m0", "k", "small")
			if err != nil {
				continue
			}
			v, meta, ok := w.Get("k")
			if !ok {
				t.Errorf("View: nothing after %d; %+v", at, meta)
				return
			}
			n := number("View", v)
			if n < at {
				t.Errorf("View: %d after %d", n, at)
			}
			at = n
		}
	})
	for n := uint64(1); n <= last; n++ {
		insist(t, a, func() (engine.Version, error) { return a.Set("k", numbered(n)) })
		if n%10 == 0 {
			see(t, b, "m0", "k", numbered(n))
		}
	}
	for _, e := range all {
		see(t, e, "m0", "k", numbered(last))
	}
	close(done)
	wg.Wait()
}
