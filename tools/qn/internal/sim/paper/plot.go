package paper

import (
	"image/color"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

type point struct{ x, y float64 }

// newPlot starts a figure with a legend outside of most data.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	p.Legend.TextStyle.Font.Size, p.Legend.Padding = vg.Points(9), vg.Points(3)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	p.Add(plotter.NewGrid())
	return p
}

func xys(of []point) plotter.XYs {
	out := make(plotter.XYs, len(of))
	for i, p := range of {
		out[i].X, out[i].Y = p.x, p.y
	}
	return out
}

// addLine draws measured points; nothing when there are none.
func addLine(p *plot.Plot, name string, of []point, style int) error {
	if len(of) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(xys(of))
	if err != nil {
		return err
	}
	line.Color, dots.Color = plotutil.Color(style), plotutil.Color(style)
	dots.Shape = plotutil.Shape(style)
	p.Add(line, dots)
	p.Legend.Add(name, line, dots)
	return nil
}

// addPlain draws measured points too many to mark.
func addPlain(p *plot.Plot, name string, of []point, style int) error {
	if len(of) == 0 {
		return nil
	}
	line, err := plotter.NewLine(xys(of))
	if err != nil {
		return err
	}
	line.Color, line.Width = plotutil.Color(style), vg.Points(1.5)
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// addBand fills what lies between the least and the most of several runs.
func addBand(p *plot.Plot, least, most []point, style int) error {
	around := slices.Clone(most)
	for _, q := range slices.Backward(least) {
		around = append(around, q)
	}
	band, err := plotter.NewPolygon(xys(around))
	if err != nil {
		return err
	}
	r, g, b, _ := plotutil.Color(style).RGBA()
	band.Color, band.LineStyle.Width = color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 40}, 0
	p.Add(band)
	return nil
}

// addCurves draws the median of several runs in what lies between the least and the greatest: of
// says where those are, in this order.
func addCurves[T any](p *plot.Plot, name string, curve []T, style int, of func(*T) (second int, v [3]float64)) error {
	var line, least, most []point
	for i := range curve {
		second, v := of(&curve[i])
		at := float64(second)
		line, least, most = append(line, point{at, v[0]}), append(least, point{at, v[1]}), append(most, point{at, v[2]})
	}
	if err := addBand(p, least, most, style); err != nil {
		return err
	}
	return addPlain(p, name, line, style)
}

// phase is a moment at which an experiment changes.
type phase struct {
	second int
	name   string
}

// addPhases marks them on the axis of time.
func addPhases(p *plot.Plot, all []phase) {
	p.Add(phaseLines(all))
}

// phaseLines are lines from bottom to top with a name beside each.
type phaseLines []phase

// Plot draws them.
func (l phaseLines) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	style := draw.LineStyle{Color: color.Gray{Y: 160}, Width: vg.Points(0.7), Dashes: plotutil.Dashes(1)}
	text := p.X.Tick.Label
	text.Font.Size, text.Color = vg.Points(8), color.Gray{Y: 90}
	text.Rotation, text.XAlign, text.YAlign = math.Pi/2, draw.XCenter, draw.YBottom
	for _, f := range l {
		at := x(float64(f.second))
		c.StrokeLine2(style, at, c.Min.Y, at, c.Max.Y)
		c.FillText(text, vg.Point{X: at - vg.Points(2), Y: (c.Min.Y + c.Max.Y) / 2}, f.name) // legends are above
	}
}

// addMarks draws published points that belong to the line of that style.
func addMarks(p *plot.Plot, name string, of []point, style int) error {
	if len(of) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(xys(of))
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: plotutil.Color(style), Radius: vg.Points(3), Shape: plotutil.Shape(style)}
	p.Add(dots)
	p.Legend.Add(name, dots)
	return nil
}

// addCurve draws a formula, dashed.
func addCurve(p *plot.Plot, name string, from, to float64, f func(float64) float64) {
	const steps = 100
	of := make([]point, 0, steps+1)
	for i := range steps + 1 {
		x := from + (to-from)*float64(i)/steps
		of = append(of, point{x, f(x)})
	}
	line, err := plotter.NewLine(xys(of))
	if err != nil {
		return // only for no points, or values that are no numbers
	}
	line.Color = color.Gray{Y: 128}
	line.Dashes = plotutil.Dashes(1 + len(name)%3)
	p.Add(line)
	p.Legend.Add(name, line)
}

// addDots draws published values as rings.
func addDots(p *plot.Plot, name string, of []point) error {
	if len(of) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(xys(of))
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: color.Black, Radius: vg.Points(5), Shape: draw.RingGlyph{}}
	p.Add(dots)
	p.Legend.Add(name, dots)
	return nil
}

// addDashed draws what a formula says at some points.
func addDashed(p *plot.Plot, name string, of []point, style int) error {
	line, err := plotter.NewLine(xys(of))
	if err != nil {
		return err
	}
	line.Color, line.Dashes = plotutil.Color(style), plotutil.Dashes(1)
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// legendRoom is the part of the height that is left free above what is drawn, for each line of a
// legend.
const legendRoom = 0.03

// roomFor makes room for a legend of so many lines above all data.
func roomFor(p *plot.Plot, lines int) {
	p.Y.Max += (p.Y.Max - p.Y.Min) * legendRoom * float64(lines) / (1 - legendRoom*float64(lines))
}

// save writes a figure as PNG and as SVG.
func (f *flags) save(p *plot.Plot, name string) error {
	for _, form := range []string{".png", ".svg"} {
		if err := p.Save(9*vg.Inch, 6*vg.Inch, filepath.Join(f.out, name+form)); err != nil {
			return err
		}
	}
	return nil
}
