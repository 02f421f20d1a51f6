package engine

import (
	"context"
	"fmt"
	"runtime"
	"testing"
)

// TestDefaultEngineIsSmall: an engine with the default limits that holds next to
// nothing takes at most 4 MiB.
func TestDefaultEngineIsSmall(t *testing.T) {
	const engines = 8
	r := NewReactor(ReactorOptions{})
	defer r.Close()
	start := func(i int) {
		cfg := LAN()
		cfg.Name, cfg.Bind, cfg.Reactor, cfg.LeaveTimeout = fmt.Sprint("n", i), "127.0.0.1:0", r, -1
		e, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start(0)
	before := heap()
	for i := range engines {
		start(i + 1)
	}
	each := (heap() - before) / engines
	t.Logf("%d KiB", each>>10)
	if each > 4<<20 {
		t.Errorf("a default engine takes %d KiB", each>>10)
	}
}
