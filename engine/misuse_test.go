package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// TestLeasesThatNobodyGranted: a lease that Grant did not make has ended, and a first write that
// SetOnce did not make names none; nothing panics.
func TestLeasesThatNobodyGranted(t *testing.T) {
	e := startOne(t, "a", nil)
	var zero engine.Lease
	var without, foreign engine.Batch
	without.SetLease(nil, "k", nil)
	foreign.SetLease(&zero, "k", nil)
	for name, call := range map[string]func() error{
		"Set":              func() error { return second(zero.Set("k", nil)) },
		"Attach":           func() error { return second(zero.Attach("k")) },
		"Renew":            func() error { return second(zero.Renew()) },
		"Revoke":           func() error { return second(zero.Revoke()) },
		"a batch without":  func() error { return second(e.Write(&without)) },
		"a batch with one": func() error { return second(e.Write(&foreign)) },
	} {
		if err := call(); !errors.Is(err, engine.ErrLease) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := zero.Left(); left != 0 {
		t.Errorf("%v is left", left)
	}
	var p engine.Provisional
	if err := p.Confirm(t.Context()); !errors.Is(err, engine.ErrVersion) {
		t.Error(err)
	}
	if _, _, ok := e.Get("a", "k"); ok {
		t.Error("something was written")
	}
	without.Reset()
	l, err := e.Grant(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	without.SetLease(l, "k", nil)
	if _, err := e.Write(&without); err != nil {
		t.Error("a batch that was reset:", err)
	}
}

// TestAClosedReactorIsNamed: what serves no engines is to blame, and not the address.
func TestAClosedReactorIsNamed(t *testing.T) {
	r := engine.NewReactor(engine.ReactorOptions{})
	r.Close()
	c := engine.Local()
	c.Name, c.Reactor = "a", r
	e, err := engine.Start(t.Context(), c)
	if err == nil {
		e.Close()
	}
	var bad *engine.ConfigError
	if !errors.As(err, &bad) || bad.Field != "Reactor" {
		t.Error(err)
	}
}
