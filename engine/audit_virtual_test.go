package engine_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestAuditMendsTowardsTheOwner: an entry whose bytes changed in a replica's memory, unseen by any
// comparison of versions, is what its owner holds again, and somebody is told.
func TestAuditMendsTowardsTheOwner(t *testing.T) {
	var log bytes.Buffer
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		for i := range 2000 {
			set(t, c.Engines[0], fmt.Sprint("k", i), fmt.Sprint("value ", i))
		}
		if _, err := c.Engines[0].Shared().Set("k", []byte("shared")); err != nil {
			t.Fatal(err)
		}
		c.WaitConverged()
		e := c.Engines[1]
		e.Harm("node-0", "k7")
		e.Harm("node-0", "k1234")
		if v, _, _ := e.Get("node-0", "k7"); string(v) == "value 7" {
			t.Fatal("nothing was harmed")
		}
		if c.Engines[0].Stats().Fingerprint != e.Stats().Fingerprint {
			t.Error("a comparison of versions sees the harm: the test shows nothing")
		}
		pause(30 * time.Second)
		for _, i := range []int{7, 1234} {
			if v, _, _ := e.Get("node-0", fmt.Sprint("k", i)); string(v) != fmt.Sprint("value ", i) {
				t.Errorf("k%d is %q", i, v)
			}
		}
		if a := e.Stats().Audit; a.Damaged != 2 || a.Missing+a.Removed+a.Foreign != 0 || a.Passes == 0 {
			t.Errorf("%+v", a)
		}
		if a := c.Engines[2].Stats().Audit; a.Damaged+a.Missing+a.Removed+a.Foreign != 0 || a.Entries < 2000 {
			t.Errorf("who is sound: %+v", a)
		}
	})
	if n := strings.Count(log.String(), "not what "); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
