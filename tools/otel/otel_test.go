package otel_test

import (
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
	"github.com/quidnunc/quidnunc/tools/otel"
)

// A collection has every metric, with the numbers of the engine.
func TestRegister(t *testing.T) {
	e, err := engine.Start(t.Context(), engine.Config{Name: "a", Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	r, err := otel.Register(provider.Meter("quidnunc"), e)
	if err != nil {
		t.Fatal(err)
	}
	e.Stats() // the first turn is over
	var got metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	found := map[string]metricdata.Aggregation{}
	for _, s := range got.ScopeMetrics {
		for _, m := range s.Metrics {
			found[m.Name] = m.Data
		}
	}
	occurred := map[string]bool{"quidnunc_detector_drops_total": true, "quidnunc_contents_forged_total": true, "quidnunc_contradicted_members_total": true} // these have what occurred
	for _, d := range metrics.Descs() {
		if found[otel.Name(d.Name)] == nil && !occurred[d.Name] {
			t.Errorf("%s is missing", d.Name)
		}
	}
	alive, ok := found["quidnunc.members_answering"].(metricdata.Gauge[float64])
	if !ok || len(alive.DataPoints) != 1 || alive.DataPoints[0].Value != 1 {
		t.Errorf("%+v", found["quidnunc.members_answering"])
	}
	if err := r.Unregister(); err != nil {
		t.Error(err)
	}
}
