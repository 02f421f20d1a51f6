package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// machine answers like a cluster that sustains up to capacity for short runs and a little less for
// long ones.
func machine(capacity float64) func(*Options) (*Report, error) {
	return func(o *Options) (*Report, error) {
		r := newReport(o)
		limit := capacity
		if o.Duration > probeSpan {
			limit *= 0.97
		}
		r.Converged, r.RateAchieved = true, min(r.RateTarget, limit)
		r.FirstThird, r.LastThird = 100, 100
		return r, nil
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
		m, err := findMax(&o, machine(capacity))
		if err != nil || !m.Passed() || m.MaxRate > capacity || m.MaxRate < 0.88*capacity {
			t.Errorf("found %v of %v, %v", m.MaxRate, capacity, err)
		}
		if m.RateTarget != m.MaxRate || m.DurationS != 10 {
			t.Errorf("the report is of %v/s over %vs, want the full run at the rate found", m.RateTarget, m.DurationS)
		}
		if len(m.Steps) > 40 {
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
	m, err := findMax(&o, machine(10))
	if err != nil || m.Passed() || m.Report == nil {
		t.Errorf("found %v, %v", m.MaxRate, err)
	}
	broken := errors.New("no sockets")
	if _, err := findMax(&o, func(*Options) (*Report, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestFindMaxOutput(t *testing.T) {
	o := Defaults()
	m, err := findMax(&o, machine(5000))
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
