package names

import (
	"slices"

	"github.com/quidnunc/quidnunc/sched"
)

// Ahead is how far a generation may be ahead of all that is known. Generations are
// wall-clock nanoseconds or small counters; a year ahead is nonsense, and who
// believed it could be led away from everybody else.
const Ahead = 366 * 24 * 3600 * sched.Second

// Believed is the highest generation that a node believes: Ahead of its wall clock,
// of the generation that its own life began with (so that nobody can lead it further
// and further), and of the median of those that it met, whichever is latest. One
// clock is not the judge: a machine that starts in 1970 believes the cluster, and a
// cluster that lives in its own year believes itself. It sorts met.
func Believed(wall sched.Wall, own uint64, met []uint64) uint64 {
	base := max(own, uint64(max(0, wall)))
	if len(met) > 0 {
		slices.Sort(met)
		base = max(base, met[(len(met)-1)/2])
	}
	return min(base, 1<<64-2-uint64(Ahead)) + uint64(Ahead)
}
