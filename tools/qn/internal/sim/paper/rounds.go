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

const roundsExamples = `  qn sim paper rounds                       n = 16 to 4096, median counter to 65536, about a minute
  qn sim paper rounds --runs 30 --max 1024  a quick look
  qn sim paper rounds --out figures         rounds.json, rounds.csv and plots as PNG and SVG`

const roundsLong = `Rounds until all n nodes know one rumor, when every node calls one random other a round, beside the published formulas. Push has
the band of Doerr and Künnemann; the other sources print no constant, so 2 either way is accepted.

Then what the median-counter rule of Karp et al. sends per node until it stops by itself. Its ctr_max is ceil(ln ln n), one step in
the whole range; "smooth" weighs both sides of the step so that the mean of ctr_max is ln ln n. Push, which must be told when to
stop, grows like ln n. Above n = 4096 these are rumor tables over one shared table of peers, not whole engines.

Exit code 3 says that a figure is outside its band.`

func newRounds() *cobra.Command {
	var f flags
	var top, medianTop, medianRuns int
	cmd := &cobra.Command{
		Use:     "rounds",
		Short:   "Rounds of push, pull and push-pull, and the median counter's traffic",
		Example: roundsExamples,
		Long:    roundsLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if top < 16 || medianTop < 256 {
				return exit.Usagef("--max %d --median-max %d: too small; fix: at least 16 and 256", top, medianTop)
			}
			if medianRuns < 1 {
				return exit.Usagef("--median-runs %d: nothing to average; fix: 1 or more", medianRuns)
			}
			return runRounds(cmd, &f, epidemic.RoundsPlan{
				Sizes: epidemic.Powers(4, bitsOf(top)), Runs: f.runs,
				MedianSizes: epidemic.Powers(8, bitsOf(medianTop)), MedianRuns: medianRuns, Seed: f.seed,
			})
		},
	}
	f.add(cmd, 200, "runs of each point of the round counts")
	cmd.Flags().IntVar(&top, "max", 4096, "largest n of the round counts")
	cmd.Flags().IntVar(&medianTop, "median-max", 65536, "largest n of the median counter")
	cmd.Flags().IntVar(&medianRuns, "median-runs", 20, "runs of each point of the median counter")
	return cmd
}

func bitsOf(n int) int { return int(math.Log2(float64(n))) }

func runRounds(cmd *cobra.Command, f *flags, p epidemic.RoundsPlan) error {
	if err := f.check(); err != nil {
		return err
	}
	p.Seed = f.seed
	r, err := epidemic.CountRounds(cmd.Context(), p)
	if err != nil {
		return err
	}
	err = f.output.Print(cmd.OutOrStdout(), r, form.Plain(func(w io.Writer) { printRounds(w, r) }))
	if err == nil && f.out != "" {
		err = writeRounds(f, r)
	}
	if err != nil {
		return err
	}
	for _, c := range r.Curves {
		for _, b := range c.Bands {
			if !b.Within {
				return exit.Nof("%s: %s, n=%d: %.2f rounds, not in %.2f to %.2f", errOff, c.Name, b.Sites, b.Rounds, b.Low, b.High)
			}
		}
	}
	return nil
}

