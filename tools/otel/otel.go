// Package otel brings what engines count to OpenTelemetry, as observable instruments: with one
// callback that reads a sample of each engine and takes no turn of its loop. It is a module of its
// own. The names are those of package engine/metrics with dots for the first underscore and without
// _total; the label member is the attribute member.
//
//	_, err := otel.Register(provider.Meter("quidnunc"), eng)
package otel

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/metrics"
)

// Name is the OpenTelemetry name of a metric.
func Name(of string) string {
	return strings.Replace(strings.TrimSuffix(of, "_total"), "quidnunc_", "quidnunc.", 1)
}

// unit is the unit that a name ends in.
func unit(name string) string {
	switch name = strings.TrimSuffix(name, "_total"); {
	case strings.HasSuffix(name, "_bytes_per_second"):
		return "By/s"
	case strings.HasSuffix(name, "_bytes"):
		return "By"
	case strings.HasSuffix(name, "_seconds"):
		return "s"
	}
	return "1"
}

// Register makes the instruments and observes engines until the registration is given back.
func Register(m metric.Meter, engines ...*engine.Engine) (metric.Registration, error) {
	instruments := map[string]metric.Float64Observable{}
	var all []metric.Observable
	for _, d := range metrics.Descs() {
		var o metric.Float64Observable
		var err error
		if d.Kind == metrics.Counter {
			o, err = m.Float64ObservableCounter(Name(d.Name), metric.WithDescription(d.Help), metric.WithUnit(unit(d.Name)))
		} else {
			o, err = m.Float64ObservableGauge(Name(d.Name), metric.WithDescription(d.Help), metric.WithUnit(unit(d.Name)))
		}
		if err != nil {
			return nil, err
		}
		instruments[d.Name] = o
		all = append(all, o)
	}
	return m.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		for _, e := range engines {
			s := e.Sample()
			metrics.Visit(&s, func(d *metrics.Desc, label string, value float64) {
				set := []attribute.KeyValue{attribute.String("member", e.Name())}
				if d.Label != "" {
					set = append(set, attribute.String(d.Label, label))
				}
				to.ObserveFloat64(instruments[d.Name], value, metric.WithAttributes(set...))
			})
		}
		return nil
	}, all...)
}
