package linux

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// TestPollerGoesByBootTime: a Poller's clock is CLOCK_BOOTTIME but for its origin.
func TestPollerGoesByBootTime(t *testing.T) {
	p, err := New(batch.PollerOptions{})
	if err != nil {
		t.Skip(err)
	}
	defer p.Close()
	least, most := int64(1<<62), int64(-1<<62)
	for range 1000 {
		before := int64(p.Now())
		boot, ok := Boot()
		after := int64(p.Now())
		if !ok {
			t.Skip("this kernel has no CLOCK_BOOTTIME")
		}
		least, most = min(least, boot-before), max(most, boot-after)
	}
	if apart := time.Duration(most - least); apart > time.Millisecond {
		t.Errorf("they go apart by %v", apart)
	}
}
