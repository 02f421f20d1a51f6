package engine

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// roomy notes for how many sockets there was room in a Wait.
type roomy struct {
	batch.Poller
	room atomic.Int64
}

func (r *roomy) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	r.room.Store(int64(len(ready)))
	return r.Poller.Wait(deadline, ready)
}

// However many engines share a reactor, a turn in which all of them send is followed by one in
// which all of them receive: else what a busy loop sends itself would pile up in its sockets.
func TestATurnHasRoomForAllSockets(t *testing.T) {
	const engines = 2*readyBatch + 2
	p, lock := Sockets(batch.Idle{})
	t.Cleanup(func() { p.Close() })
	wait := &roomy{Poller: p}
	r := NewReactor(ReactorOptions{Transport: wait, LockThread: lock})
	t.Cleanup(func() { r.Close() })
	for i := range engines {
		cfg := LAN()
		cfg.Name, cfg.Bind, cfg.Reactor, cfg.LeaveTimeout = fmt.Sprint("n", i), "127.0.0.1:0", r, -1
		e, err := Start(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
	}
	for end := time.Now().Add(10 * time.Second); wait.room.Load() < engines; { // the next Wait has it
		within(t, "a task", func() {
			done := make(chan struct{})
			r.do(func(sched.Instant) bool { close(done); return true })
			<-done
		})
		if time.Now().After(end) {
			t.Fatalf("room for %d of %d sockets", wait.room.Load(), engines)
		}
	}
}
