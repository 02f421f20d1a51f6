package apart

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
	"github.com/quidnunc/quidnunc/tools/qn/internal/demo"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// keysEach is how many keys each member writes: half of them its own, half of them shared.
const keysEach = 8

// tour is a tour in progress.
type tour struct {
	*cluster
	ctx    context.Context
	report *demo.Report
	say    func(format string, args ...any)

	mu      sync.Mutex
	newest  map[string]string // name → value, as acknowledged
	writes  atomic.Uint64
	rate    atomic.Int64
	excused atomic.Bool // verdicts may be wrong because of what was done
	falsely atomic.Int64
}

// Tour runs nodes processes of the program with the flags of qn agent, and measures: write, kill,
// revive, partition, heal, loss and overload, in parts of span together.
func Tour(ctx context.Context, nodes int, seed uint64, span time.Duration, program []string, say func(format string, args ...any)) (*demo.Report, error) {
	c, err := start(ctx, nodes, program)
	if err != nil {
		return nil, err
	}
	defer c.close()
	t := &tour{cluster: c, ctx: ctx, say: say, newest: map[string]string{}, report: &demo.Report{Schema: "qn.demo/1", Nodes: nodes, Processes: nodes, Seed: seed}}
	if !until(ctx, func(ctx context.Context) bool { return c.allSee(ctx, "alive", c.living()) }) {
		return nil, errGone
	}
	began := time.Now()
	life, end := context.WithCancel(ctx)
	var all sync.WaitGroup
	t.rate.Store(50)
	all.Go(func() { t.keepWriting(life) })
	all.Go(func() { t.judge(life) })
	part := span / 10
	for _, step := range []func(part time.Duration){t.quiet, t.death, t.cut, t.loss, t.overload} {
		if step(part); ctx.Err() != nil {
			break
		}
	}
	t.rate.Store(0)
	t.finish()
	end()
	all.Wait()
	t.report.FalseDeaths, t.report.Writes = t.falsely.Load(), t.writes.Load()
	t.report.DurationS = time.Since(began).Seconds()
	return t.report, ctx.Err()
}

// keyName is the name of a key that a member alone writes: of its own, or shared.
func keyName(i, key int) string {
	if key%2 == 0 {
		return fmt.Sprintf("%s/k%d", name(i), key)
	}
	return fmt.Sprintf("%s-k%d", name(i), key)
}

// write writes a key by way of a member and remembers what was acknowledged.
func (t *tour) write(ctx context.Context, i int) {
	n := t.writes.Add(1)
	key, value := keyName(i, int(n/uint64(t.n)%keysEach)), strconv.FormatUint(n, 10)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client(i).Do(ctx, "PUT", "/v1/kv/"+key, []byte(value), nil) == nil {
		t.newest[key] = value
	}
}

func (t *tour) keepWriting(ctx context.Context) {
	const slice = 20 * time.Millisecond
	again := time.NewTicker(slice)
	defer again.Stop()
	for n := 0; ; {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		for range int(float64(t.rate.Load()) * slice.Seconds()) {
			if living := t.living(); len(living) > 0 {
				n++
				t.write(ctx, living[n%len(living)])
			}
		}
	}
}

// judge counts verdicts about members that run, while nothing was done that would explain them: one
// for each observer and member that stays wrong.
func (t *tour) judge(ctx context.Context) {
	wrong := map[[2]int]bool{}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if t.excused.Load() {
			continue
		}
		for _, i := range t.living() {
			for _, j := range t.living() {
				is := t.sees(ctx, i, "dead", []int{j}) && !t.excused.Load()
				if is && !wrong[[2]int{i, j}] {
					t.falsely.Add(1)
				}
				wrong[[2]int{i, j}] = is
			}
		}
	}
}

func (t *tour) pause(span time.Duration) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}

// millis is how long it took from a moment until something was so; -1 if it never was.
func (t *tour) millis(from time.Time, what string, so func(ctx context.Context) bool) float64 {
	if !until(t.ctx, so) {
		if t.report.Failure == "" {
			t.report.Failure = what + " did not come true"
		}
		return -1
	}
	took := time.Since(from)
	t.say("%s after %s", what, units.Span(int64(took)))
	return float64(took) / 1e6
}

