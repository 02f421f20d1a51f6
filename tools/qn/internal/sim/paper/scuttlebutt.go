package paper

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/paper"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const scuttlebuttExamples = `  qn sim paper scuttlebutt                                      six orderings, five seeds each: this takes long
  qn sim paper scuttlebutt --runs 1 --orders scuttle-depth,fair  one seed of two of them
  qn sim paper scuttlebutt --nodes 24 --mtu 18                  a quick look with the same shape
  qn sim paper scuttlebutt --partners rounds                    with partners as the engine chooses them
  qn sim paper scuttlebutt --out figures                        staleness.csv, stale.csv, summary.json, plots as PNG and SVG`

const scuttlebuttLong = `The first experiment of van Renesse et al. 2008, without flow control: 128 participants with 64 keys start one exchange a second
each. An exchange is limited to mtu entries in each direction from 15 s on. Everybody updates once a second, twice from 25 s to
75 s, and stops at 120 s. Real engines' cores in virtual time; eager push and the fingerprint shortcut are off.

Staleness is the age of the first update that a replica lacks, the largest at all participants; stale is the number of mappings at
one participant that lack an update, in the mean. Figures are medians over the runs, peaks with their range. In parentheses is
what the paper's figure shows, where the run has its size. Everybody is called once a second, with which the paper's figure comes
out; --partners takes other ways.

