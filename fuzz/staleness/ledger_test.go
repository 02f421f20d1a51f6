package staleness

import "testing"

// TestLacking: staleness counts from the first update that is lacking.
func TestLacking(t *testing.T) {
	made := []update{{2, 10}, {5, 20}, {9, 30}}
	f := func(have uint64, want int64) {
		t.Helper()
		got, ok := lacking(made, have)
		if ok != (want > 0) || int64(got) != want {
			t.Errorf("at version %d: %d %v, want %d", have, got, ok, want)
		}
	}
	f(0, 10)
	f(2, 20)
	f(4, 20)
	f(8, 30)
	f(9, 0)
	f(12, 0)
}
