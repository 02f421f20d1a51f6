package names

import (
	"math"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

func TestBelieved(t *testing.T) {
	const year = uint64(Ahead)
	f := func(wall sched.Wall, own uint64, met []uint64, want uint64) {
		t.Helper()
		if got := Believed(wall, own, met); got != want {
			t.Errorf("wall %d, own %d, met %d: %d, not %d", wall, own, met, got, want)
		}
	}
	f(0, 5, nil, 5+year)
	f(7, 5, nil, 7+year)
	f(-7, 5, nil, 5+year) // before 1970
	f(0, 5, []uint64{900}, 900+year)
	f(0, 5, []uint64{900, 1 << 60}, 900+year)          // one of two that is ahead is not believed
	f(0, 5, []uint64{1 << 60, 900, 800}, 900+year)     // nor one of three
	f(0, 5, []uint64{1 << 60, 1 << 60, 8}, 1<<60+year) // most are the cluster
	f(math.MaxInt64, 5, nil, math.MaxInt64+year)
	f(0, math.MaxUint64, nil, math.MaxUint64-1) // there is one more to renew with
	f(0, 5, []uint64{math.MaxUint64}, math.MaxUint64-1)
}
