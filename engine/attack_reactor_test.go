package engine

import (
	"context"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// within fails the test if f does not return soon.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

// TestTasksBehindTheLastAreAnswered: who asks the loop in the moment in which its
// reactor is closed gets an answer, and an engine that starts in it is closed.
func TestTasksBehindTheLastAreAnswered(t *testing.T) {
	r := NewReactor(ReactorOptions{})
	c := Local()
	c.Name, c.Reactor, c.LeaveTimeout = "one", r, -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	entered, gate := make(chan struct{}), make(chan struct{})
	r.do(func(sched.Instant) bool { close(entered); <-gate; return true })
	<-entered // the loop is busy: what comes now is handed in together
	r.do(func(sched.Instant) bool { return false })
	asked := make(chan bool, 1)
	go func() { asked <- e.ask(func(sched.Instant) {}) }()
	started := make(chan *Engine, 1)
	go func() {
		c.Name = "two"
		late, err := Start(context.Background(), c)
		if err != nil {
			late = nil
		}
		started <- late
	}()
	for handed := 0; handed < 3; { // close, ask, add
		r.mu.Lock()
		handed = len(r.tasks)
		r.mu.Unlock()
	}
	close(gate)
	within(t, "asking", func() { <-asked })
	within(t, "starting", func() {
		if late := <-started; late != nil {
			late.Close()
		}
	})
	within(t, "closing", func() { e.Close(); r.Close() })
}
