// Package prometheus brings what engines count into a registry of client_golang. It is a module of
// its own: who does not use it does not get that library. The names and labels are those of package
// engine/metrics.
//
//	registry.MustRegister(prometheus.NewCollector(eng))
package prometheus

import (
	client "github.com/prometheus/client_golang/prometheus"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
)

// Collector is a prometheus.Collector of engines. A scrape takes no turn of their loops.
type Collector struct {
	engines []*engine.Engine
	descs   map[string]*client.Desc
}

// NewCollector makes a collector. Each metric has the label member, the engine's name.
func NewCollector(engines ...*engine.Engine) *Collector {
	c := &Collector{engines: engines, descs: map[string]*client.Desc{}}
	for _, d := range metrics.Descs() {
		c.descs[d.Name] = client.NewDesc(d.Name, d.Help, labels(&d), nil)
	}
	return c
}

func labels(d *metrics.Desc) []string {
	if d.Label == "" {
		return []string{"member"}
	}
	return []string{"member", d.Label}
}

// Describe sends all descriptions.
func (c *Collector) Describe(to chan<- *client.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect sends the numbers of now.
func (c *Collector) Collect(to chan<- client.Metric) {
	for _, e := range c.engines {
		s := e.Sample()
		metrics.Visit(&s, func(d *metrics.Desc, label string, value float64) {
			kind, values := client.GaugeValue, []string{e.Name()}
			if d.Kind == metrics.Counter {
				kind = client.CounterValue
			}
			if d.Label != "" {
				values = append(values, label)
			}
			to <- client.MustNewConstMetric(c.descs[d.Name], kind, value, values...)
		})
	}
}
