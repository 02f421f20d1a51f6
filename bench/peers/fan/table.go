package main

import (
	"fmt"
	"io"
	"slices"
)

// spread is the middle, the lowest and the highest of some figures.
type spread struct{ mid, low, high float64 }

func spreadOf(cells []*cell, f func(*cell) float64) spread {
	var v []float64
	for _, c := range cells {
		v = append(v, f(c))
	}
	slices.Sort(v)
	return spread{v[len(v)/2], v[0], v[len(v)-1]}
}

func (s spread) String() string {
	f := func(x float64) string {
		switch {
		case x >= 100:
			return fmt.Sprintf("%.0f", x)
		case x >= 10:
			return fmt.Sprintf("%.1f", x)
		}
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%s (%s to %s)", f(s.mid), f(s.low), f(s.high))
}

// table prints what the log has of the rates and kinds.
func (o *options) table(out io.Writer, l *log) error {
	fmt.Fprintf(out, "%d holders, %d bytes a value; medians of the rounds (lowest to highest)\n\n", o.holders, valueBytes)
	fmt.Fprintf(out, "| writes/s | | rounds | p50 ms | p99 ms | CPU µs a delivery | bytes a delivery | cores | overtaken %% | equal |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	skipped := map[string]string{}
	for _, rate := range o.rates {
		for _, name := range o.kinds {
			var cells []*cell
			equal := 0
			for i := range l.cells {
				c := &l.cells[i]
				if c.Kind != name || c.Rate != rate || c.Find {
					continue
				}
				if c.Skipped != "" {
					skipped[name] = c.Skipped
					continue
				}
				if cells = append(cells, c); c.Differ == 0 {
					equal++
				}
			}
			if len(cells) == 0 {
				continue
			}
			f := func(f func(c *cell) float64) spread { return spreadOf(cells, f) }
			fmt.Fprintf(out, "| %d | %s | %d | %v | %v | %v | %.0f | %.2f | %.1f | %d of %d |\n", rate, name, len(cells),
				f(func(c *cell) float64 { return c.P50 }), f(func(c *cell) float64 { return c.P99 }), f(func(c *cell) float64 { return c.CPU }),
				f(func(c *cell) float64 { return c.Bytes }).mid, f(func(c *cell) float64 { return c.Cores }).mid,
				100*f(func(c *cell) float64 { return c.Overtaken }).mid, equal, len(cells))
		}
	}
	fmt.Fprintln(out)
	for _, name := range o.kinds {
		if why := skipped[name]; why != "" {
			fmt.Fprintf(out, "- %s was skipped: %s\n", name, why)
		} else if m := makerOf(name); m != nil {
			fmt.Fprintf(out, "- %s: %s\n", name, m.setting)
		}
	}
	return nil
}
