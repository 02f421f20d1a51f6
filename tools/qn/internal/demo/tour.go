package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/faults"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Report is what a tour measured. Times in _us are microseconds, in _ms milliseconds; -1 says that
// it did not come true.
type Report struct {
	Schema        string  `json:"schema"` // qn.demo/1
	Nodes         int     `json:"nodes"`
	Processes     int     `json:"processes,omitempty"` // 0: all members in one
	Seed          uint64  `json:"seed"`
	DurationS     float64 `json:"duration_s"`
	Writes        uint64  `json:"writes"`
	VisibleAllUs  float64 `json:"visible_all_us"`     // median over the writes of the quiet part, until the last member had it
	VisibleAllP99 float64 `json:"visible_all_p99_us"` // of the same
	DetectMs      float64 `json:"detect_ms"`          // from a kill until all others believed it
	BackMs        float64 `json:"back_ms"`            // from its new start until all others saw it alive
	HealMs        float64 `json:"heal_ms"`            // from the end of the cut until all saw all alive and held the same
	LossMs        float64 `json:"loss_ms"`            // from the end of the loss until all held the same
	OverloadMs    float64 `json:"overload_ms"`        // from the end of the overload until all held the same
	Converged     bool    `json:"converged"`
	LostUpdates   int     `json:"lost_updates"` // keys whose newest acknowledged value is not on every member at the end
	FalseDeaths   int64   `json:"false_deaths"` // verdicts about members that ran and were not cut off, in the parts without a cut
	Failure       string  `json:"failure,omitempty"`
}

// Passed reports whether the cluster kept its promises.
func (r *Report) Passed() bool {
	return r.Converged && r.LostUpdates == 0 && r.FalseDeaths == 0 && min(r.DetectMs, r.BackMs, r.HealMs, r.LossMs, r.OverloadMs) >= 0
}

// tour is a tour in progress.
type tour struct {
	d      *Demo
	ctx    context.Context
	report *Report
	say    func(format string, args ...any)
	quiet  []float64 // times of writes until all had them
}

// settleWait is how long anything may take to come true; it is not part of the duration.
const settleWait = 20 * time.Second

// Tour runs write, kill, revive, partition, heal, loss and overload, in parts of span together, and
// measures. say tells of each step.
func (d *Demo) Tour(ctx context.Context, span time.Duration, say func(format string, args ...any)) (*Report, error) {
	t := &tour{d: d, ctx: ctx, say: say, report: &Report{Schema: "qn.demo/1", Nodes: d.cluster.n, Seed: d.opt.Seed}}
	part := span / 10
	began := time.Now()
	for _, step := range []func(part time.Duration){t.writes, t.kill, t.partition, t.loss, t.overload} {
		step(part)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	t.finish()
	t.report.DurationS = time.Since(began).Seconds()
	return t.report, nil
}

// pause lets the cluster be for a while.
func (t *tour) pause(span time.Duration) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(span); time.Now().Before(end); {
		select {
		case <-again.C:
		case <-t.ctx.Done():
			return
		}
	}
}

// millis is how long it took from a moment until something was so; -1 if it never was.
func (t *tour) millis(from int64, what string, so func() bool) float64 {
	ctx, cancel := context.WithTimeout(t.ctx, settleWait)
	defer cancel()
	if !t.d.cluster.until(ctx, so) {
		if t.report.Failure == "" {
			t.report.Failure = what + " did not come true"
		}
		return -1
	}
	ms := float64(clock()-from) / 1e6
	t.say("%s after %s", what, units.Span(int64(ms*1e6)))
	return ms
}

// writes is the quiet part: how fast does a write spread?
func (t *tour) writes(part time.Duration) {
	t.say("%d members write %d keys a second", t.d.cluster.n, t.d.rate.Load())
	t.pause(2 * part)
	living := t.d.cluster.living()
	for _, s := range t.d.cluster.tracks.after(0, living) {
		if s.All > 0 {
			t.quiet = append(t.quiet, s.All)
		}
	}
	slices.Sort(t.quiet)
	if n := len(t.quiet); n > 0 {
		t.report.VisibleAllUs, t.report.VisibleAllP99 = t.quiet[(n-1)/2], t.quiet[(n-1)*99/100]
		t.say("a write is on all members after %s (p50), %s (p99)", units.Span(int64(t.report.VisibleAllUs*1e3)), units.Span(int64(t.report.VisibleAllP99*1e3)))
	}
}

