package sim

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
)

var traceFlag = flag.Int("sim.trace", 0, "print one hash over the traces of so many seeds, from 1")

const traceGolden = "testdata/trace.txt"

// traceSeeds are few, and between them they use every way to be configured:
// TestTraceSeedsUseAll.
var traceSeeds = []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 35, 39}

// TestTraceHash: a change that only moves code changes no trace. One that means to
// change what nodes do says so in the golden file:
//
//	go test ./fuzz/sim -run TraceHash -update
//
// Before and after a larger move, compare more of them:
//
//	go test ./fuzz/sim -run TraceHash -sim.trace 500 -v
func TestTraceHash(t *testing.T) {
	if *traceFlag > 0 {
		seeds := make([]uint64, *traceFlag)
		for i := range seeds {
			seeds[i] = uint64(i + 1)
		}
		all := fnv.New64a()
		sums, broken := Traces(seeds, runtime.GOMAXPROCS(0))
		fmt.Fprint(all, sums)
		t.Logf("%d seeds: %016x, %d break a law", *traceFlag, all.Sum64(), broken)
		return
	}
	if *update {
		var b strings.Builder
		sums, _ := Traces(traceSeeds, runtime.GOMAXPROCS(0))
		for i, sum := range sums {
			fmt.Fprintf(&b, "%d %016x\n", traceSeeds[i], sum)
		}
		if err := os.WriteFile(traceGolden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(traceGolden)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(want)))
	if len(lines) != len(traceSeeds) {
		t.Fatalf("%s has %d lines for %d seeds: go test ./fuzz/sim -run TraceHash -update", traceGolden, len(lines), len(traceSeeds))
	}
	for i, seed := range traceSeeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			sum, out := Trace(NewPlan(seed))
			if out.Violation != nil {
				t.Errorf("seed %d breaks a law: see TestFixedSeeds", seed)
			}
			if got := fmt.Sprintf("%d %016x\n", seed, sum); got != lines[i] {
				t.Errorf("nodes do something else than before; if that is meant: go test ./fuzz/sim -run TraceHash -update\nwas: %sis:  %s", lines[i], got)
			}
		})
	}
}

// TestTraceSeedsUseAll: the few seeds of the golden file leave no mode out.
func TestTraceSeedsUseAll(t *testing.T) {
	seen := map[string]bool{}
	use := func(format string, args ...any) { seen[fmt.Sprintf(format, args...)] = true }
	for _, seed := range traceSeeds {
		p := NewPlan(seed)
		n := &p.Node
		use("spread %d", n.Spread)
		use("mode %d", n.Mode)
		use("order %d", n.Order)
		use("flow %d", n.Flow)
		use("rumor shape %d", n.Rumor.Shape)
		use("sealed %v", n.Sealed)
		use("unwatched %v", n.NoDetector)
		use("walks %v", n.RepairEvery > 0)
		use("counted %v", n.Deltas > 0)
		use("printless %v", n.NoPrint)
		use("uniform %v", n.Uniform)
		use("limited %v", n.ReceiveMax > 0)
		use("another key %v", p.changesKey())
		use("calm %v", len(p.Faults) == 0)
		use("hot %v", p.Hot)
		use("filled %v", p.Fill > 0)
		use("slow to publish %v", n.Rate > 0)
		use("short of room %v", n.Small > 0)
		use("young graves %v", n.Young)
		for i := range p.Nodes {
			var c core.Config
			p.configure(i, &c)
			use("diff %d", c.Diff)
		}
		for _, f := range p.Faults {
			use("fault %v", f.Kind)
		}
	}
	need := func(format string, args ...any) {
		if what := fmt.Sprintf(format, args...); !seen[what] {
			t.Errorf("no seed has %s", what)
		}
	}
	for i := range 4 {
		need("spread %d", i)
	}
	for i := range 3 {
		need("mode %d", i)
		need("flow %d", i)
		need("rumor shape %d", i)
		need("order %d", i)
		need("order %d", int(tune.OrderPreciseNewest)+i)
	}
	for i := range tune.DiffRanges + 1 {
		need("diff %d", i)
	}
	for k := range FaultKinds {
		need("fault %v", k)
	}
	for _, what := range []string{
		"sealed", "unwatched", "walks", "counted", "printless", "uniform", "limited", "another key",
		"calm", "hot", "filled", "slow to publish", "short of room", "young graves",
	} {
		need("%s true", what)
		need("%s false", what)
	}
}

// TestTracesRepeat: a trace is the seed's own.
func TestTracesRepeat(t *testing.T) {
	seeds := traceSeeds[:4]
	a, _ := Traces(seeds, 1)
	b, _ := Traces(seeds, 2)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%x and %x", a, b)
	}
}
