package load

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// run is one measurement in progress.
type run struct {
	opt      *Options
	clock    func() int64
	track    *tracker
	cluster  cluster
	drive    *driver
	costs    *costReader
	progress *term.Progress
	report   *Report
	from, to moment // start and end of the measured phase
}

// measure forms a cluster, loads it, waits until the replicas are level and compares them. An error
// means that there is no measurement; replicas that differ are a result.
func measure(ctx context.Context, o *Options, start starter, clock func() int64, progress *term.Progress) (*Report, error) {
	defer progress.Clear()
	r := &run{
		opt: o, clock: clock, progress: progress, report: newReport(o), costs: newCostReader(),
		track: newTracker(o.Nodes, sampleCapacity(o), clock),
	}
	if o.stopper != nil {
		r.track.ignore(o.Nodes - 1)
	}
	if o.heavy > 1 {
		r.track.room(0, min(o.heavy, o.Nodes))
	}
	if err := r.form(ctx, start); err != nil {
		return nil, err
	}
	err := r.load(ctx)
	if err == nil {
		r.settle(ctx)
	}
	if closing := r.cluster.close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	r.report.visibility(r.track, r.drive.from, r.drive.to)
	r.report.track, r.report.from, r.report.to = r.track, r.drive.from, r.drive.to
	return r.report, nil
}

// form starts the nodes, waits until all know all, and writes every key once, so that the measured
// phase only overwrites.
func (r *run) form(ctx context.Context, start starter) (err error) {
	r.progress.Show("forming %d nodes", r.opt.Nodes)
	began := r.clock()
	if r.cluster, err = start(ctx, r.opt, r.track); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			r.cluster.close()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	if err := r.cluster.formed(ctx); err != nil {
		return err
	}
	r.report.FormMs = round(float64(r.clock()-began)/1e6, 1)
	r.report.Env = readEnv(r.cluster.receiveBuffer())
	r.track.identify(r.cluster.ids())
	if c, ok := r.cluster.(*engines); ok && r.opt.watch != nil {
		r.opt.watch(c)
	}
	r.drive = newDriver(r.opt, r.cluster.set, r.clock, r.track)
	return r.prefill(ctx)
}

const (
	formTimeout = time.Minute
	pollSpan    = time.Millisecond
)

// prefill is not paced: a refused write is tried again until the stage has room.
func (r *run) prefill(ctx context.Context) error {
	r.progress.Show("writing %d keys on each of %d nodes", r.opt.Keys, r.opt.Nodes)
	for key := range r.opt.Keys {
		for node := range r.opt.Nodes {
			for {
				_, err := r.drive.put(node, key)
				if err == nil {
					break
				}
				if !errors.Is(err, engine.ErrBackpressure) {
					return fmt.Errorf("writing the first keys: %w", err) // trying again would change nothing
				}
				if ctx.Err() != nil {
					return fmt.Errorf("writing the first keys: %w; the last write was refused: %w", context.Cause(ctx), err)
				}
				time.Sleep(pollSpan)
			}
		}
	}
	for {
		behind := r.track.behind(r.drive.last)
		if behind == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the first %d keys of each node did not reach all others (%d of %d pairs are behind): %w",
				r.opt.Keys, behind, r.opt.Nodes*(r.opt.Nodes-1), context.Cause(ctx))
		}
		time.Sleep(pollSpan)
	}
}

// load runs the generator on its own thread and takes the two moments around the measured phase.
func (r *run) load(ctx context.Context) error {
	start := r.clock() + int64(20*time.Millisecond)
	r.drive.from = start + int64(r.opt.Warmup)
	r.drive.to = r.drive.from + int64(r.opt.Duration)
	done := make(chan struct{})
	go func() {
		r.drive.run(newPacer(r.clock, start, uint64(r.opt.Rate)))
		close(done)
	}()
	r.until(ctx, r.drive.from)
	r.count(&r.from)
	r.around(true)
	r.from.costs = r.costs.read(r.clock()) // what counting allocates is outside the phase on both sides
	r.until(ctx, r.drive.to)
	r.to.costs = r.costs.read(r.clock())
	r.around(false)
	r.count(&r.to)
	r.drive.stop.Store(ctx.Err() != nil)
	<-done
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.report.writes(r.drive)
	r.report.traffic(&r.from, &r.to, r.cluster.frameBytes())
	return nil
}

func (r *run) around(begin bool) {
	if r.opt.Around != nil {
		r.opt.Around(begin)
	}
}

func (r *run) count(m *moment) {
	r.cluster.totals(&m.totals)
	m.totals.ObserverNs = r.track.cost()
}

// until waits for a time and shows progress meanwhile, without allocating.
func (r *run) until(ctx context.Context, at int64) {
	var line []byte
	for now := r.clock(); now < at && ctx.Err() == nil; now = r.clock() {
		nap := time.Duration(at - now)
		if r.progress.Visible() {
			nap = min(nap, 250*time.Millisecond)
			line = append(line[:0], "loading "...)
			line = strconv.AppendInt(line, (at-now+999_999_999)/1e9, 10)
			line = append(line, "s to go, writes "...)
			line = strconv.AppendUint(line, r.drive.issued.Load(), 10)
			r.progress.ShowBytes(line)
		}
		time.Sleep(min(nap, time.Second))
	}
}

// settle waits until the replicas are level or the time for it is over, then compares them.
func (r *run) settle(ctx context.Context) {
	began, behind := r.drive.tally.ended, 0
	for {
		behind = r.track.behind(r.drive.last)
		if behind == 0 || ctx.Err() != nil || r.clock()-began > int64(r.opt.Drain) {
			break
		}
		r.progress.Show("draining: %d of %d pairs behind", behind, r.opt.Nodes*(r.opt.Nodes-1))
		time.Sleep(pollSpan)
	}
	r.report.DrainMs = round(float64(r.clock()-began)/1e6, 1)
	r.progress.Show("comparing %d replicas", r.opt.Nodes)
	diff := compare(r.cluster, r.drive)
	r.report.Different = diff.entries
	r.report.Converged = diff.entries == 0 && behind == 0
	if diff.entries > 0 {
		r.report.Failure = diff.first
	} else if behind > 0 {
		r.report.Failure = fmt.Sprintf("%d pairs of nodes were still behind after %v", behind, r.opt.Drain)
	}
}