func (t *tour) kill(part time.Duration) {
	c := t.d.cluster
	victim := t.d.pick(-1)
	at := clock()
	t.say("%s", t.d.kill(victim))
	t.report.DetectMs = t.millis(at, "all believe it", func() bool { return c.allSee(engine.StateDead, []int{victim}) })
	t.pause(part)
	at = clock()
	t.say("%s", t.d.revive(victim))
	t.report.BackMs = t.millis(at, "all see it alive", func() bool { return c.allSee(engine.StateAlive, []int{victim}) })
	t.pause(part)
}

func (t *tour) partition(part time.Duration) {
	c := t.d.cluster
	t.say("%s", t.d.partition(-1))
	t.pause(2 * part)
	t.say("%s", t.d.heal(-1))
	t.report.HealMs = t.millis(clock(), "one cluster again, all equal", func() bool {
		return c.allSee(engine.StateAlive, c.living()) && t.level()
	})
	c.mu.Lock()
	c.harm = clock() // verdicts from the cut are over: all see all alive
	c.mu.Unlock()
}

// level reports whether all have what was written up to now, while writing goes on.
func (t *tour) level() bool {
	c := t.d.cluster
	living := c.living()
	for _, owner := range living {
		newest := c.known[owner*c.n+owner].Load()
		for _, i := range living {
			if c.known[i*c.n+owner].Load()+levelSlack < newest {
				return false
			}
		}
	}
	return true
}

// levelSlack are the writes that may be on their way while writing goes on.
const levelSlack = 4

func (t *tour) loss(part time.Duration) {
	c := t.d.cluster
	c.network.Change(func(r *faults.Rules) { r.Loss = 0.2 })
	t.say("20 %% of all datagrams are lost")
	t.pause(part)
	c.network.Change(func(r *faults.Rules) { r.Loss = 0 })
	t.say("no more loss")
	t.report.LossMs = t.millis(clock(), "all are equal", t.level)
}

func (t *tour) overload(part time.Duration) {
	t.say("writes as fast as can be for %v", part)
	t.d.flood(part)
	t.report.OverloadMs = t.millis(clock(), "all are equal", t.level)
}

// finish stops writing and compares.
func (t *tour) finish() {
	c := t.d.cluster
	t.d.rate.Store(0)
	at := clock()
	t.millis(at, "without writes all are equal", func() bool {
		n, _ := c.lost()
		return n == 0 && c.equal()
	})
	t.report.Converged = c.equal()
	var first string
	if t.report.LostUpdates, first = c.lost(); first != "" {
		t.report.Failure = first
	}
	t.report.FalseDeaths = c.falsely.Load()
	t.report.Writes = c.tracks.next.Load()
}

// WriteTable prints the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	us, ms := func(v float64) string { return units.Span(int64(v * 1e3)) }, func(v float64) string { return units.Span(int64(v * 1e6)) }
	result := "passed"
	if !r.Passed() {
		result = "FAILED: " + r.Failure
	}
	_, err := fmt.Fprintf(w, `nodes     %d members, %s writes, %.1f s
visible   on all members after %s (p50), %s (p99)
killed    all believed it after %s; its next life was seen by all after %s
healed    one cluster again, all equal, %s after a cut into halves
loss      all equal %s after 20%% loss ended
overload  all equal %s after it ended
lost      %d updates, %d false deaths
result    %s
`, r.Nodes, units.Count(r.Writes), r.DurationS, us(r.VisibleAllUs), us(r.VisibleAllP99), ms(r.DetectMs), ms(r.BackMs), ms(r.HealMs), ms(r.LossMs), ms(r.OverloadMs),
		r.LostUpdates, r.FalseDeaths, result)
	return err
}
