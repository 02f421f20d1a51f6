package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// simple answers like a cluster that sustains up to capacity for short runs and a little less for
// long ones.
func simple(capacity float64) func(*Options) (*Report, error) {
	return func(o *Options) (*Report, error) {
		r := newReport(o)
		limit := capacity
		if o.Duration > probeSpan {
			limit *= 0.97
		}
		r.Converged, r.RateAchieved = true, min(r.RateTarget, limit)
		return r, nil
	}
}

func noRest(time.Duration) {}

// The rate that is found depends on the machine alone: not on where the search begins, not on runs
// that a neighbour spoils, and it is found again within a step of the grid. Single runs near the knee go
// either way.
func TestFindMaxFindsItAgain(t *testing.T) {
	const capacity = 61_000
	rnd := rand.New(rand.NewPCG(1, 2))
	rests := 0
	noisy := func(o *Options) (*Report, error) {
		r := newReport(o)
		limit := capacity * (0.98 + 0.04*rnd.Float64())
		if rnd.IntN(8) == 0 { // a neighbour has half of the machine
			r.CPUOthers = 1
			limit /= 2
		}
		r.Converged, r.RateAchieved = true, min(r.RateTarget, limit)
		return r, nil
	}
	low, high := math.Inf(1), 0.0
	for _, from := range []string{"100", "1000", "5555", "60000", "61234", "999999"} {
		for range 20 {
			o := Defaults()
			if err := o.Rate.Set(from); err != nil {
				t.Fatal(err)
			}
			m, err := findMax(&o, noisy, func(time.Duration) { rests++ })
			if err != nil {
				t.Fatal(err)
			}
			low, high = min(low, m.MaxRate), max(high, m.MaxRate)
		}
	}
	if high > 1.1*low || low < 0.9*capacity || high > 1.02*capacity {
		t.Errorf("found %.0f to %.0f of %d", low, high, capacity)
	}
	if rests == 0 {
		t.Error("no run was spoiled")
	}
}

// A run that fails far below the knee by chance, with nobody to be seen, does not keep the search there,
// nor does one that holds above it.
func TestFindMaxOutlivesChance(t *testing.T) {
	const capacity = 30_000
	rnd := rand.New(rand.NewPCG(3, 4))
	fickle := func(o *Options) (*Report, error) {
		r := newReport(o)
		over := math.Log2(r.RateTarget/capacity) * gridShift // steps of the grid
		holds := rnd.Float64() < 1/(1+math.Exp(2*over))
		if rnd.IntN(10) == 0 {
			holds = rnd.IntN(4) == 0
		}
		r.Converged, r.RateAchieved = true, r.RateTarget
		if !holds {
			r.Behind = 1
		}
		return r, nil
	}
	const searches = 200
	var found []float64
	runs := 0
	for range searches {
		o := Defaults()
		m, err := findMax(&o, fickle, noRest)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m.MaxRate)
		runs += len(m.Steps)
	}
	slices.Sort(found)
	low, high := found[searches/20], found[searches-1-searches/20]
	if low < 0.88*capacity || high > 1.06*capacity || found[0] < 0.7*capacity {
		t.Errorf("nine of ten found %.0f to %.0f of %d, the worst %.0f", low, high, capacity, found[0])
	}
	if runs > 40*searches {
		t.Errorf("%d runs a search", runs/searches)
	}
}

// Where a neighbour never stops, the search ends, and says why.
func TestFindMaxBesideOthers(t *testing.T) {
	o := Defaults()
	m, err := findMax(&o, func(o *Options) (*Report, error) {
		r, err := simple(10)(o)
		r.CPUOthers = 1.5
		return r, err
	}, noRest)
	if err != nil || m.Passed() || len(m.Steps) == 0 || !m.Steps[0].Spoiled {
		t.Errorf("found %v, %v", m.MaxRate, err)
	}
	if !strings.Contains(m.Steps[0].verdict(), "others") {
		t.Error(m.Steps[0].verdict())
	}
}

// What there was no more of is told for each step.
func TestFindMaxLimits(t *testing.T) {
	for _, f := range []struct {
		own, others float64
		want        string
	}{
		{1.95, 0.02, "all 2 processors were busy"},
		{0.98, 0, "1 loops had 0.98"},
		{0.50, 0.2, "1.30 of 2 processors were idle"},
		{0, 0, ""},
	} {
		r := Report{CPUCores: f.own, CPUOthers: f.others, Reactors: 1, Env: Env{Cores: 2}}
		if got := r.limit(); !strings.HasPrefix(got, f.want) || (f.want == "") != (got == "") {
			t.Errorf("%v and %v: %q", f.own, f.others, got)
		}
	}
}

func TestStatNanos(t *testing.T) {
	text := []byte("cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3 4\n")
	if got, want := statNanos(text), 270*statTick; got != want {
		t.Errorf("%d, want %d", got, want)
	}
	if statNanos(nil) != 0 || statNanos([]byte("intr 5\n")) != 0 {
		t.Error("something is read of nothing")
	}
	var m machine
	m.nanos()
	if n := testing.AllocsPerRun(10, func() { m.nanos() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFindMax(t *testing.T) {
	f := func(capacity float64) {
		t.Helper()
		o := Defaults()
		if err := o.Rate.Set("1000"); err != nil {
			t.Fatal(err)
		}
		o.Duration = 10 * time.Second
		m, err := findMax(&o, simple(capacity), noRest)
		if err != nil || !m.Passed() || m.MaxRate > capacity || m.MaxRate < 0.88*capacity {
			t.Errorf("found %v of %v, %v", m.MaxRate, capacity, err)
		}
		if m.RateTarget != m.MaxRate || m.DurationS != 10 {
			t.Errorf("the report is of %v/s over %vs, want the full run at the rate found", m.RateTarget, m.DurationS)
		}
		if len(m.Steps) > 60 {
			t.Errorf("%d steps", len(m.Steps))
		}
	}
	f(98_765)
	f(1_000)
	f(310)
	f(3_000_000)
}

func TestFindMaxGivesUp(t *testing.T) {
	o := Defaults()
	m, err := findMax(&o, simple(10), noRest)
	if err != nil || m.Passed() || m.Report == nil {
		t.Errorf("found %v, %v", m.MaxRate, err)
	}
	broken := errors.New("no sockets")
	if _, err := findMax(&o, func(*Options) (*Report, error) { return nil, broken }, noRest); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestFindMaxOutput(t *testing.T) {
	o := Defaults()
	m, err := findMax(&o, simple(5000), noRest)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"max_rate", "steps", "nodes", "redundancy", "visible_all_us"} {
		if got[name] == nil {
			t.Errorf("no field %q", name)
		}
	}
	var table bytes.Buffer
	if err := m.WriteTable(&table); err != nil || !bytes.Contains(table.Bytes(), []byte("sustained")) {
		t.Errorf("%v\n%s", err, table.String())
	}
}

// A queue that grows by more than one part in a hundred is not sustained, whatever the tails do; tails
// that stray are no queue.
func TestAQueueThatGrowsIsNotSustained(t *testing.T) {
	for _, f := range []struct {
		behind, first, last float64
		want                bool
	}{
		{0, 100, 100, true},
		{-0.05, 300, 100, true},
		{0.009, 100, 300, true},
		{0.011, 100, 100, false},
	} {
		r := Report{Converged: true, Behind: f.behind, FirstThird: f.first, LastThird: f.last}
		if r.Sustained() != f.want {
			t.Errorf("falls behind by %v, p99 %v and %v: sustained %v", f.behind, f.first, f.last, r.Sustained())
		}
	}
}
