package paper

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/spf13/cobra"
	"gonum.org/v1/plot"

	"github.com/quidnunc/quidnunc/fuzz/epidemic"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const demersExamples = `  qn sim paper demers                       all variations, about two minutes on two processors
  qn sim paper demers --runs 100 --rare 0   a quick look
  qn sim paper demers --out figures         demers.json, demers.csv and plots as PNG and SVG`

const demersLong = `One update, synchronous cycles, effects at the cycle's end. Residue is the share of sites that never hear of it, traffic the
updates sent per site, t_ave and t_last the mean and the last delay in cycles. Figures in parentheses are those of Tables 1
and 3 of the paper. lambda is fitted: residue falls as e^(-lambda m) with the traffic m; push has 1, push with connection
limit 1 has 1.58. t_ave of Table 1 is the one column that is not reproduced.

Exit code 3 says that a figure is outside the published band: residue within sampling error, traffic within 0.1 (0.2 for
pull), t_last within 1.`

func newDemers() *cobra.Command {
	var f flags
	p := epidemic.Plan{}
	cmd := &cobra.Command{
		Use:     "demers",
		Short:   "Rumor mongering beside the tables of Demers et al. 1987",
		Example: demersExamples,
		Long:    demersLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.Seed, p.Runs = f.seed, f.runs
			return runDemers(cmd, &f, p)
		},
	}
	f.add(cmd, 1000, "runs of each point")
	cmd.Flags().IntVar(&p.Rare, "rare", 10000, "runs of a point whose residue is below 1e-4")
	cmd.Flags().IntVar(&p.Sites, "nodes", 1000, "number of sites; the tables have 1000")
	cmd.Flags().IntVar(&p.KMax, "k", 5, "largest k")
	return cmd
}

func runDemers(cmd *cobra.Command, f *flags, p epidemic.Plan) error {
	if err := f.check(); err != nil {
		return err
	}
	if p.Sites < 2 || p.KMax < 1 || p.KMax > 254 {
		return exit.Usagef("--nodes %d --k %d: out of range; fix: at least 2 sites, k from 1 to 254", p.Sites, p.KMax)
	}
	w := cmd.OutOrStdout()
	each := func(v epidemic.Variant) { printVariant(w, v) }
	if f.output != form.Table {
		each = nil
	}
	r, err := epidemic.Demers(cmd.Context(), p, epidemic.Variants(), each)
	if err != nil {
		return err
	}
	err = f.output.Print(w, r, func(io.Writer) error { return nil }) // the table was printed row by row
	if err == nil && f.out != "" {
		err = writeDemers(f, r)
	}
	if err != nil {
		return err
	}
	return off(r)
}

// off returns errOff if a row is outside its band.
func off(r epidemic.Report) error {
	for _, v := range r.Variants {
		for _, row := range v.Rows {
			if row.Off != "" {
				return exit.Nof("%s: %s, k=%d: %s", errOff, v.Name, row.K, row.Off)
			}
		}
	}
	return nil
}

func printVariant(w io.Writer, v epidemic.Variant) {
	title := v.Name
	if v.Table == 1 || v.Table == 3 {
		title += fmt.Sprintf(" (Table %d)", v.Table)
	}
	fmt.Fprintf(w, "%s, lambda %.2f\n", title, v.Lambda)
	fmt.Fprintf(w, "  %2s  %20s  %13s  %15s  %15s  %9s  %7s\n", "k", "residue", "traffic", "t_ave", "t_last", "e^-m", "runs")
	for _, r := range v.Rows {
		var residue, traffic, ave, last string
		if p := r.Published; p != nil {
			residue, traffic = fmt.Sprintf(" (%.2g)", p.Residue), fmt.Sprintf(" (%.1f)", p.Traffic)
			ave, last = fmt.Sprintf(" (%.4g)", p.Ave), fmt.Sprintf(" (%.1f)", p.Last)
		}
		fmt.Fprintf(w, "  %2d  %20s  %13s  %15s  %15s  %9.2g  %7d  %s\n", r.K,
			residueText(r)+residue, fmt.Sprintf("%.2f", r.Traffic)+traffic, fmt.Sprintf("%.2f", r.Ave)+ave,
			fmt.Sprintf("%.2f", r.Last)+last, r.PushLaw, r.Runs, r.Off)
	}
	fmt.Fprintln(w)
}

