package spread

import (
	"fmt"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/quidnunc/quidnunc/fuzz/spread"
)

// plotPolicies draws the curves behind the default policy: the 99th percentile
// with the burst, and the load, over the number of members, at each loss.
func (c *common) plotPolicies(rows []spread.Row) error {
	if c.out == "" || len(c.nodes) < 2 {
		return nil
	}
	for _, loss := range c.losses {
		for _, what := range []struct {
			name, label string
			of          func(r *spread.Row) float64
		}{
			{"p99", "99th percentile, µs, with the author's burst", func(r *spread.Row) float64 { return float64(max(1, r.P99us+r.Burst)) }},
			{"load", "share of a core for frames", func(r *spread.Row) float64 { return max(1e-5, r.Load) }},
		} {
			p := plot.New()
			p.Title.Text = fmt.Sprintf("%s, %g %% loss", what.label, 100*loss)
			p.X.Label.Text, p.Y.Label.Text = "members", what.label
			p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
			p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{}, plot.LogTicks{}
			p.Legend.Top, p.Legend.Left = true, true
			p.Add(plotter.NewGrid())
			for i, name := range c.names {
				var of plotter.XYs
				for k := range rows {
					if r := &rows[k]; r.Policy == name && r.Loss == float64(loss) {
						of = append(of, plotter.XY{X: float64(r.Nodes), Y: what.of(r)})
					}
				}
				slices.SortFunc(of, func(a, b plotter.XY) int { return int(a.X - b.X) })
				line, dots, err := plotter.NewLinePoints(of)
				if err != nil {
					return err
				}
				line.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
				p.Add(line, dots)
				p.Legend.Add(name, line, dots)
			}
			for _, ext := range []string{"png", "svg"} {
				file := fmt.Sprintf("spread-%s-loss%g.%s", what.name, 100*loss, ext)
				if err := p.Save(18*vg.Centimeter, 12*vg.Centimeter, filepath.Join(c.out, file)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
