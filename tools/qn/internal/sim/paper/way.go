package paper

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// sayEvery is how often a reader of a file or a pipe is told how far it is.
const sayEvery = 10 * time.Second

// way is how far some runs have come, and when they will be through: one line that overwrites
// itself for a person, a line now and then for anybody else.
type way struct {
	mu     sync.Mutex
	w      io.Writer
	shown  *term.Progress
	began  time.Time
	said   time.Time
	shares []float64 // of each run, its share
}

func newWay(w io.Writer, runs int) *way {
	now := time.Now()
	return &way{w: w, shown: term.NewProgress(w, false), began: now, said: now, shares: make([]float64, runs)}
}

// come takes in the share of a run that is through.
func (x *way) come(run int, share float64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.shares[run] = share
	text := x.text(time.Since(x.began))
	if x.shown.Show("%s", text); !x.shown.Visible() && time.Since(x.said) >= sayEvery {
		x.said = time.Now()
		fmt.Fprintln(x.w, text)
	}
}

// text says it after a time.
func (x *way) text(after time.Duration) string {
	all := 0.0
	for _, share := range x.shares {
		all += share / float64(len(x.shares))
	}
	if all == 0 {
		return "simulated 0%"
	}
	left := time.Duration(float64(after) * (1 - all) / all)
	return fmt.Sprintf("simulated %.0f%%, about %v left", 100*all, left.Round(time.Second))
}
