package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"syscall"
	"time"
)

// options say what a trial is.
type options struct {
	Nodes int
	Seed  uint64
	Time  time.Duration
	Kinds []kind
	Rate  int
	Out   io.Writer
}

const (
	stoodStill = time.Second            // a machine that stands still for longer kills members by itself
	flapEvery  = 500 * time.Millisecond // down, then up
)

// trial is a run: phase after phase, until the time is over or a law is broken.
type trial struct {
	cluster
	*planner
	out io.Writer

	f        fault
	late     time.Duration
	deaths   []string
	refused  map[string]int
	phases   int
	void     int // phases whose deaths count for nothing
	hurt     map[kind]tally
	slowest  time.Duration
	breaches []error
}

// run makes the cluster, plays the phases and tells what happened. Half of the seeds seal.
func run(ctx context.Context, o options) (err error) {
	t := &trial{planner: newPlanner(o.Seed, o.Nodes, o.Kinds), out: o.Out, refused: map[string]int{}, hurt: map[kind]tally{}}
	t.members, t.rate = make([]*process, o.Nodes), o.Rate
	if o.Seed%2 == 0 {
		t.secret = binary.LittleEndian.AppendUint64(make([]byte, 24), o.Seed)
	}
	if t.wire, err = newWire(o.Nodes, o.Seed); err != nil {
		return err
	}
	defer t.close()
	t.wire.start()
	end := time.Now().Add(o.Time)
	err = t.form()
	for err == nil && time.Now().Before(end) && ctx.Err() == nil {
		err = t.phase(ctx)
	}
	if err == nil {
		err = cmp.Or(t.rest(), t.idle())
	}
	fmt.Fprintf(t.out, "seed %d: %d phases, %d of them void; all news after at most %v; not taken or seen at once: %v\n",
		o.Seed, t.phases, t.void, t.slowest.Round(time.Millisecond), t.refused)
	if err = errors.Join(append(t.breaches, err)...); err != nil {
		return fmt.Errorf("seed %d, phase %d, %v: %w", o.Seed, t.phases, &t.f, err)
	}
	return nil
}

// form starts everybody.
func (t *trial) form() error {
	for i := range t.members {
		if err := t.boot(i); err != nil {
			return err
		}
	}
	took, err := t.fresh(everybody, t.gather)
	fmt.Fprintf(t.out, "%d members, all news after %v\n", len(t.members), took.Round(time.Millisecond))
	t.deaths = nil
	return err
}

// phase does one fault and its end.
func (t *trial) phase(ctx context.Context) error {
	t.f, t.late, t.deaths = t.next(), 0, nil
	f := &t.f
	fmt.Fprintf(t.out, "%3d %v", t.phases, f)
	t.count()
	if err := t.begin(f); err != nil {
		return err
	}
	if err := t.during(ctx, f); err != nil {
		return err
	}
	took, err := t.fresh(who{f.gone, f.apart, f.doubts, false}, t.gather)
	if t.late > stoodStill && errors.Is(err, errBehind) {
		err = nil // nobody could bring them
	}
	err = errors.Join(err, t.end(f))
	healed, again := t.fresh(everybody, t.gather)
	t.slowest = max(t.slowest, took, healed)
	counted := t.count()
	fmt.Fprintf(t.out, "; all news after %v, %v after its end; %v\n", took.Round(time.Millisecond), healed.Round(time.Millisecond), counted)
	t.hurt[f.kind] = plus(t.hurt[f.kind], counted)
	t.phases++
	return errors.Join(err, again, t.judge())
}

func plus(a, b tally) tally {
	for i := range b {
		a[i] += b[i]
	}
	return a
}

// begin does the fault.
func (t *trial) begin(f *fault) error {
	t.blow(f.weather)
	if err := t.pace(f.rate); err != nil {
		return err
	}
	switch f.kind {
	case kindHole, kindDevice:
		t.set(path{Cut: true}, f.hurts)
	case kindThin:
		t.throttle(f.victims[0], f.bytes)
	case kindPause, kindFreeze:
		t.members[f.victims[0]].signal(syscall.SIGSTOP)
	case kindKill:
		return t.each(f, func(i int) error { t.kill(i); return nil })
	case kindLeave:
		_, err := t.members[f.victims[0]].tell(order{Do: "leave"})
		t.kill(f.victims[0])
		return err
	case kindFlap: // during it
	default:
		t.set(f.path, f.hurts)
	}
	return nil
}

// pace has everybody write at a rate; 0: as usual.
func (t *trial) pace(rate int) error {
	_, err := t.all(order{Do: "rate", Rate: cmp.Or(rate, t.rate)}, nobody)
	return err
}

