package paper

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gonum.org/v1/plot"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/flowcontrol"
	"github.com/quidnunc/quidnunc/fuzz/staleness"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const flowExamples = `  qn sim paper flowcontrol                              64 and 128 participants, five seeds: this takes long
  qn sim paper flowcontrol --runs 1                     one seed; minutes, for the digests of precise orderings
  qn sim paper flowcontrol --orders scuttle-depth,fair  two orderings
  qn sim paper flowcontrol --out figures                rate.csv, staleness.csv, summary.json and plots as PNG and SVG`

const flowLong = `The second experiment of van Renesse et al. 2008: everybody wants to update as fast as it may, from 15 s on, and the limit of
entries in an exchange is halved at 90 s. Real engines' cores in virtual time; eager push and the fingerprint shortcut are off.

rate is the mean allowed rate of the participants, in updates a second; capacity is 2·mtu/(N-1), above which updates pile up.
Staleness is the age of the oldest update that somebody lacks. The last line of each N has no flow control and 1.25 times the
capacity as its load. Figures are medians over the runs, in brackets the least and the greatest of a run. In the paper's figure
the rate climbs by 0.2 every 5 s; with 128 participants it settles near 1.0 and falls after 90 s to 0.6 (100 s) and 0.3 (114 s):
these are points in the plot where the run has that size. What a run took is by the clock, two at a time; while they run, it
says on stderr how much is left.

Exit code 3 says that a rate ran above the capacity, or did not follow the limit.`

// flowRun is one curve.
type flowRun struct {
	Order   string
	Plan    flowcontrol.Plan
	runs    [][]flowcontrol.Sample
	took    []float64 // seconds
	Summary flowSummary
}

// flowSummary is what a curve comes down to, and how long that took.
type flowSummary struct {
	flowcontrol.Merged
	TookSeconds float64 `json:"took_s"` // a run by the clock, beside another one
}

var flowOrders = []struct {
	name  string
	order tune.Order
}{
	{"precise-newest", tune.OrderPreciseNewest},
	{"precise-oldest", tune.OrderPreciseOldest},
	{"scuttle-depth", tune.OrderDepth},
	{"fair", tune.OrderFair},
}

func newFlowcontrol() *cobra.Command {
	var f flags
	var orders []string
	var nodes []int
	all := make([]string, len(flowOrders))
	for i, o := range flowOrders {
		all[i] = o.name
	}
	cmd := &cobra.Command{
		Use:     "flowcontrol",
		Short:   "Scuttlebutt's rates when everybody wants more than there is",
		Example: flowExamples,
		Long:    flowLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plans, err := flowPlans(nodes, orders, f.seed)
			if err != nil {
				return err
			}
			return runFlowcontrol(cmd, &f, plans)
		},
	}
	f.add(cmd, 5, "seeds, from --seed on")
	cmd.Flags().IntSliceVar(&nodes, "nodes", []int{64, 128}, "numbers of participants")
	cmd.Flags().StringSliceVar(&orders, "orders", all, "orderings")
	return cmd
}

func flowPlans(nodes []int, orders []string, seed uint64) (runs []*flowRun, err error) {
	for _, n := range nodes {
		if n < 3 || n > 512 {
			return nil, exit.Usagef("--nodes %d: out of range; fix: 3 to 512", n)
		}
		for _, name := range orders {
			found := false
			for _, o := range flowOrders {
				if o.name == name {
					found = true
					runs = append(runs, &flowRun{Order: name, Plan: flowcontrol.Plan{Nodes: n, Order: o.order, Seed: seed}})
				}
			}
			if !found {
				return nil, exit.Usagef("--orders %s: not known; fix: one of %s", name, strings.Join(orderNames(), ", "))
			}
		}
		runs = append(runs, &flowRun{Order: "none, scuttle-depth", Plan: flowcontrol.Plan{
			Nodes: n, Order: tune.OrderDepth, Seed: seed, Rate: 1.25 * flowcontrol.Capacity(n, 100),
		}})
	}
	return runs, nil
}

func orderNames() (names []string) {
	for _, o := range flowOrders {
		names = append(names, o.name)
	}
	return names
}

func runFlowcontrol(cmd *cobra.Command, f *flags, runs []*flowRun) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := measureFlow(cmd.Context(), newWay(cmd.ErrOrStderr(), len(runs)*f.runs), runs, f.runs); err != nil {
		return err
	}
	var all []flowSummary
	for _, r := range runs {
		all = append(all, r.Summary)
	}
	w := cmd.OutOrStdout()
	if err := f.output.Print(w, all, form.Plain(func(w io.Writer) { printFlow(w, all) })); err != nil {
		return err
	}
	if f.out != "" {
		if err := writeFlow(f, runs, all); err != nil {
			return err
		}
	}
	return flowOff(runs)
}

