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
	heap := func() int64 { // of what tests before this one left, much may go meanwhile
		var m runtime.MemStats
		for range 2 { // what a sync.Pool holds takes two
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
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

// TestThousandsOfMembersFit: 8,192 members with a few keys each take at most 40 MiB, and
// that many are the default; of what the default limits take, members are half at most.
func TestThousandsOfMembersFit(t *testing.T) {
	const members = 8192
	all := Limits{Origins: members, Keys: 2 * members, ValueBytes: 8 << 20}.Footprint()
	share := Limits{}.Footprint() - Limits{Origins: 2}.Footprint()
	t.Logf("%d MiB for all; %d of the default %d MiB are for members", all>>20, share>>20, Limits{}.Footprint()>>20)
	if got := (Config{}).withDefaults().Limits.Origins; all > 40<<20 || share > 24<<20 || got != members {
		t.Errorf("%d bytes, %d for members, who are %d", all, share, got)
	}
}
