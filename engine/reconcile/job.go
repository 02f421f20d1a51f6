package reconcile

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Want is one origin of which a peer lacks everything after From.
type Want struct {
	ID      codec.OriginID
	From    uint64       // the peer's max; 0 when it does not know the origin
	Origin  state.Origin // nil handle in a pull list: we do not hold it either
	Missing uint32       // live entries after From when the job was made
}

// Job is a bounded list of wants for one peer. It holds no state of the
// replica, only where to begin reading it.
type Job struct {
	wants  []Want
	turn   int // where the next frame starts: fair, breadth
	closed int // wants that need nothing more
	// Budgets of the whole job; when one is used up the job is done.
	Frames int // frames that may still leave
	Deltas int // entries that may still leave; negative is unlimited
	// Whole lets an answer in the order of depth end with a whole origin, beyond
	// Deltas if need be.
	Whole bool
	open  bool // the last origin does not end with this frame
}

// Init gives the job memory for max wants. It is the only call that allocates.
func (j *Job) Init(max int) { j.wants = make([]Want, 0, max) }

// Reset empties the job and sets its budgets. A negative deltas is unlimited.
func (j *Job) Reset(frames, deltas int) {
	j.wants, j.turn, j.closed = j.wants[:0], 0, 0
	j.Frames, j.Deltas, j.open = frames, deltas, false
}

// Len is the number of wants that are still open.
func (j *Job) Len() int { return len(j.wants) - j.closed }

// Room is how many more wants the job takes.
func (j *Job) Room() int { return cap(j.wants) - len(j.wants) }

// Done reports whether the job has nothing more to send.
func (j *Job) Done() bool { return j.Len() == 0 || j.Frames <= 0 || j.Deltas == 0 }

// Spend takes one of the frames.
func (j *Job) Spend() { j.Frames-- }

// Add appends a want; it reports false when the job is full. What does not fit
// is found again by a later exchange.
func (j *Job) Add(w Want) bool {
	if len(j.wants) == cap(j.wants) {
		return false
	}
	j.wants = append(j.wants, w)
	return true
}

// Wants lists what was added, for callers that send a pull list.
func (j *Job) Wants() []Want { return j.wants }

// Total is the number of missing entries over all open wants: the size of the
// candidate set of the paper, before truncation.
func (j *Job) Total() int {
	n := 0
	for i := range j.wants {
		n += int(j.wants[i].Missing)
	}
	return n
}

// Arrange puts the wants into the order that they are to be sent in. turn
// rotates the list first, so that ties do not always favour the same origins.
func (j *Job) Arrange(o tune.Order, turn uint32) {
	if len(j.wants) < 2 {
		return
	}
	rotate(j.wants, int(turn%uint32(len(j.wants))))
	if o == tune.OrderDepth {
		slices.SortStableFunc(j.wants, func(a, b Want) int { return int(b.Missing) - int(a.Missing) })
	}
}

func rotate(w []Want, by int) {
	slices.Reverse(w[:by])
	slices.Reverse(w[by:])
	slices.Reverse(w)
}

func (j *Job) close(w *Want) {
	w.Missing, w.Origin = 0, 0
	j.closed++
}