// measureFlow makes the runs, and their medians.
func measureFlow(ctx context.Context, w *way, runs []*flowRun, seeds int) error {
	defer w.shown.Clear()
	for _, r := range runs {
		r.runs, r.took = make([][]flowcontrol.Sample, seeds), make([]float64, seeds)
	}
	err := each(len(runs)*seeds, func(i int) (err error) {
		r, k := runs[i/seeds], i%seeds
		plan, began := r.Plan, time.Now()
		plan.Seed += uint64(k)
		plan.Progress = func(second, end int) { w.come(i, float64(second)/float64(end)) }
		r.runs[k], err = flowcontrol.Run(ctx, plan)
		r.took[k] = time.Since(began).Seconds()
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range runs {
		took := staleness.Median(r.took, func(s float64) float64 { return s })
		r.Summary = flowSummary{flowcontrol.Merge(r.Plan, r.Order, r.runs), took}
	}
	return nil
}

// flowOff returns errOff for a curve that is not what flow control promises.
func flowOff(runs []*flowRun) error {
	for _, r := range runs {
		s := r.Summary
		if r.Plan.Rate > 0 {
			continue
		}
		q, climbed := s.RateAfter/s.RateBefore, s.RateBefore > 0.4*s.CapacityBefore // few participants are still climbing at 90 s
		if s.RatePeak > s.CapacityBefore || s.RateAfter > s.CapacityAfter || climbed && (q < 0.3 || q > 0.75) {
			return exit.Nof("%s: %s, n=%d: peak %.2f of %.2f, then %.2f of %.2f", errOff, s.Order, s.Nodes, s.RatePeak, s.CapacityBefore, s.RateAfter, s.CapacityAfter)
		}
	}
	return nil
}

func printFlow(w io.Writer, all []flowSummary) {
	fmt.Fprintf(w, "medians over %d runs, [least, greatest]\n", all[0].Runs)
	fmt.Fprintf(w, "  %4s  %-20s  %32s  %32s  %10s  %8s  %44s  %6s  %6s\n",
		"n", "order", "rate 60-90 s (cap.)", "140-180 s (cap.)", "undershoot", "recovery", "staleness before, peak, end", "Jain", "took")
	for _, s := range all {
		fmt.Fprintf(w, "  %4d  %-20s  %s  %s  %10.2f  %6.0f s  %8.1f s %8.1f s [%5.1f, %5.1f] %8.1f s  %6.3f  %4.0f s\n", s.Nodes, s.Order,
			rates(s.RateBefore, s.Before, s.CapacityBefore), rates(s.RateAfter, s.After, s.CapacityAfter), s.Undershoot, s.RecoverySeconds,
			s.StaleBefore, s.StalePeak, s.StaleMost[0], s.StaleMost[1], s.StaleEnd, s.Jain, s.TookSeconds)
	}
}

func rates(median float64, ends [2]float64, capacity float64) string {
	return fmt.Sprintf("%7.2f [%5.2f, %5.2f] (%6.2f)", median, ends[0], ends[1], capacity)
}

func writeFlow(f *flags, runs []*flowRun, all []flowSummary) error {
	if err := f.writeJSON("summary.json", all); err != nil {
		return err
	}
	rates, stale := [][]string{{"s"}}, [][]string{{"s"}}
	for _, r := range runs {
		name := fmt.Sprintf("%s n=%d", r.Order, r.Plan.Nodes)
		rates[0] = append(rates[0], name, name+" least", name+" most", name+" max")
		stale[0] = append(stale[0], name, name+" least", name+" most")
	}
	for i := range runs[0].Summary.Curve {
		s := strconv.Itoa(runs[0].Summary.Curve[i].Second)
		rate, age := []string{s}, []string{s}
		for _, r := range runs {
			b := &r.Summary.Curve[i]
			rate = append(rate, number(b.Median.Rate), number(b.Slowest), number(b.Fastest), number(b.Median.RateMax))
			age = append(age, number(b.Median.Staleness), number(b.Freshest), number(b.Stalest))
		}
		rates, stale = append(rates, rate), append(stale, age)
	}
	if err := f.writeCSV("rate.csv", rates); err != nil {
		return err
	}
	if err := f.writeCSV("staleness.csv", stale); err != nil {
		return err
	}
	return plotFlow(f, runs)
}

func plotFlow(f *flags, runs []*flowRun) error {
	rate := newPlot("Allowed rate when the limit of an exchange is halved at 90 s", "time (seconds)", "updates a second of each participant")
	stale := newPlot("Maximum staleness with flow control", "time (seconds)", "seconds")
	rate.Legend.Left, stale.Legend.Left = true, true
	for _, p := range [...]*plot.Plot{rate, stale} {
		addPhases(p, []phase{{15, "updates"}, {90, "half the limit"}})
	}
	published := false
	for i, r := range runs {
		if r.Plan.Rate > 0 {
			continue // it leaves the figure
		}
		published = published || r.Plan.Published()
		name := fmt.Sprintf("%s n=%d", r.Order, r.Plan.Nodes)
		curve := r.Summary.Curve
		if err := addCurves(rate, name, curve, i, func(b *flowcontrol.Band) (int, [3]float64) {
			return b.Second, [3]float64{b.Median.Rate, b.Slowest, b.Fastest}
		}); err != nil {
			return err
		}
		if err := addCurves(stale, name, curve, i, func(b *flowcontrol.Band) (int, [3]float64) {
			return b.Second, [3]float64{b.Median.Staleness, b.Freshest, b.Stalest}
		}); err != nil {
			return err
		}
	}
	if published {
		var at []point
		for _, x := range flowcontrol.Figure {
			at = append(at, point{x.Second, x.Rate})
		}
		if err := addDots(rate, "published, n=128", at); err != nil {
			return err
		}
	}
	if err := f.save(rate, "rate"); err != nil {
		return err
	}
	return f.save(stale, "staleness")
}
