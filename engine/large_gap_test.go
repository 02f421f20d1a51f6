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