// quiet measures how long writes take, by what each agent says of when it learned them; all clocks
// are this machine's.
func (t *tour) quiet(part time.Duration) {
	t.say("%d processes write %d keys a second", t.n, t.rate.Load())
	var took []float64
	for end := time.Now().Add(2 * part); time.Now().Before(end) && t.ctx.Err() == nil; t.pause(50 * time.Millisecond) {
		var trace api.Trace
		c := t.client(0)
		if c.Do(t.ctx, "PUT", "/v1/kv/traced", []byte(strconv.Itoa(len(took))), nil) != nil || c.Get(t.ctx, "/v1/trace/traced", &trace) != nil {
			continue
		}
		last, have := 0.0, 0
		for _, l := range trace.Learned {
			if l.Version == trace.Version {
				have++
				last = max(last, l.AfterSeconds*1e6)
			}
		}
		if have == t.n {
			took = append(took, last)
		}
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		t.report.VisibleAllUs, t.report.VisibleAllP99 = took[(n-1)/2], took[(n-1)*99/100]
		t.say("a write is on all members after %s (p50), %s (p99)", units.Span(int64(t.report.VisibleAllUs*1e3)), units.Span(int64(t.report.VisibleAllP99*1e3)))
	}
}

func (t *tour) death(part time.Duration) {
	victim := t.n - 1
	t.excused.Store(true)
	at := time.Now()
	t.kill(victim)
	t.mu.Lock()
	for k := range keysEach { // its next life begins blank
		delete(t.newest, keyName(victim, k))
	}
	t.mu.Unlock()
	t.say("%s was killed by SIGKILL", name(victim))
	t.report.DetectMs = t.millis(at, "all believe it", func(ctx context.Context) bool { return t.allSee(ctx, "dead", []int{victim}) })
	t.pause(part)
	at = time.Now()
	if err := t.run(t.ctx, victim); err != nil {
		t.report.Failure = err.Error()
	}
	t.report.BackMs = t.millis(at, "its next life is seen by all", func(ctx context.Context) bool { return t.allSee(ctx, "alive", t.living()) })
	t.excused.Store(false)
	t.pause(part)
}

func (t *tour) cut(part time.Duration) {
	t.excused.Store(true)
	group := make([]int, t.n)
	for i := range t.n / 2 {
		group[i] = 1
	}
	t.path.rules.Store(&rules{group: group})
	t.say("the cluster was cut into halves")
	t.pause(2 * part)
	t.path.rules.Store(&rules{group: make([]int, t.n)})
	t.say("the cut ended")
	t.report.HealMs = t.millis(time.Now(), "one cluster again, nothing lacks", func(ctx context.Context) bool {
		return t.allSee(ctx, "alive", t.living()) && t.lacking(ctx) == 0
	})
	t.excused.Store(false)
}

func (t *tour) loss(part time.Duration) {
	t.path.rules.Store(&rules{group: make([]int, t.n), loss: 0.2})
	t.say("20 %% of all datagrams are lost")
	t.pause(part)
	t.path.rules.Store(&rules{group: make([]int, t.n)})
	t.report.LossMs = t.millis(time.Now(), "nothing lacks", func(ctx context.Context) bool { return t.lacking(ctx) == 0 })
}

func (t *tour) overload(part time.Duration) {
	t.say("writes as fast as the fronts take them for %v", part)
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.ctx, part)
	defer cancel()
	for i := range t.n {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_ = t.client(i).Do(ctx, "PUT", "/v1/kv/flood"+strconv.Itoa(n%16), []byte(strconv.Itoa(n)), nil) // not of those that are checked
			}
		})
	}
	all.Wait()
	t.report.OverloadMs = t.millis(time.Now(), "nothing lacks", func(ctx context.Context) bool { return t.lacking(ctx) == 0 })
}

// lacking counts keys of which some member has not the newest acknowledged value.
func (t *tour) lacking(ctx context.Context) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, value := range t.newest {
		for _, i := range t.living() {
			var e api.Entry
			if t.client(i).Get(ctx, "/v1/kv/"+key, &e) != nil || e.Value != value {
				n++
				break
			}
		}
	}
	return n
}

func (t *tour) finish() {
	t.millis(time.Now(), "without writes all are equal", func(ctx context.Context) bool { return t.lacking(ctx) == 0 && t.equal(ctx) })
	ctx, cancel := context.WithTimeout(t.ctx, settleWait)
	defer cancel()
	t.report.Converged, t.report.LostUpdates = t.equal(ctx), t.lacking(ctx)
}
