package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestAClosedEngineKeepsNothing: what an engine took is free once it is closed, however long
// somebody has the Engine, and what is asked of it then is answered as before: nothing is there,
// and writes give ErrClosed. Readers may be at work while it closes.
func TestAClosedEngineKeepsNothing(t *testing.T) {
	const engines, keys = 8, 2000
	r := NewReactor(ReactorOptions{})
	defer r.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start := func(i int) *Engine {
		cfg := LAN()
		cfg.Name, cfg.Bind, cfg.Reactor, cfg.LeaveTimeout = fmt.Sprint("n", i), "127.0.0.1:0", r, -1
		e, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for k := range keys {
			for {
				if _, err = e.Set(fmt.Sprint("k", k), make([]byte, 100)); err == nil {
					break
				}
				if err := e.WaitRoom(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		return e
	}
	start(0).Close() // what is made once
	before := heap()
	var closed [engines]*Engine
	for i := range closed {
		closed[i] = start(i + 1)
	}
	lived := (heap() - before) / engines
	for _, e := range closed {
		closeWhileRead(t, e)
	}
	kept := (max(heap(), before) - before) / engines
	t.Logf("%d KiB of each while it ran, %d after Close", lived>>10, kept>>10)
	if kept > 96<<10 {
		t.Errorf("a closed engine keeps %d KiB", kept>>10)
	}
	for i, e := range closed {
		if _, _, ok := e.Get(fmt.Sprint("n", i+1), "k1"); ok {
			t.Error("a key is there")
		}
		if _, err := e.Set("k", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		if err := e.WaitRoom(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		if s := e.Stats(); s.Keys < keys {
			t.Errorf("Stats after Close tell of %d keys", s.Keys)
		}
	}
}

// closeWhileRead closes an engine while others read all that there is to read, and write.
func closeWhileRead(t *testing.T, e *Engine) {
	t.Helper()
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint("k", i%2000)
				_, m, _ := e.Get(e.Name(), key)
				m.From()
				e.Set(key, nil)
				e.Shared().Set(key, []byte("v"))
				e.Shared().Get(key)
				for range e.Range(e.Name()) {
					break
				}
				e.Members()
				e.Sample()
			}
		})
	}
	time.AfterFunc(5*time.Millisecond, func() { e.Close() })
	<-e.done
	e.Close()
	close(stop)
	readers.Wait()
}
