package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

func testOptions() *Options {
	o := Defaults()
	o.Nodes, o.Rate, o.Keys = 5, 4000, 10
	o.Warmup, o.Duration, o.Drain = 20*time.Millisecond, 200*time.Millisecond, 5*time.Second
	return &o
}

func testRun(t *testing.T, o *Options, f *fakeCluster) *Report {
	t.Helper()
	r, err := measure(t.Context(), o, startFake(f), testClock, &term.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunConverges(t *testing.T) {
	r := testRun(t, testOptions(), &fakeCluster{deaf: -1})
	if !r.Converged || r.Different != 0 || r.SamplesUnseen != 0 || r.WritesRejected != 0 {
		t.Errorf("converged %v, different %d, unseen %d, rejected %d: %s", r.Converged, r.Different, r.SamplesUnseen, r.WritesRejected, r.Failure)
	}
	if r.Writes+r.WritesMissed != 800 {
		t.Errorf("%d writes and %d missed, want 800", r.Writes, r.WritesMissed)
	}
	if r.SampleShare != 1 || r.VisibleAll.Max < r.VisibleAll.P50 || r.VisibleAll.P50 <= 0 || r.VisibleHalf.P50 > r.VisibleAll.P50 {
		t.Errorf("share %v, half %+v, all %+v", r.SampleShare, r.VisibleHalf, r.VisibleAll)
	}
	if r.Redundancy != 1 {
		t.Errorf("redundancy %v, want 1", r.Redundancy)
	}
}

func TestRunSeesADeafNode(t *testing.T) {
	o := testOptions()
	o.Drain, o.Keys = 50*time.Millisecond, 1
	r := testRun(t, o, &fakeCluster{deaf: 3})
	if r.Converged || r.Different != 1 || r.SamplesUnseen == 0 {
		t.Errorf("converged %v, different %d, unseen %d", r.Converged, r.Different, r.SamplesUnseen)
	}
	if !strings.Contains(r.Failure, "node 3") {
		t.Errorf("failure %q does not name the node", r.Failure)
	}
}

func TestRunCountsRefusals(t *testing.T) {
	r := testRun(t, testOptions(), &fakeCluster{deaf: -1, refuse: 10})
	if !r.Converged || r.WritesRejected == 0 || !strings.Contains(r.Failure, errTestFull.Error()) {
		t.Errorf("converged %v, rejected %d, failure %q", r.Converged, r.WritesRejected, r.Failure)
	}
	if r.RateAchieved > 0.95*r.RateTarget || r.Sustained() {
		t.Errorf("achieved %v of %v with a tenth refused", r.RateAchieved, r.RateTarget)
	}
}

func TestRunStopsWhenToldTo(t *testing.T) {
	o := testOptions()
	o.Duration = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := measure(ctx, o, startFake(&fakeCluster{deaf: -1}), testClock, &term.Progress{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSchema holds the names and kinds of the JSON contract. Fields may be added here, never
// removed.
func TestSchema(t *testing.T) {
	b, err := json.Marshal(testRun(t, testOptions(), &fakeCluster{deaf: -1}))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	number, text, truth, object := 0.0, "", true, map[string]any{}
	kinds := map[string]any{
		"schema": text, "nodes": number, "seed": text, "rate_target": number, "rate_achieved": number,
		"writes": number, "writes_rejected": number, "visible_all_first_third_p99_us": number,
		"visible_all_last_third_p99_us": number, "bytes_sent_per_node_per_s": number,
		"datagrams_sent_per_node_per_s": number, "redundancy": number, "fill": number, "drops": object,
		"allocs_per_write": number, "allocs_per_entry": number, "gc_cycles": number, "drain_ms": number,
		"observer_cpu_share": number, "converged": truth, "pulls_share": number, "sample_share": number, "env": object,
	}
	for name, kind := range kinds {
		if have, ok := got[name]; !ok || !sameKind(have, kind) {
			t.Errorf("field %q is %v, want a %T", name, have, kind)
		}
	}
	for _, name := range []string{"visible_half_us", "visible_99_us", "visible_all_us", "local_write_ns", "pacer_lag_us"} {
		points, _ := got[name].(map[string]any)
		for _, q := range []string{"p50", "p99", "p999", "max"} {
			if _, ok := points[q].(float64); !ok {
				t.Errorf("%s.%s is %v, want a number", name, q, points[q])
			}
		}
	}
}

func sameKind(a, b any) bool {
	switch a.(type) {
	case float64:
		_, ok := b.(float64)
		return ok
	case string:
		_, ok := b.(string)
		return ok
	case bool:
		_, ok := b.(bool)
		return ok
	case map[string]any:
		_, ok := b.(map[string]any)
		return ok
	}
	return false
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := testRun(t, testOptions(), &fakeCluster{deaf: -1}).WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(b.String()) {
		names = append(names, strings.Fields(line)[0])
		if strings.Contains(line, "%!") || strings.Contains(line, "NaN") {
			t.Errorf("badly formatted line %q", line)
		}
	}
	for _, want := range []string{"load", "env", "phases", "local", "visible", "net", "cost", "result"} {
		if !slices.Contains(names, want) {
			t.Errorf("no line %q in\n%s", want, b.String())
		}
	}
	t.Log("\n" + b.String())
}

func TestValidate(t *testing.T) {
	f := func(flag string, change func(*Options)) {
		t.Helper()
		o := Defaults()
		change(&o)
		var wrong *FlagError
		if err := o.Validate(); !errors.As(err, &wrong) || wrong.Flag != flag || wrong.Fix == "" {
			t.Errorf("got %v, want an error that names --%s and a fix", err, flag)
		}
	}
	o := Defaults()
	if err := o.Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	f("nodes", func(o *Options) { o.Nodes = 1 })
	f("nodes", func(o *Options) { o.Nodes = 5000 })
	f("keys", func(o *Options) { o.Keys = 0 })
	f("keys", func(o *Options) { o.Keys, o.Nodes = 1_000_000, 64 })
	f("size", func(o *Options) { o.Size = 17 << 20 })
	f("keys", func(o *Options) { o.Size = 1 << 20 })
	f("rate", func(o *Options) { o.Rate = 0 })
	f("duration", func(o *Options) { o.Duration = time.Millisecond })
	f("warmup", func(o *Options) { o.Warmup = -1 })
	f("interval", func(o *Options) { o.Interval = time.Microsecond })
	f("fanout", func(o *Options) { o.Fanout = -1 })
	f("loss", func(o *Options) { o.Loss = 0.99 })
	f("reactors", func(o *Options) { o.Reactors = 17 })
	f("mode", func(o *Options) { o.Mode = "shove" })
	f("scenario", func(o *Options) { o.Scenario = "none" })
	f("find-max", func(o *Options) { o.Scenario, o.FindMax = "pingpong", true })
}
