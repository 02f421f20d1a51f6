package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
)

// TestTornBatchIsAllOrNothing: wherever the log on a disk ends, a restart has a batch whole or not
// at all.
func TestTornBatchIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	e := startWith(t, "a", dir, nil)
	keys := []string{"a", "b", "c", "d", "e"}
	var last engine.Version
	for i := range 6 {
		var b engine.Batch
		for k, key := range keys {
			b.Set(key, fmt.Append(make([]byte, 20*k), i))
		}
		v, err := e.Write(&b)
		if err != nil {
			t.Fatal(err)
		}
		last = v
		if err := e.WaitSynced(t.Context(), last); err != nil {
			t.Fatal(err)
		}
	}
	whole := copyDir(t, dir)
	e.Close()
	name, size := "", int64(0) // the file that grew last
	files, err := os.ReadDir(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if i, err := f.Info(); err == nil && i.Size() > size && i.Mode().IsRegular() {
			name, size = f.Name(), i.Size()
		}
	}
	seen := map[string]int{}
	var closing sync.WaitGroup
	defer closing.Wait()
	for end := size; end > max(0, size-900); end -= 149 {
		torn := copyDir(t, whole)
		if err := os.Truncate(filepath.Join(torn, name), end); err != nil {
			t.Fatal(err)
		}
		again := startWith(t, "a", torn, nil)
		v, err := again.View(t.Context(), "a", keys...)
		if err != nil || v.Len() != 0 && v.Len() != len(keys) {
			t.Fatalf("%d bytes of %d: %d keys, %v", end, size, v.Len(), err)
		}
		of := "nothing"
		for i, key := range keys {
			is, _, _ := v.Get(key)
			if s := string(is[min(len(is), 20*i):]); i == 0 {
				of = s
			} else if s != of {
				t.Fatalf("%d bytes of %d: %s is of batch %q, %s of %q", end, size, keys[0], of, key, s)
			}
		}
		seen[of]++
		closing.Go(func() { again.Close() }) // which takes its time
	}
	if len(seen) < 3 {
		t.Errorf("states after a restart: %v: the cuts do not reach a batch", seen)
	}
}

// TestLeasesAfterARestart: a lease is on disk with its keys, has what is left of it, and can be
// renewed; one that ended while the member was down shows nothing; and where the wall clock went
// back nobody knows how much has passed: it has ended.
func TestLeasesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	e := startWith(t, "a", dir, nil)
	long, err := e.Grant(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	short, err := e.Grant(40 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for _, err := range []error{second(long.Set("long", nil)), second(short.Set("short", nil)), second(e.SetTTL("ttl", nil, time.Hour)), second(e.Set("ever", nil))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	e.Close()
	kept := copyDir(t, dir)
	eventually(t, "the short one is over", func() bool { return time.Since(began) > 60*time.Millisecond })
	show := func(e *engine.Engine) (s string) {
		for _, key := range []string{"long", "short", "ttl", "ever"} {
			if _, _, ok := e.Get("a", key); ok {
				s += key + " "
			}
		}
		return s
	}
	again := startWith(t, "a", dir, nil)
	if s := show(again); s != "long ttl ever " {
		t.Errorf("after a restart it shows %s", s)
	}
	list := again.Leases()
	if len(list) != 1 || list[0].ID() != long.ID() || list[0].Left() > time.Hour-50*time.Millisecond {
		t.Fatalf("leases after a restart: %v", list)
	}
	if _, err := list[0].Renew(); err != nil || list[0].Left() < time.Hour-time.Second {
		t.Errorf("it can't be renewed: %v, left %v", err, list[0].Left())
	}
	if _, err := list[0].Set("more", nil); err != nil {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) { // whose wall clock is that of the year 2000
		back := startWith(t, "a", kept, func(c *engine.Config) { c.Transport = simnet.NewNetwork(1, simnet.Link{}).Poller() })
		if s := show(back); s != "ever " || len(back.Leases()) != 0 {
			t.Errorf("with a clock that went back it shows %s, leases %v", s, back.Leases())
		}
		if _, err := back.Grant(0); !errors.Is(err, engine.ErrTTL) {
			t.Error(err)
		}
		back.Close()
	})
}
