package state

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A walk finds each key that is there all the time, however often it is overwritten meanwhile, one by
// one or by runs of many.
func TestWalksMissNoKeyThatIsOverwritten(t *testing.T) {
	const keys, rounds = 3, 20_000
	s := new(Store)
	s.Init(LimitsDefault(), 1)
	o, _ := s.Add(1, 1, []byte("a"))
	version := uint64(0)
	write := func(key int) {
		version++
		if st := s.Apply(o, &codec.Entry{Version: version, Key: fmt.Appendf(nil, "k%d", key), Value: []byte("v")}); st != OK {
			t.Fatal(st)
		}
	}
	for k := range keys {
		write(k)
	}
	s.Advance(o, version, 0)
	var stop atomic.Bool
	missed := make(chan string, 1)
	go func() {
		defer close(missed)
		for walks := 0; !stop.Load(); walks++ {
			seen := map[string]bool{}
			s.Range([]byte("a"), func(key, _ []byte, _ Meta) bool {
				seen[string(key)] = true
				return true
			})
			if len(seen) != keys {
				missed <- fmt.Sprintf("walk %d found %d of %d keys", walks, len(seen), keys)
				return
			}
		}
	}()
	for n := range rounds {
		for k := range 1 + n%40 {
			write(k % keys)
			if n%100 == 0 {
				runtime.Gosched()
			}
		}
		s.Advance(o, version, 0)
	}
	stop.Store(true)
	for text := range missed {
		t.Error(text)
	}
}
