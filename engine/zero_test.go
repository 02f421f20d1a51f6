package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// TestZeroEngineIsClosed: an Engine that Start did not make is one that was closed.
func TestZeroEngineIsClosed(t *testing.T) {
	var e engine.Engine
	closedCalls(t, &e)
	if e.Stats().Members != 0 || e.Sample().Members != 0 {
		t.Error("it counts itself")
	}
}

// TestClosedEngineSaysSo: every call that can fail gives ErrClosed after Close, those too that
// would have had nothing to do.
func TestClosedEngineSaysSo(t *testing.T) {
	e := startOne(t, "a", nil)
	e.Close()
	closedCalls(t, e)
	if err := e.SetTags(nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("SetTags that change nothing: %v", err)
	}
	if _, err := e.Ping(t.Context(), "a"); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Ping of itself: %v", err)
	}
}

func closedCalls(t *testing.T, e *engine.Engine) {
	t.Helper()
	var b engine.Batch
	v := engine.Version{Gen: 1, Seq: 1}
	b.Set("k", nil)
	ctx := t.Context()
	calls := map[string]func() error{
		"Set":            func() error { return second(e.Set("k", nil)) },
		"SetTTL":         func() error { return second(e.SetTTL("k", nil, time.Second)) },
		"Delete":         func() error { return second(e.Delete("k")) },
		"Write":          func() error { return second(e.Write(&b)) },
		"Grant":          func() error { return second(e.Grant(time.Second)) },
		"Broadcast":      func() error { return second(e.Broadcast("topic", nil)) },
		"Join":           func() error { return second(e.Join(ctx, "127.0.0.1:1")) },
		"Leave":          func() error { return e.Leave(ctx) },
		"WaitConverged":  func() error { return e.WaitConverged(ctx) },
		"Repair":         func() error { return second(e.Repair(ctx)) },
		"Ping":           func() error { return second(e.Ping(ctx, "a")) },
		"View":           func() error { return second(e.View(ctx, "a", "k")) },
		"Behind":         func() error { return second(e.Behind("a")) },
		"Forget":         func() error { return e.Forget("a") },
		"SetLimits":      func() error { return e.SetLimits(engine.Limits{}) },
		"SetTags":        func() error { return e.SetTags(map[string]string{"a": "b"}) },
		"Explain":        func() error { return second(e.Explain("a")) },
		"Shared().Set":   func() error { return second(e.Shared().Set("k", nil)) },
		"Watch":          func() error { return firstError(e.Watch(ctx, "k")) },
		"Events":         func() error { return firstError(e.Events(ctx)) },
		"Subscribe":      func() error { return firstError(e.Subscribe(ctx, "topic")) },
		"Changes":        func() error { return firstError(e.Changes(ctx)) },
		"Acked":          func() error { return second(e.Acked(v)) },
		"Confirmed":      func() error { _, _, err := e.Confirmed(v); return err },
		"WaitVersion":    func() error { return e.WaitVersion(ctx, v) },
		"WaitSynced":     func() error { return e.WaitSynced(ctx, v) },
		"Signed":         func() error { return second(e.Signed("a")) },
		"Shared().Watch": func() error { return firstError(e.Shared().Watch(ctx, "")) },
		"Shared().Lost":  func() error { return firstError(e.Shared().Lost(ctx)) },
		"Get, and so on": func() error { return findsNothing(e) },
	}
	for name, call := range calls {
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%s: panic: %v", name, r)
				}
			}()
			if err := call(); !errors.Is(err, engine.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// firstError is the first one that a sequence yields.
func firstError[T any](seq func(func(T, error) bool)) (first error) {
	for _, err := range seq {
		if first = err; err != nil {
			break
		}
	}
	return first
}

// findsNothing is ErrClosed where reads find nothing.
func findsNothing(e *engine.Engine) error {
	if _, _, ok := e.Get("", "k"); ok {
		return fmt.Errorf("Get finds something")
	}
	if _, _, ok := e.Shared().Get("k"); ok {
		return fmt.Errorf("Shared().Get finds something")
	}
	for range e.Range("") {
		return fmt.Errorf("Range yields something")
	}
	for range e.Members() {
		return fmt.Errorf("Members yields something")
	}
	if n := len(e.Leases()) + len(e.Progress()) + len(e.Secrets()) + len(e.Rejects()) + e.NumMembers(); n > 0 {
		return fmt.Errorf("%d of something", n)
	}
	if e.ID() != 0 {
		return fmt.Errorf("it has an identifier")
	}
	return engine.ErrClosed
}
