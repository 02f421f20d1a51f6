package metrics_test

import (
	"context"
	"fmt"
	"log"
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