// during lets the fault last.
func (t *trial) during(ctx context.Context, f *fault) error {
	switch f.kind {
	case kindHole, kindDevice:
		t.pass(ctx, f.lasts/3)
		if f.kind == kindDevice {
			if err := t.devices(f, f.bytes); err != nil {
				return err
			}
		}
		t.set(f.path, f.hurts)
		t.pass(ctx, f.lasts*2/3)
	case kindFlap:
		for down := true; f.lasts > 0; down = !down {
			t.set(path{Cut: down}, f.hurts)
			t.pass(ctx, flapEvery)
			f.lasts -= flapEvery
		}
		t.set(path{}, f.hurts)
	default:
		t.pass(ctx, f.lasts)
	}
	return nil
}

// pass lets time pass, and notices when this process stands still.
func (t *trial) pass(ctx context.Context, span time.Duration) {
	for end := time.Now().Add(span); ctx.Err() == nil && time.Now().Before(end); {
		before := time.Now()
		time.Sleep(min(tickEvery, time.Until(end)))
		t.late = max(t.late, time.Since(before)-tickEvery)
	}
}

// end takes it back.
func (t *trial) end(f *fault) error {
	t.blow(path{})
	t.set(path{}, func(int, int) bool { return true })
	switch f.kind {
	case kindThin:
		t.throttle(f.victims[0], 0)
	case kindDevice:
		return errors.Join(t.devices(f, mtuUsual), t.pace(0))
	case kindPause, kindFreeze:
		t.members[f.victims[0]].signal(syscall.SIGCONT)
	case kindKill, kindLeave:
		return t.each(f, t.boot)
	}
	return t.pace(0)
}

// devices gives the victims' devices an MTU.
func (t *trial) devices(f *fault, bytes int) error {
	return t.each(f, func(i int) error { return t.hosts[i].in(func() error { return t.hosts[i].mtu(bytes) }) })
}

func (t *trial) each(f *fault, do func(i int) error) (err error) {
	for _, i := range f.victims {
		err = errors.Join(err, do(i))
	}
	return err
}

// gather takes from reports what breaks a law.
func (t *trial) gather(reports []report) {
	for i, r := range reports {
		for _, s := range r.Broken {
			t.breaches = append(t.breaches, errors.New(s))
		}
		for what, n := range r.Refused {
			t.refused[what] += n
		}
		if !t.f.gone(i) {
			t.late = max(t.late, r.Late)
		}
		for _, d := range r.Deaths {
			about, _ := strconv.Atoi(d.Member[1:])
			if !t.f.apart(i, about) {
				t.deaths = append(t.deaths, fmt.Sprintf("%s declared %s dead, by %s", r.Name, d.Member, d.By))
			}
		}
	}
}

// judge ends a phase.
func (t *trial) judge() error {
	if t.late > stoodStill {
		fmt.Fprintf(t.out, "    this machine stood still for %v: deaths and delays count for nothing: %v\n", t.late.Round(time.Millisecond), t.deaths)
		t.void++
		t.deaths = nil
	}
	for _, d := range t.deaths {
		t.breaches = append(t.breaches, errors.New(d))
	}
	if len(t.breaches) > 0 {
		return errors.New("a law is broken")
	}
	return nil
}

// rest stops the writers: then all have to be equal.
func (t *trial) rest() error {
	t.f = fault{kind: "rest"}
	if _, err := t.all(order{Do: "rate"}, nobody); err != nil {
		return err
	}
	var last []report
	_, err := t.fresh(everybody, func(r []report) { t.gather(r); last = r })
	for _, r := range last {
		for _, own := range last {
			if s := r.Sees[own.Name]; err == nil && s.standing != own.Own {
				err = fmt.Errorf("%s has %s at %+v, and it is at %+v", r.Name, own.Name, s.standing, own.Own)
			}
		}
	}
	if err == nil && len(t.breaches) > 0 {
		err = errors.New("a law is broken")
	}
	return err
}

// marks are the fates that show that a fault hurt packets.
var marks = map[kind]fate{
	kindLoss: lost, kindDelay: late, kindReorder: late, kindTwice: doubled, kindCorrupt: damaged, kindMess: damaged,
	kindOneWay: cut, kindDeaf: cut, kindMute: cut, kindPartition: cut, kindFlap: cut,
}

// idle names a fault that was done and hurt no packet: whatever came of it shows nothing.
func (t *trial) idle() error {
	for k, counted := range t.hurt {
		if f, ok := marks[k]; ok && counted[f] == 0 {
			return fmt.Errorf("the fault %q hurt no packet", k)
		}
	}
	return nil
}
