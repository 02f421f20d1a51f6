package paper

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/fuzz/paper"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
)

const scuttlebuttExamples = `  qn sim paper scuttlebutt                                      six orderings, about a minute on two processors
  qn sim paper scuttlebutt --nodes 32 --mtu 24                  a quick look with the same shape
  qn sim paper scuttlebutt --orders scuttle-depth,fair -o json  two of them
  qn sim paper scuttlebutt --out figures                        staleness.csv, stale.csv, summary.json, plots as PNG and SVG`

const scuttlebuttLong = `The first experiment of van Renesse et al. 2008, without flow control: 128 participants with 64 keys start one exchange a second
each. An exchange is limited to mtu entries in each direction from 15 s on. Everybody updates once a second, twice from 25 s to
75 s, and stops at 120 s. Real engines' cores in virtual time; eager push and the fingerprint shortcut are off.

Staleness is the age of the first update that a replica lacks, the largest at all participants; stale is the number of mappings at
one participant that lack an update, in the mean. In parentheses is what the paper's figure shows.

Exit code 3 says that the peaks are not in the paper's order, depth < oldest < breadth < newest, or that something stayed stale.`

// scuttleRun is one curve.
type scuttleRun struct {
	name    string
	plan    paper.Plan
	samples []paper.Sample
	paper.Summary
}

func newScuttlebutt() *cobra.Command {
	var f flags
	var orders []string
	plan := paper.Plan{}
	cmd := &cobra.Command{
		Use:     "scuttlebutt",
		Short:   "Staleness under overload, by the order of what is sent",
		Example: scuttlebuttExamples,
		Long:    scuttlebuttLong,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan.Seed = f.seed
			runs, err := scuttleRuns(plan, orders)
			if err != nil {
				return err
			}
			return runScuttlebutt(cmd, &f, plan, runs)
		},
	}
	f.add(cmd, 1, "not used: one run shows all")
	_ = cmd.Flags().MarkHidden("runs") // fails only for an unknown flag
	cmd.Flags().IntVar(&plan.Nodes, "nodes", 128, "participants")
	cmd.Flags().IntVar(&plan.Keys, "keys", 64, "keys of each")
	cmd.Flags().IntVar(&plan.MTU, "mtu", 100, "entries in each direction of an exchange")
	cmd.Flags().StringSliceVar(&orders, "orders", orderingNames(), "orderings")
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
	Seed      uint64             `json:"seed"`
	Peaks     map[string]float64 `json:"peak_staleness_s"`
	Published map[string]float64 `json:"published_peak_staleness_s"`
	Runs      []paper.Summary    `json:"runs"`
	Off       []string           `json:"off,omitempty"`
}

func runScuttlebutt(cmd *cobra.Command, f *flags, plan paper.Plan, runs []*scuttleRun) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := measureScuttlebutt(cmd.Context(), runs); err != nil {
		return err
	}
	r := scuttleReport{
		Nodes: plan.Nodes, Keys: plan.Keys, MTU: plan.MTU, Seed: plan.Seed,
		Peaks: map[string]float64{}, Published: map[string]float64{},
	}
	for _, x := range runs {
		r.Runs = append(r.Runs, x.Summary)
		r.Peaks[x.name] = x.Peak
		if x.Published > 0 {
			r.Published[x.name] = x.Published
		}
	}
	r.Off = paper.Shape(plan, r.Runs)
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

// measureScuttlebutt makes the runs.
func measureScuttlebutt(ctx context.Context, runs []*scuttleRun) error {
	return each(len(runs), func(i int) (err error) {
		r := runs[i]
		r.samples, err = paper.Run(ctx, r.plan)
		r.Summary = paper.Summarize(r.plan, r.name, r.samples)
		return err
	})
}

func printScuttlebutt(w io.Writer, runs []*scuttleRun) {
	fmt.Fprintf(w, "%-16s  %14s  %4s  %8s  %6s  %10s  %9s  %10s  %11s\n",
		"", "peak staleness", "at", "baseline", "stale", "stale 75 s", "growth/s", "recovered", "fresh after")
	for _, r := range runs {
		peak := fmt.Sprintf("%.1f s", r.Peak)
		if r.Published > 0 {
			peak += fmt.Sprintf(" (%g)", r.Published)
		}
		fmt.Fprintf(w, "%-16s  %14s  %4d  %7.1fs  %6.0f  %10.0f  %9.1f  %9ds  %10ds\n",
			r.name, peak, r.PeakAt, r.Baseline, r.StaleBase, r.StaleTop, r.Growth, r.Recovered, r.Zero)
	}
	fmt.Fprintf(w, "\nlargest staleness in seconds, the paper's in parentheses\n%6s", "s")
	for _, r := range runs {
		fmt.Fprintf(w, "  %16s", r.name)
	}
	fmt.Fprintln(w)
	for i, row := range paper.Published {
		fmt.Fprintf(w, "%6d", row.Second)
		for _, r := range runs {
			text := fmt.Sprintf("%.1f", sampleAt(r.samples, row.Second).Staleness)
			if _, v := paper.PublishedOf(r.name); v != nil {
				text += fmt.Sprintf(" (%g)", v[i])
			}
			fmt.Fprintf(w, "  %16s", text)
		}
		fmt.Fprintln(w)
	}
}

func sampleAt(all []paper.Sample, second int) (s paper.Sample) {
	for _, x := range all {
		if x.Second <= second {
			s = x
		}
	}
	return s
}

func writeScuttlebutt(f *flags, r scuttleReport, runs []*scuttleRun) error {
	if err := f.writeJSON("summary.json", r); err != nil {
		return err
	}
	for name, of := range map[string]func(paper.Sample) float64{
		"staleness": func(s paper.Sample) float64 { return s.Staleness },
		"stale":     func(s paper.Sample) float64 { return s.Stale },
	} {
		rows := [][]string{append([]string{"s"}, namesOf(runs)...)}
		for i, s := range runs[0].samples {
			row := []string{strconv.Itoa(s.Second)}
			for _, x := range runs {
				row = append(row, number(of(x.samples[i])))
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

func namesOf(runs []*scuttleRun) (names []string) {
	for _, r := range runs {
		names = append(names, r.name)
	}
	return names
}

func plotScuttlebutt(f *flags, name string, runs []*scuttleRun, of func(paper.Sample) float64) error {
	title, y := "Maximum staleness, no flow control", "seconds"
	if name == "stale" {
		title, y = "Stale mappings at one participant, no flow control", "mappings"
	}
	p := newPlot(title, "time (seconds)", y)
	p.Legend.Left = true
	for i, r := range runs {
		var line, dots []point
		for _, s := range r.samples {
			line = append(line, point{float64(s.Second), of(s)})
		}
		if err := addPlain(p, r.name, line, i); err != nil {
			return err
		}
		if name != "staleness" {
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