func residueText(r epidemic.Row) string {
	if r.Residue == 0 {
		return fmt.Sprintf("< %.1g", r.ResidueBelow)
	}
	return fmt.Sprintf("%.3g", r.Residue)
}

func writeDemers(f *flags, r epidemic.Report) error {
	if err := f.writeJSON("demers.json", r); err != nil {
		return err
	}
	rows := [][]string{{
		"variant", "k", "runs", "residue", "residue_error", "residue_below", "traffic", "t_ave", "t_last", "exp_minus_traffic",
		"failure", "lambda", "published_residue", "published_traffic", "published_t_ave", "published_t_last",
	}}
	for _, v := range r.Variants {
		for _, x := range v.Rows {
			row := []string{
				v.Name, strconv.Itoa(x.K), strconv.Itoa(x.Runs), number(x.Residue), number(x.ResidueError), number(x.ResidueBelow),
				number(x.Traffic), number(x.Ave), number(x.Last), number(x.PushLaw), number(x.Failure), number(v.Lambda), "", "", "", "",
			}
			if p := x.Published; p != nil {
				copy(row[12:], []string{number(p.Residue), number(p.Traffic), number(p.Ave), number(p.Last)})
			}
			rows = append(rows, row)
		}
	}
	if err := f.writeCSV("demers.csv", rows); err != nil {
		return err
	}
	return plotDemers(f, r)
}

// plotDemers draws residue over traffic, where the laws are straight lines, and
// the last delay over traffic: what each variation pays for.
func plotDemers(f *flags, r epidemic.Report) error {
	residue := newPlot("What is left over for what was sent", "traffic m (updates sent per site)", "residue s")
	residue.Y.Scale, residue.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	last := newPlot("How long it takes for what was sent", "traffic m (updates sent per site)", "t_last (cycles)")
	i := 0
	for _, v := range r.Variants {
		if !drawn[v.Name] {
			continue
		}
		var s, t []point
		for _, x := range v.Rows {
			if x.Residue > 0 && x.Died < 0.5 {
				s = append(s, point{x.Traffic, x.Residue})
			}
			if x.Died < 0.5 {
				t = append(t, point{x.Traffic, x.Last})
			}
		}
		if err := addLine(residue, v.Name, s, i); err != nil {
			return err
		}
		if err := addLine(last, v.Name, t, i); err != nil {
			return err
		}
		i++
	}
	for _, law := range []struct {
		name   string
		lambda float64
	}{{"e^-m", 1}, {"e^-1.58m", 1 / (1 - math.Exp(-1))}} {
		addCurve(residue, law.name, 1, 6.5, func(m float64) float64 { return math.Exp(-law.lambda * m) })
	}
	residue.X.Max = max(residue.X.Max, 9.5) // the legend stands beside
	if err := addPublished(residue, r, func(p *epidemic.Figures) float64 { return p.Residue }); err != nil {
		return err
	}
	if err := addPublished(last, r, func(p *epidemic.Figures) float64 { return p.Last }); err != nil {
		return err
	}
	roomFor(last, len(drawn)+1)
	if err := f.save(residue, "demers-residue"); err != nil {
		return err
	}
	return f.save(last, "demers-delay")
}

// drawn are the variations in the plots; all are in the tables.
var drawn = map[string]bool{
	"push feedback counter": true, "pull feedback counter": true, "push blind coin": true,
	"push feedback counter, limit 1": true, "pull feedback counter, limit 1": true,
	"push feedback counter, limit 1, hunt for ever": true, "push-pull feedback counter": true,
	"push-pull feedback counter, minimization": true,
}

func addPublished(p *plot.Plot, r epidemic.Report, of func(*epidemic.Figures) float64) error {
	var at []point
	for _, v := range r.Variants {
		for _, x := range v.Rows {
			if x.Published != nil {
				at = append(at, point{x.Published.Traffic, of(x.Published)})
			}
		}
	}
	return addDots(p, "published (Tables 1 and 3)", at)
}
