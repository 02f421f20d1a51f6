package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
	"github.com/quidnunc/quidnunc/tools/qn/internal/exit"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/sim/timeline"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

func (o *options) execute(cmd *cobra.Command) error {
	if err := o.checkCounts(cmd); err != nil {
		return err
	}
	out, progress := cmd.OutOrStdout(), term.NewProgress(cmd.ErrOrStderr(), o.quiet)
	switch {
	case o.scenario != "":
		return o.runScenario(out)
	case o.replay != "":
		return o.runReplay(out)
	case o.swarm > 0:
		return o.runSwarm(cmd, out, progress)
	}
	if err := o.settle(); err != nil {
		return err
	}
	if progress.Visible() {
		o.x.Progress = func(at sched.Instant, covered float64) error {
			progress.Show("%v of virtual time, %.2f %% of all pairs are up to date", time.Duration(at).Round(time.Millisecond), covered*100)
			return nil
		}
	}
	r, err := o.x.Run(cmd.Context())
	progress.Clear()
	if err != nil {
		return err
	}
	if err := o.output.Print(out, r, func(w io.Writer) error { return writeReport(w, r) }); err != nil {
		return err
	}
	switch {
	case r.Violation != "":
		return errBroken
	case !r.Converged:
		return errUnconverged
	}
	return nil
}

// checkCounts refuses counts that would do nothing, or something else than was asked for.
func (o *options) checkCounts(cmd *cobra.Command) error {
	for _, c := range []struct {
		flag  string
		value int
		least int
	}{{"swarm", o.swarm, 1}, {"failures", o.most, 1}, {"workers", o.x.Workers, 1}, {"fanout", o.x.Fanout, 0}, {"frame", o.x.Frame, 0}} {
		if cmd.Flags().Changed(c.flag) && c.value < c.least {
			return exit.Usagef("--%s %d: too small; fix: %d or more, or leave it out", c.flag, c.value, c.least)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"for", o.busy}, {"budget", o.budget}, {"limit", o.limit}, {"interval", o.interval}} {
		if cmd.Flags().Changed(d.flag) && d.value <= 0 {
			return exit.Usagef("--%s %v: nothing happens in no time; fix: for example --%s 10s", d.flag, d.value, d.flag)
		}
	}
	if o.replay != "" && o.scenario != "" || o.swarm > 0 && o.replay+o.scenario != "" {
		return exit.Usagef("--swarm, --replay and --scenario are three different runs; fix: choose one of them")
	}
	if o.html != "" && (o.replay == "" || o.frames) {
		return exit.Usagef("--html shows one run of the swarm, in place of --frames; fix: qn sim --replay p%d.s1 --html run.html", sim.PlanVersion)
	}
	return nil
}

// runScenario prints a scenario with what happens in it.
func (o *options) runScenario(w io.Writer) error {
	text, err := sim.Scenario(o.scenario)
	if err != nil {
		b, notFile := os.ReadFile(o.scenario)
		if errors.Is(notFile, os.ErrNotExist) {
			return exit.Usagef("--scenario: %w, or a file", err)
		} else if notFile != nil {
			return fmt.Errorf("--scenario: %w", notFile)
		}
		text = string(b)
	}
	got, err := sim.RunScript(text)
	if err != nil {
		return fmt.Errorf("--scenario %s: %w", o.scenario, err)
	}
	_, err = io.WriteString(w, got)
	return err
}

// replayed is the result of a replay.
type replayed struct {
	Replay    string  `json:"replay"`
	Plan      string  `json:"plan"`
	Law       string  `json:"law,omitempty"`
	Text      string  `json:"text,omitempty"`
	VirtualMs float64 `json:"virtual_ms"` // when the law broke, or from the end of harm to equality
	Messages  uint64  `json:"messages"`
	TraceHash string  `json:"trace_hash"`
	Same      bool    `json:"same_trace"`     // as that of the run that was to be repeated
	Page      string  `json:"page,omitempty"` // the file of --html
}

func (o *options) runReplay(w io.Writer) error {
	r, err := sim.ParseReplay(o.replay)
	if err != nil {
		return exit.Usagef("--replay: %w", err)
	}
	plan := r.Plan()
	out, film := o.repeat(w, plan)
	res := &replayed{
		Plan: plan.Text(), VirtualMs: float64(out.Took) / 1e6, Messages: out.Stats.Frames,
		TraceHash: fmt.Sprintf("%016x", out.Hash), Same: r.Hash == 0 || r.Hash == out.Hash,
	}
	if v := out.Violation; v != nil {
		res.Law, res.Text, res.VirtualMs = v.Law, v.Text, float64(v.At)/1e6
	}
	r.Hash = out.Hash
	res.Replay = r.String()
	if film != nil {
		if err := o.writePage(res, film); err != nil {
			return err
		}
	}
	if err := o.output.Print(w, res, func(w io.Writer) error { return writeReplay(w, res) }); err != nil {
		return err
	}
	if out.Violation != nil {
		return errBroken
	}
	return nil
}

