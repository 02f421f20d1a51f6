package metrics_test

import (
	"context"
	"expvar"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
)

// A page for Prometheus to scrape.
func ExampleWriteMetrics() {
	cfg := engine.Local()
	cfg.Name = "web-1"
	eng, err := engine.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", metrics.ContentType)
		metrics.WriteMetrics(w, eng)
	})

	scrape := httptest.NewRecorder()
	page.ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(scrape.Body.String()) {
		if strings.HasPrefix(line, "quidnunc_members_answering") {
			fmt.Print(line)
		}
	}
	// Output:
	// quidnunc_members_answering{member="web-1"} 1
}

// Visit hands every metric to a program that has its own way to send them.
func ExampleVisit() {
	cfg := engine.Local()
	cfg.Name = "web-1"
	eng, err := engine.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	stats := eng.Sample()
	metrics.Visit(&stats, func(d *metrics.Desc, label string, value float64) {
		if d.Name == "quidnunc_members" && value > 0 {
			fmt.Println(d.Kind, d.Name, d.Label, label, value)
		}
	})
	// Output:
	// gauge quidnunc_members state alive 1
}

// The standard library's expvar shows them as JSON, where expvar.Publish gives them a name.
func ExampleVisit_expvar() {
	cfg := engine.Local()
	cfg.Name = "web-1"
	eng, err := engine.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer eng.Close()

	vars := expvar.Func(func() any {
		values, stats := map[string]float64{}, eng.Sample()
		metrics.Visit(&stats, func(d *metrics.Desc, label string, v float64) {
			if !math.IsInf(v, 1) { // JSON has no word for a limit that is none
				values[d.Name+" "+label] = v
			}
		})
		return values
	})
	// expvar.Publish("quidnunc", vars)

	for line := range strings.SplitSeq(vars.String(), ",") {
		if strings.Contains(line, "quidnunc_members alive") {
			fmt.Println(line)
		}
	}
	// Output:
	// "quidnunc_members alive":1
}