func printRounds(w io.Writer, r epidemic.Rounds) {
	for _, c := range r.Curves {
		fmt.Fprintf(w, "%s: %s\n", c.Name, c.Formula)
		fmt.Fprintf(w, "  %7s  %14s  %9s  %17s\n", "n", "rounds", "formula", "band")
		for _, b := range c.Bands {
			mark := ""
			if !b.Within {
				mark = "outside"
			}
			fmt.Fprintf(w, "  %7d  %7.2f ± %4.2f  %9.2f  %7.2f to %6.2f  %s\n", b.Sites, b.Rounds, b.Error, b.Formula, b.Low, b.High, mark)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "median counter: transmissions per node until it stops")
	fmt.Fprintf(w, "  %7s  %8s  %8s  %7s  %9s  %9s  %8s  %8s\n", "n", "ln ln n", "ctr_max", "sent", "smooth", "push", "all know", "rounds")
	for i, s := range r.Median {
		fmt.Fprintf(w, "  %7d  %8.3f  %8d  %7.2f  %9.2f  %9.2f  %7.0f%%  %8.1f\n", s.Sites, s.LogLog, s.Max, s.PerNode,
			r.Smooth[i].PerNode, r.Naive[i].PerNode, s.Everybody*100, s.Last)
	}
	fmt.Fprintf(w, "  grows by %.2f per ln ln n (smooth), by %.4f per ln n at one ctr_max; push grows by %.2f per ln n\n",
		r.SlopeLogLog, r.SlopeLog, r.NaiveSlope)
}

func writeRounds(f *flags, r epidemic.Rounds) error {
	if err := f.writeJSON("rounds.json", r); err != nil {
		return err
	}
	rows := [][]string{{"protocol", "n", "runs", "rounds", "rounds_error", "formula", "low", "high"}}
	for _, c := range r.Curves {
		for _, b := range c.Bands {
			rows = append(rows, []string{
				c.Name, strconv.Itoa(b.Sites), strconv.Itoa(b.Runs), number(b.Rounds), number(b.Error),
				number(b.Formula), number(b.Low), number(b.High),
			})
		}
	}
	if err := f.writeCSV("rounds.csv", rows); err != nil {
		return err
	}
	stops := [][]string{{"rule", "n", "runs", "ln_ln_n", "ln_n", "ctr_max", "transmissions_per_node", "residue", "t_last"}}
	for _, of := range []struct {
		name string
		list []epidemic.Stop
	}{{"median counter", r.Median}, {"median counter, smooth", r.Smooth}, {"push until all know", r.Naive}} {
		for _, s := range of.list {
			stops = append(stops, []string{
				of.name, strconv.Itoa(s.Sites), strconv.Itoa(s.Runs), number(s.LogLog), number(s.Log), strconv.Itoa(s.Max),
				number(s.PerNode), number(s.Residue), number(s.Last),
			})
		}
	}
	if err := f.writeCSV("median.csv", stops); err != nil {
		return err
	}
	if err := plotRounds(f, r); err != nil {
		return err
	}
	return plotMedian(f, r)
}

func plotRounds(f *flags, r epidemic.Rounds) error {
	p := newPlot("Rounds until all know", "log2 n", "rounds")
	p.Legend.Left = true
	formulas := []func(int) float64{epidemic.Log2LnRounds, epidemic.PullRounds, epidemic.PushPullRounds}
	for i, c := range r.Curves {
		var at []point
		for _, b := range c.Bands {
			at = append(at, point{math.Log2(float64(b.Sites)), b.Rounds})
		}
		if err := addLine(p, c.Name, at, i); err != nil {
			return err
		}
		if len(at) > 1 {
			for k, b := range c.Bands {
				at[k].y = formulas[i](b.Sites)
			}
			if err := addDashed(p, c.Formula, at, i); err != nil {
				return err
			}
		}
	}
	roomFor(p, 2*len(r.Curves))
	return f.save(p, "rounds")
}

func plotMedian(f *flags, r epidemic.Rounds) error {
	p := newPlot("Transmissions per node", "log2 n", "sent per node")
	p.Legend.Left = true
	for i, of := range []struct {
		name string
		list []epidemic.Stop
	}{{"median counter, ctr_max = ceil(ln ln n)", r.Median}, {"median counter, smooth", r.Smooth}, {"push until all know", r.Naive}} {
		if err := addStops(p, of.name, of.list, i); err != nil {
			return err
		}
	}
	roomFor(p, 3)
	return f.save(p, "median")
}

func addStops(p *plot.Plot, name string, of []epidemic.Stop, style int) error {
	var at []point
	for _, s := range of {
		at = append(at, point{math.Log2(float64(s.Sites)), s.PerNode})
	}
	return addLine(p, name, at, style)
}
