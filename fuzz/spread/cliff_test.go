package spread

import (
	"flag"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

var wholeFlag = flag.Bool("spread.whole", false, "TestNoCliff up to 512 members, which takes minutes and 2 GB")

// medianLeap is what the median may rise by from one size to the next. The share of those who are
// told by others grows little by little, but where it passes the half the median goes from the
// slowest of one hop to the fastest of two.
const medianLeap = 1.3

// TestNoCliff: where a cluster grows past the size up to which all are mailed, nothing leaps:
// neither copies nor bytes nor the time until half of the members have a write. Loops take their
// time for each frame, as real ones do. But with a flag all is at an eighth of the usual size.
func TestNoCliff(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	t.Logf("seed %d", seed)
	sizes, mail, frame := []int{16, 18, 20, 22, 24, 26, 28, 32, 40, 48}, 16, 8*FrameCost
	if *wholeFlag {
		sizes, mail, frame = []int{16, 20, 24, 32, 40, 48, 64, 80, 96, 112, 128, 136, 160, 192, 224, 256, 320, 384, 448, 512}, 128, FrameCost
	}
	auto := Policy{Name: "auto", Spread: tune.SpreadAuto}
	var last Row
	for _, n := range sizes {
		rows, err := Measure(&Plan{
			Nodes: n, Policy: auto, Losses: []float64{0}, Rate: 200, Span: sched.Second, Seed: seed,
			MailMax: mail, FrameTime: frame,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := rows[0]
		t.Logf("%d members: p50 %d µs, p99 %d µs, %.3f copies, %.0f bytes, %.2f frames", n, r.P50us, r.P99us, r.Redundancy, r.Bytes, r.Frames)
		if r.Redundancy > 1.05 || r.Missing > 0 {
			t.Errorf("%d members: %.2f copies, %d missing", n, r.Redundancy, r.Missing)
		}
		if (*wholeFlag && last.Nodes > 0 || last.Nodes >= mail) && (float64(r.P50us) > medianLeap*float64(last.P50us) || r.Bytes > 1.3*last.Bytes) {
			t.Errorf("from %d to %d members: p50 %d to %d µs, %.0f to %.0f bytes", last.Nodes, n, last.P50us, r.P50us, last.Bytes, r.Bytes)
		}
		last = r
	}
}
