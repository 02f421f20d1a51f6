package engine_test

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// A key that has always had a value is never read as if it had none.
func TestNoReaderMeetsAGapBetweenLongAndShort(t *testing.T) {
	all := largeCluster(t, 2, nil)
	a, b := all[0], all[1]
	if _, err := a.Set("k", []byte("short")); err != nil {
		t.Fatal(err)
	}
	see(t, b, "m0", "k", []byte("short"))
	var stop atomic.Bool
	wrote := make(chan int, 1)
	go func() {
		n := 0
		for i := 0; !stop.Load(); i++ {
			err := a.SetReference("k", 5000+i, sha256.Sum256([]byte("nobody")))
			if err == nil {
				_, err = a.Set("k", fmt.Appendf(nil, "short %d", i))
			}
			if n++; err != nil {
				_ = a.WaitRoom(t.Context())
			}
		}
		wrote <- n
	}()
	reads, gaps := 0, 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); reads++ {
		if _, meta, ok := b.Get("m0", "k"); !ok {
			if gaps++; gaps == 1 {
				t.Logf("%+v", meta)
			}
		}
	}
	stop.Store(true)
	if n := <-wrote; gaps > 0 {
		t.Errorf("%d of %d reads found no value beside %d writes", gaps, reads, n)
	}
}

// A reader that stands still after its look at an entry finds what took its place meanwhile.
func TestWhoReadsLateSeesWhatIsThere(t *testing.T) {
	e := largeCluster(t, 1, nil)[0]
	applied := func() { e.GetLate("k", func() {}) } // by itself: of two writes at once the last one counts
	refer := func(n int) {
		defer applied()
		if err := e.SetReference("k", n, sha256.Sum256([]byte("nobody"))); err != nil {
			t.Fatal(err)
		}
	}
	set := func(value string) {
		defer applied()
		if _, err := e.Set("k", []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	clear := func() {
		defer applied()
		if _, err := e.Delete("k"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name      string
		meanwhile func()
		want      string // "": nothing
		newer     bool
	}{
		{"nothing", func() {}, "old", true},
		{"a short one", func() { set("new") }, "new", false},
		{"a short one, and another long one", func() { set("new"); refer(6000) }, "new", true},
		{"it was deleted", clear, "", false},
		{"it was deleted, and written again", func() { clear(); set("new") }, "new", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			clear()
			set("old")
			refer(5000)
			value, meta, ok := e.GetLate("k", c.meanwhile)
			if ok != (c.want != "") || string(value) != c.want || !meta.Newer.IsZero() != c.newer {
				t.Errorf("%q %v, newer %v; want %q, newer %v", value, ok, meta.Newer, c.want, c.newer)
			}
		})
	}
}
