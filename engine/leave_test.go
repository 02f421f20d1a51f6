package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// TestALeaveIsTheLastWrite: what was accepted before a Leave and waits for memory is told before the leave,
// and is not refused.
func TestALeaveIsTheLastWrite(t *testing.T) {
	a, err := Start(context.Background(), Config{Name: "a", Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Start(context.Background(), Config{Name: "b", Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err = b.Join(t.Context(), a.Addr().String()); err != nil {
		t.Fatal(err)
	}
	const writes = 100
	a.ask(func(now sched.Instant) { a.retryAt = now + 300*sched.Millisecond })
	for i := range writes {
		if _, err := a.Set(fmt.Sprint("k", i), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := a.Stats().WritesRefused; n != 0 {
		t.Errorf("%d writes were refused after they were accepted", n)
	}
	for i := range writes {
		if _, _, ok := b.AppendGet(nil, "a", fmt.Sprint("k", i)); !ok {
			t.Fatalf("k%d is not there, and the leave is", i)
		}
	}
}

// TestALeaveDoesNotWaitForEver: where nothing staged can be applied the leave is told when its context ends.
func TestALeaveDoesNotWaitForEver(t *testing.T) {
	e, err := Start(context.Background(), Config{Name: "a", Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.ask(func(now sched.Instant) { e.retryAt = now + sched.Instant(time.Hour) })
	if _, err := e.Set("k", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Leave(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	left := false
	e.ask(func(sched.Instant) { left = e.leftAt != 0 })
	if !left {
		t.Error("it never said that it leaves")
	}
}
