package engine_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// TestSubscribeTwiceFromOneSequence: a sequence that is walked again hears
// again, and takes nothing away from others.
func TestSubscribeTwiceFromOneSequence(t *testing.T) {
	e := startOne(t, "one", nil)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	seq, other := e.Subscribe(ctx, "topic"), e.Subscribe(ctx, "topic")
	go func() {
		for ctx.Err() == nil {
			e.Broadcast("topic", nil)
		}
	}()
	for _, s := range []iter.Seq2[engine.Broadcast, error]{seq, seq, seq, other, seq} {
		for b, err := range s {
			if err != nil && err != engine.ErrOverflow {
				t.Fatal("heard nothing:", err)
			}
			if b.Topic == "topic" {
				break
			}
		}
	}
}

// TestEndedContexts: calls that take a context say that it had ended; a leave is announced all the
// same.
func TestEndedContexts(t *testing.T) {
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	c := engine.Local()
	c.Name = "ended"
	if e, err := engine.Start(ended, c); !errors.Is(err, context.Canceled) {
		t.Errorf("Start: %v", err)
		e.Close()
	}
	e := startOne(t, "one", nil)
	if n, err := e.Join(ended, "127.0.0.1:9"); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Join: %d, %v", n, err)
	}
	v, _ := e.Set("k", nil)
	if err := e.WaitVersion(ended, v); err != context.Canceled {
		t.Errorf("WaitVersion: %v", err)
	}
	if err := e.WaitConverged(ended); err != context.Canceled {
		t.Errorf("WaitConverged: %v", err)
	}
	if err := e.Leave(ended); err != nil && err != context.Canceled { // nobody is there who has to know
		t.Errorf("Leave: %v", err)
	}
	if _, err := e.Set("k", nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Set after Leave: %v", err)
	}
	for _, err := range e.Watch(ended, "absent") {
		if err != context.Canceled {
			t.Errorf("Watch: %v", err)
		}
	}
	for _, err := range e.Subscribe(ended, "absent") {
		if err != context.Canceled {
			t.Errorf("Subscribe: %v", err)
		}
	}
}
