package prometheus_test

import (
	"bytes"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
	"github.com/quidnunc/quidnunc/tools/prometheus"
)

func start(t *testing.T, name string) *engine.Engine {
	e, err := engine.Start(t.Context(), engine.Config{Name: name, Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// The registry has each metric of the text, without complaint of its linter.
func TestCollector(t *testing.T) {
	a, b := start(t, "a"), start(t, "b")
	c := prometheus.NewCollector(a, b)
	registry := client.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := metrics.WriteMetrics(&text, a, b); err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.Contains(text.String(), "# TYPE "+f.GetName()+" "+strings.ToLower(f.GetType().String())+"\n") {
			t.Errorf("%s is not in the text, or otherwise", f.GetName())
		}
	}
	if len(families) < 60 {
		t.Errorf("%d families", len(families))
	}
	problems, err := testutil.CollectAndLint(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