// repeat runs a plan; film is nil if nobody wants a page.
func (o *options) repeat(w io.Writer, plan *sim.Plan) (out *sim.Outcome, film *sim.Film) {
	if o.html != "" {
		film, out = sim.Shoot(plan)
		return out, film
	}
	return sim.TryWith(plan, func(world *sim.World) {
		if !o.frames {
			return
		}
		world.OnFrame = func(f *sim.Frame) bool {
			to := fmt.Sprint(f.To)
			if f.To < 0 {
				to = "nobody"
			}
			fmt.Fprintf(w, "%12.3f  %d > %s  %d B  %s\n", float64(f.At)/1e6, f.From, to, len(f.Data), sim.Text(f.Data, shortID))
			return true
		}
	}), nil
}

// writePage writes the film of a replay to the file that was asked for.
func (o *options) writePage(r *replayed, film *sim.Film) (err error) {
	page := timeline.Page{Replay: r.Replay, Plan: r.Plan, Film: film, Outcome: fmt.Sprintf("No law was broken; equal %s after all harm ended.", ms(r.VirtualMs))}
	if r.Law != "" {
		page.Outcome = fmt.Sprintf("%s: %s (at %s)", r.Law, r.Text, ms(r.VirtualMs))
	}
	file, err := os.Create(o.html)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err = page.Write(file); err == nil {
		r.Page = o.html
	}
	return err
}

func shortID(id codec.OriginID) string { return fmt.Sprintf("%04x", uint64(id)>>48) }

// hunted is the result of a swarm.
type hunted struct {
	FirstSeed uint64     `json:"first_seed"`
	Runs      int        `json:"runs"`
	Failures  int        `json:"failures"`
	NodeHours float64    `json:"node_hours"` // virtual ones
	Messages  uint64     `json:"messages"`
	WallMs    float64    `json:"wall_ms"`
	RoundsMax int        `json:"rounds_max"` // exchange intervals from the end of harm to equality, at worst
	Found     []replayed `json:"found"`
}

func (o *options) runSwarm(cmd *cobra.Command, w io.Writer, progress *term.Progress) error {
	start := time.Now()
	h := &hunted{FirstSeed: o.x.Seed, Found: []replayed{}}
	s := sim.Swarm{
		First: o.x.Seed, Seeds: o.swarm, Budget: o.budget, Workers: o.x.Workers, Shrink: time.Minute, Most: o.most,
	}
	s.Done = func(f *sim.Finding) {
		out := f.Outcome
		h.NodeHours += float64(f.Whole.Nodes) * float64(f.Whole.Until+out.Took) / (3600 * float64(sched.Second))
		h.Messages += out.Stats.Frames
		h.RoundsMax = max(h.RoundsMax, out.Rounds)
		h.Runs++
		progress.Show("%d seeds, %d failures, %.1f node-hours", h.Runs, len(h.Found), h.NodeHours)
		if v := out.Violation; v != nil {
			found := replayed{
				Replay: f.Replay.String(), Plan: out.Plan.Text(), Law: v.Law, Text: v.Text,
				VirtualMs: float64(v.At) / 1e6, Messages: out.Stats.Frames, TraceHash: fmt.Sprintf("%016x", out.Hash), Same: true,
			}
			h.Found = append(h.Found, found)
			if o.output == form.Table {
				progress.Clear()
				fmt.Fprintf(w, "seed %x after %s\n", f.Whole.Seed, units.Span(int64(f.Elapsed)))
				_ = writeReplay(w, &found) // the end result tells of a lost line
			}
		}
	}
	h.Runs, h.Failures = 0, 0
	_, h.Failures = s.Run(cmd.Context())
	progress.Clear()
	h.WallMs = float64(time.Since(start).Microseconds()) / 1e3
	if err := o.output.Print(w, h, func(w io.Writer) error { return writeSwarm(w, h) }); err != nil {
		return err
	}
	if h.Failures > 0 {
		return errBroken
	}
	return cmd.Context().Err()
}
