package content

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestPlacesAreGivenAgain: a content that nothing needs goes, cannot be found any more, and leaves
// its place and that of its sum to others, however many come and go.
func TestPlacesAreGivenAgain(t *testing.T) {
	var x Table
	released := 0
	x.Init(Limits{Bytes: 1 << 10, Each: 100, Keep: keep}, 7, func([]byte) { released++ })
	now := sched.Instant(0)
	for i := range 1000 {
		s := Sum{byte(i), byte(i >> 8), 1}
		if !x.Add(&s, make([]byte, 100), 0, now) || x.Find(&s, 100) == 0 {
			t.Fatalf("content %d has no room", i)
		}
		for range freshSweeps {
			x.Sweep(now, 10, all)
		}
		now += keep
		if x.Sweep(now-1, 10, all); x.Find(&s, 100) == 0 {
			t.Fatalf("content %d goes too soon", i)
		}
		if x.Sweep(now, 10, all); x.Find(&s, 100) != 0 {
			t.Fatalf("content %d stays", i)
		}
	}
	if n := len(x.contents); n > 4 || len(x.bySum.slots) > 16 || x.bySum.used != 0 || released != 1000 || x.stats.Bytes != 0 {
		t.Errorf("%d places, %d for sums of which %d are used, %d bytes, %d released", n, len(x.bySum.slots), x.bySum.used, x.stats.Bytes, released)
	}
}
