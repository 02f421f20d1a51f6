package engine

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// The mark comes before the signal.
func TestWatchMarksBeforeItSignals(t *testing.T) {
	w := &watcher{key: "k", signal: make(chan struct{}, 1), dirty: map[string]struct{}{}}
	w.mu.Lock()
	go w.mark("a")
	for range 10000 {
		runtime.Gosched()
		if len(w.signal) > 0 {
			t.Error("signalled before the name was marked")
			break
		}
	}
	w.mu.Unlock()
}

// Whatever the length of an advance, a watched key anywhere in it marks.
func TestWatchScansAllOfAnAdvance(t *testing.T) {
	for _, n := range []int{1, 2, scanMax - 1, scanMax, scanMax + 1, 3 * scanMax} {
		for _, at := range []int{1, 2, n / 2, n - 1, n} {
			if at < 1 || at > n {
				continue
			}
			var s state.Store
			s.Init(state.Limits{Origins: 4, Keys: 1 << 16, ValueBytes: 16 << 20}, 1)
			o, _ := s.Add(1, 1, []byte("a"))
			for v := 1; v <= n; v++ {
				key := fmt.Sprint("other", v)
				if v == at {
					key = "k"
				}
				s.Apply(o, &codec.Entry{Version: uint64(v), Key: []byte(key)})
			}
			s.Advance(o, uint64(n), 0)
			var l watchList
			w := &watcher{key: "k", signal: make(chan struct{}, 1), dirty: map[string]struct{}{}}
			l.add(w, 1)
			l.advanced(&s, o, "a", 0, uint64(n))
			if len(w.dirty) != 1 {
				t.Errorf("advance of %d versions, the watched key at %d: not marked", n, at)
			}
		}
	}
}

// A key whose newer write waits anywhere in the stage does not end.
func TestExpiryAsksBothBuffers(t *testing.T) {
	var s stage
	s.init(1<<16, Version{Gen: 1})
	s.grant(plenty)
	s.write(opSet, 0, "k", []byte("newer"))
	s.begin() // it is in the buffer that is being drained, and not applied yet
	before := s.last()
	if err := s.expire("k", 0); err != nil || s.last() != before {
		t.Errorf("the end of an older entry was staged behind a newer write: %v, %v -> %v", err, before, s.last())
	}
}