Exit code 3 says that the peaks are not in the paper's order, depth < oldest < breadth < newest, that depth and newest do not
recover before the others, or that something stayed stale.`

// scuttleRun is one curve.
type scuttleRun struct {
	name string
	plan paper.Plan
	runs [][]paper.Sample
	paper.Merged
}

func newScuttlebutt() *cobra.Command {
	var f flags
	var orders []string
	var partners string
	plan := paper.Plan{}
	cmd := &cobra.Command{
		Use:     "scuttlebutt",
		Short:   "Staleness under overload, by the order of what is sent",
		Example: scuttlebuttExamples,
		Long:    scuttlebuttLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := exit.OneOf("--partners", partners, paper.PartnersByName()); err != nil {
				return err
			}
			plan.Seed, plan.Partners = f.seed, paper.Partners(slices.Index(paper.PartnersByName(), partners))
			runs, err := scuttleRuns(plan, orders)
			if err != nil {
				return err
			}
			return runScuttlebutt(cmd, &f, plan, runs)
		},
	}
	f.add(cmd, 5, "seeds, from --seed on")
	cmd.Flags().IntVar(&plan.Nodes, "nodes", 128, "participants")
	cmd.Flags().IntVar(&plan.Keys, "keys", 64, "keys of each")
	cmd.Flags().IntVar(&plan.MTU, "mtu", 100, "entries in each direction of an exchange")
	cmd.Flags().StringSliceVar(&orders, "orders", orderingNames(), "orderings")
	cmd.Flags().StringVar(&partners, "partners", "even", "how a participant chooses whom to call: "+strings.Join(paper.PartnersByName(), ", "))
	return cmd
}

func orderingNames() (names []string) {
	for _, o := range paper.Orderings() {
		names = append(names, o.Name)
	}
	return names
}

func scuttleRuns(plan paper.Plan, orders []string) (runs []*scuttleRun, err error) {
	switch {
	case plan.Nodes < 3 || plan.Nodes > 512:
		return nil, exit.Usagef("--nodes %d: out of range; fix: 3 to 512", plan.Nodes)
	case plan.Keys < 1 || plan.Keys > 100:
		return nil, exit.Usagef("--keys %d: out of range; fix: 1 to 100", plan.Keys)
	case plan.MTU < 1:
		return nil, exit.Usagef("--mtu %d: nothing could be sent; fix: 1 or more", plan.MTU)
	}
	for _, name := range orders {
		found := false
		for _, o := range paper.Orderings() {
			if o.Name == name {
				found = true
				p := plan
				p.Ordering = o
				runs = append(runs, &scuttleRun{name: o.Name, plan: p})
			}
		}
		if !found {
			return nil, exit.Usagef("--orders %s: not known; fix: one of %s", name, strings.Join(orderingNames(), ", "))
		}
	}
	return runs, nil
}

// scuttleReport is summary.json.
type scuttleReport struct {
	Nodes     int                `json:"nodes"`
	Keys      int                `json:"keys"`
	MTU       int                `json:"mtu"`
	Seed      uint64             `json:"seed"` // the first
	Seeds     int                `json:"seeds"`
	Partners  string             `json:"partners"`
	Peaks     map[string]float64 `json:"peak_staleness_s"`
	Published map[string]float64 `json:"published_peak_staleness_s"`
	Orderings []paper.Merged     `json:"orderings"`
	Off       []string           `json:"off,omitempty"`
}

func runScuttlebutt(cmd *cobra.Command, f *flags, plan paper.Plan, runs []*scuttleRun) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := measureScuttlebutt(cmd.Context(), runs, f.runs); err != nil {
		return err
	}
	r := scuttleReport{
		Nodes: plan.Nodes, Keys: plan.Keys, MTU: plan.MTU, Seed: plan.Seed, Seeds: f.runs, Partners: plan.Partners.String(),
		Peaks: map[string]float64{}, Published: map[string]float64{},
	}
	var all []paper.Summary
	for _, x := range runs {
		r.Orderings, all = append(r.Orderings, x.Merged), append(all, x.Summary)
		r.Peaks[x.name] = x.Peak
		if x.Published > 0 {
			r.Published[x.name] = x.Published
		}
	}
	r.Off = paper.Shape(plan, all)
	w := cmd.OutOrStdout()
	if err := f.output.Print(w, r, form.Plain(func(w io.Writer) { printScuttlebutt(w, runs) })); err != nil {
		return err
	}
	if f.out != "" {
		if err := writeScuttlebutt(f, r, runs); err != nil {
			return err
		}
	}
	if len(r.Off) > 0 {
		return exit.Nof("%s: %s", errOff, strings.Join(r.Off, "; "))
	}
	return nil
}

// measureScuttlebutt makes the runs, and their medians.
func measureScuttlebutt(ctx context.Context, runs []*scuttleRun, seeds int) error {
	for _, r := range runs {
		r.runs = make([][]paper.Sample, seeds)
	}
	err := each(len(runs)*seeds, func(i int) (err error) {
		r, k := runs[i/seeds], i%seeds
		plan := r.plan
		plan.Seed += uint64(k)
		r.runs[k], err = paper.Run(ctx, plan)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range runs {
		r.Merged = paper.Merge(r.plan, r.name, r.runs)
	}
	return nil
}

func printScuttlebutt(w io.Writer, runs []*scuttleRun) {
	fmt.Fprintf(w, "%-17s  %10s  %14s  %6s  %4s  %8s  %6s  %10s  %8s  %9s  %11s\n",
		"", "peak", "range", "paper", "at", "baseline", "stale", "stale 75 s", "growth/s", "recovered", "fresh after")
	for _, r := range runs {
		published := ""
		if r.Published > 0 {
			published = fmt.Sprintf("(%g)", r.Published)
		}
		fmt.Fprintf(w, "%-17s  %8.1f s  %6.1f - %4.1f s  %6s  %4d  %7.1fs  %6.0f  %10.0f  %8.1f  %8ds  %11s\n",
			r.name, r.Peak, r.PeakMin, r.PeakMax, published, r.PeakAt, r.Baseline, r.StaleBase, r.StaleTop, r.Growth, r.Recovered, fresh(r.Zero))
	}
	what := ""
	if runs[0].plan.Published() {
		what = ", the paper's in parentheses"
	}
	fmt.Fprintf(w, "\nlargest staleness in seconds, in the median over %d runs%s\n%6s", runs[0].Runs, what, "s")
	for _, r := range runs {
		fmt.Fprintf(w, "  %16s", r.name)
	}
	fmt.Fprintln(w)
	for i, row := range paper.Figure {
		fmt.Fprintf(w, "%6d", row.Second)
		for _, r := range runs {
			text := fmt.Sprintf("%.1f", sampleAt(r.Curve, row.Second).Staleness)
			if _, v := paper.PublishedOf(r.name); v != nil && r.plan.Published() {
				text += fmt.Sprintf(" (%g)", v[i])
			}
			fmt.Fprintf(w, "  %16s", text)
		}
		fmt.Fprintln(w)
	}
}

func fresh(after int) string {
	if after < 0 {
		return "never"
	}
	return strconv.Itoa(after) + "s"
}

func sampleAt(all []paper.Band, second int) (s paper.Sample) {
	for _, x := range all {
		if x.Second <= second {
			s = x.Median
		}
	}
	return s
}

func writeScuttlebutt(f *flags, r scuttleReport, runs []*scuttleRun) error {
	if err := f.writeJSON("summary.json", r); err != nil {
		return err
	}
	for name, of := range map[string]func(paper.Band) [3]float64{
		"staleness": func(b paper.Band) [3]float64 { return [3]float64{b.Median.Staleness, b.Least, b.Most} },
		"stale":     func(b paper.Band) [3]float64 { return [3]float64{b.Median.Stale, b.Fewest, b.Worst} },
	} {
		rows := [][]string{append([]string{"s"}, columns(runs)...)}
		for i, s := range runs[0].Curve {
			row := []string{strconv.Itoa(s.Second)}
			for _, x := range runs {
				for _, v := range of(x.Curve[i]) {
					row = append(row, number(v))
				}
			}
			rows = append(rows, row)
		}
		if err := f.writeCSV(name+".csv", rows); err != nil {
			return err
		}
		if err := plotScuttlebutt(f, name, runs, of); err != nil {
			return err
		}
	}
	return nil
}

func columns(runs []*scuttleRun) (names []string) {
	for _, r := range runs {
		names = append(names, r.name, r.name+" least", r.name+" most")
	}
	return names
}

func plotScuttlebutt(f *flags, name string, runs []*scuttleRun, of func(paper.Band) [3]float64) error {
	title, y := "Maximum staleness, no flow control", "seconds"
	if name == "stale" {
		title, y = "Stale mappings at one participant, no flow control", "mappings"
	}
	p := newPlot(title, "time (seconds)", y)
	p.Legend.Left = true
	addPhases(p, phases(runs[0].plan))
	for i, r := range runs {
		var dots []point
		if err := addCurves(p, r.name, r.Curve, i, func(b *paper.Band) (int, [3]float64) { return b.Second, of(*b) }); err != nil {
			return err
		}
		if name != "staleness" || !r.plan.Published() {
			continue
		}
		seconds, published := paper.PublishedOf(r.name)
		for k := range seconds {
			dots = append(dots, point{seconds[k], published[k]})
		}
		if err := addMarks(p, r.name+", published", dots, i); err != nil {
			return err
		}
	}
	return f.save(p, name)
}

// phases are the moments at which the experiment changes.
func phases(p paper.Plan) []phase {
	limit, double, single, stop := p.Schedule()
	return []phase{{limit, "limit"}, {double, "double load"}, {single, "single load"}, {stop, "no updates"}}
}
