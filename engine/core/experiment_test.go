package core

import (
	"reflect"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A product has no experiment, and what one changes is copied: two cores can be
// made from one.
func TestExperiment(t *testing.T) {
	start := func(x *Experiment) *Core {
		c := new(Core)
		c.Init(&Config{Name: []byte("a"), Generation: 1, Cluster: []byte("test"), Experiment: x}, sched.Second, 0)
		return c
	}
	if got, want := *start(nil).cfg.Experiment, (Experiment{
		Frames: 16, Deltas: -1, MailMax: 128, RecentSpan: sched.Second,
		Settle: 20 * sched.Millisecond, AckDelay: 40 * sched.Millisecond, FlushMax: 10 * sched.Millisecond,
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("a product has %+v", got)
	}
	x := &Experiment{Deltas: 3, NoDetector: true}
	a, b := start(x), start(x)
	a.cfg.Experiment.Deltas = 7
	if b.cfg.Experiment.Deltas != 3 || x.Deltas != 3 || !b.cfg.Experiment.NoDetector {
		t.Errorf("one core's experiment is another's: %+v, %+v", *b.cfg.Experiment, *x)
	}
}
