package load

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// TestEngines runs real engines on real sockets, briefly.
func TestEngines(t *testing.T) {
	f := func(name string, change func(*Options)) {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			o.Drain = 30 * time.Second
			change(o)
			r, err := measure(t.Context(), o, startEngines, clock, &term.Progress{})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Converged || r.WritesRejected != 0 || r.SamplesUnseen != 0 {
				t.Errorf("converged %v, rejected %d, unseen %d: %s", r.Converged, r.WritesRejected, r.SamplesUnseen, r.Failure)
			}
			if r.BytesPerNode <= 0 || r.Redundancy < 1 || r.VisibleAll.P50 <= 0 || r.SampleShare == 0 {
				t.Errorf("bytes %v, redundancy %v, visible %+v, share %v", r.BytesPerNode, r.Redundancy, r.VisibleAll, r.SampleShare)
			}
			if lost := r.Drops["lost_on_purpose"]; (lost > 0) != (o.Loss > 0) {
				t.Errorf("%d datagrams lost at a loss of %v", lost, o.Loss)
			}
		})
	}
	f("defaults", func(*Options) {})
	f("loss", func(o *Options) { o.Loss = 0.2 })
	f("pull", func(o *Options) { o.Mode, o.Order, o.Interval = "pull", "depth", 20*time.Millisecond })
	f("large values", func(o *Options) { o.Size, o.Keys, o.Rate, o.Nodes = 64<<10, 2, 50, 4 })
	f("push on two reactors", func(o *Options) { o.Mode, o.Order, o.Reactors = "push", "breadth", 2 })
}

func TestPingpong(t *testing.T) {
	o := testOptions()
	o.Duration = 50 * time.Millisecond
	p, err := pingpong(t.Context(), o, &term.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Passed() || p.Writes == 0 || p.OneWay.P50 <= 0 || p.OneWay.Spinning.P50 <= 0 {
		t.Errorf("%+v", p)
	}
}
