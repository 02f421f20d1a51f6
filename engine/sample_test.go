package engine

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// A Sample has what Stats have, without a turn of the loop, and costs the loop no allocation.
func TestSampleIsStatsWithoutATurn(t *testing.T) {
	e, err := Start(context.Background(), Config{Name: "a", Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	v, err := e.Set("k", []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.WaitVersion(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for s := e.Sample(); s.Writes != 1 || s.Keys != 1 || s.Members != 1 || s.ByState[StateAlive] != 1; s = e.Sample() {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", s)
		}
	}
	var tally tally
	done := make(chan float64, 1)
	e.ask(func(now sched.Instant) {
		done <- testing.AllocsPerRun(100, func() { e.count(&tally); e.sampled.at = 0; e.sample(now) })
	})
	if n := <-done; n != 0 {
		t.Errorf("%v allocations on the loop", n)
	}
	e.Close()
	if a, b := e.Sample(), e.Stats(); !reflect.DeepEqual(a, b) {
		t.Errorf("after Close %+v, %+v", a, b)
	}
}
