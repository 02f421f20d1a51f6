package engine

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

// Engines that name no reactor are spread over as many as there are processors, and each of those
// ends with the last engine that runs on it.
func TestEnginesShareTheProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	process.mu.Lock()
	had := len(process.loops) // engines of other tests that end late
	process.mu.Unlock()
	const n = 8
	var engines []*Engine
	on := map[*Reactor]int{}
	for i := range n {
		cfg := LAN()
		cfg.Name, cfg.Bind, cfg.LeaveTimeout = fmt.Sprint("n", i), "127.0.0.1:0", -1
		e, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		engines = append(engines, e)
		on[e.reactor]++
	}
	if had == 0 && len(on) != 3 {
		t.Errorf("%d engines run on %d reactors", n, len(on))
	}
	for r := range on {
		for _, e := range engines {
			if e.reactor == r {
				e.Close()
			}
		}
		if had == 0 && !r.ended() {
			t.Error("a reactor without engines runs on")
		}
	}
}

// A loop that is busy is given fewer engines than one that is not.
func TestABusyLoopIsGivenFewer(t *testing.T) {
	busy, calm := &sharedReactor{Reactor: &Reactor{}, users: 1}, &sharedReactor{Reactor: &Reactor{}, users: fullLoad / 2}
	busy.busyShare.Store(90 * shareMemory)
	if busy.load() <= calm.load() {
		t.Errorf("loads %d and %d", busy.load(), calm.load())
	}
	if calm.users += fullLoad; busy.load() >= calm.load() {
		t.Errorf("loads %d and %d, and the other has many", busy.load(), calm.load())
	}
}
