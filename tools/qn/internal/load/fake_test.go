package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

var testBase = time.Now()

func testClock() int64 { return int64(time.Since(testBase)) }

var errTestFull = fmt.Errorf("stage full: %w", engine.ErrBackpressure)

// fakeCluster holds perfect replicas: one goroutine delivers each write to every node at once.
type fakeCluster struct {
	mu       sync.Mutex
	version  []uint64
	held     [][]map[string]fakeEntry // by node and owner
	news     chan fakeNews
	wg       sync.WaitGroup
	track    *tracker
	deaf     int // a node that receives nothing of owner 0; -1 = none
	refuse   int // one write in so many is refused; 0 = none
	n        int
	received uint64
}

type fakeEntry struct {
	value   string
	version uint64
}

type fakeNews struct {
	owner int
	key   string
	fakeEntry
}

func startFake(f *fakeCluster) starter {
	return func(_ context.Context, o *Options, track *tracker) (cluster, error) {
		f.track, f.version = track, make([]uint64, o.Nodes)
		f.held = make([][]map[string]fakeEntry, o.Nodes)
		for i := range f.held {
			f.held[i] = make([]map[string]fakeEntry, o.Nodes)
			for k := range f.held[i] {
				f.held[i][k] = map[string]fakeEntry{}
			}
		}
		f.news = make(chan fakeNews, 1<<16)
		f.wg.Go(f.deliver)
		return f, nil
	}
}

func (f *fakeCluster) deliver() {
	for n := range f.news {
		f.mu.Lock()
		for node := range f.held {
			if node == f.deaf && n.owner == 0 && n.version > 1 {
				continue
			}
			f.held[node][n.owner][n.key] = n.fakeEntry
			f.received++
			f.track.advanced(node, uint32(n.owner+1), uint64(n.owner+1), n.version, testClock())
		}
		f.mu.Unlock()
	}
}

func (f *fakeCluster) set(node int, key string, value []byte) (uint64, error) {
	if f.n++; f.refuse > 0 && f.n%f.refuse == 0 {
		return 0, errTestFull
	}
	f.version[node]++
	f.news <- fakeNews{node, key, fakeEntry{string(value), f.version[node]}}
	return f.version[node], nil
}

func (f *fakeCluster) ids() (ids []uint64) {
	for i := range f.held {
		ids = append(ids, uint64(i+1))
	}
	return ids
}

func (f *fakeCluster) formed(context.Context) error { return nil }

func (f *fakeCluster) totals(t *Totals) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.EntriesReceived, t.EntriesNew, t.FramesSent, t.BytesSent = f.received, f.received, f.received, f.received*100
	t.Drops = map[string]uint64{"checksum": 0}
}

func (f *fakeCluster) origin(node, owner int, visit func(string, []byte, uint64)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, e := range f.held[node][owner] {
		visit(key, []byte(e.value), e.version)
	}
}

func (f *fakeCluster) frameBytes() int      { return 1400 }
func (f *fakeCluster) receiveBuffer() int64 { return 4 << 20 }

func (f *fakeCluster) close() error {
	close(f.news)
	f.wg.Wait()
	return nil
}
