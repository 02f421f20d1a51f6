package paper

import (
	"testing"
	"time"
)

// What is left is told from what the part that is through has taken.
func TestWayTellsWhatIsLeft(t *testing.T) {
	w := newWay(nil, 2)
	f := func(after time.Duration, want string) {
		t.Helper()
		if got := w.text(after); got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	f(time.Second, "simulated 0%")
	w.shares[0] = 0.5
	f(10*time.Second, "simulated 25%, about 30s left")
	w.shares[1] = 1
	f(15*time.Second, "simulated 75%, about 5s left")
	w.shares[0] = 1
	f(21*time.Second, "simulated 100%, about 0s left")
}
