package fleet

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// Kill is what an observer of a cluster of processes sees when one of them is
// killed, again and again, and when one is stopped for a moment.
type Kill struct {
	Schema  string  `json:"schema"`
	Nodes   int     `json:"nodes"`
	Profile string  `json:"profile"`
	Loss    float64 `json:"loss"`
	LossBy  string  `json:"loss_by,omitempty"` // nftables or receiver
	Seed    uint64  `json:"seed"`
	Kills   int     `json:"kills"`
	// Skipped says why nothing was measured, "" if something was.
	Skipped string `json:"skipped,omitempty"`
	// DetectFirstMs and DetectAllMs are the times from the call of kill until the
	// first other process says that the killed one is dead, and until the last one
	// does, for each kill.
	DetectFirstMs []float64 `json:"detect_first_ms"`
	DetectAllMs   []float64 `json:"detect_all_ms"`
	// BackMs is how long the next life took until all reached it again.
	BackMs []float64 `json:"back_ms"`
	Missed int       `json:"missed"` // pairs of a kill and a process that did not hear of it in time
	// Pauses is how many processes were stopped, each for PauseMs; PausedDead how
	// often another one said then that it was dead.
	Pauses     int     `json:"pauses"`
	PauseMs    float64 `json:"pause_ms"`
	PausedDead int     `json:"paused_dead"`
	// FalseSuspect and FalseDead count words of processes about others that ran.
	FalseSuspect int `json:"false_suspect"`
	FalseDead    int `json:"false_dead"`
}

const (
	detectTimeout = 30 * time.Second
	settleSpan    = time.Second // between two trials
)

// trial is the kill or pause that is watched now.
type trial struct {
	victim int
	at     int64         // of the kill, wall clock
	died   map[int]int64 // by node
	paused bool
}

// scenario is a run of Kill.
type scenario struct {
	*fleet
	result *Kill
	now    *trial
	rand   *rand.Rand
	show   func(format string, args ...any)
}

// Kills runs the nodes, kills one as often as kills says and starts it anew each
// time, then stops pauses of them for a span each.
func Kills(ctx context.Context, o Options, kills, pauses int, pause time.Duration, progress *term.Progress) (*Kill, error) {
	defer progress.Clear()
	s := &scenario{
		result: &Kill{Schema: "qn.kill/1", Nodes: o.Nodes, Profile: o.Profile, Loss: o.Loss, Seed: o.Seed, PauseMs: millis(pause)},
		rand:   rand.New(rand.NewPCG(o.Seed, 1)), show: progress.Show,
	}
	s.show("starting %d processes", o.Nodes)
	var err error
	if s.fleet, err = start(ctx, o); err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.formed(ctx, func(heard) {}); err != nil {
		return nil, err
	}
	if err := s.watch(ctx, 2*settleSpan); err != nil {
		return nil, err
	}
	for i := range kills {
		s.show("kill %d of %d", i+1, kills)
		if err := s.kill(ctx); err != nil {
			return nil, err
		}
	}
	for i := range pauses {
		s.show("pause %d of %d", i+1, pauses)
		if err := s.pause(ctx, pause); err != nil {
			return nil, err
		}
	}
	return s.result, nil
}

// hear counts one line.
func (s *scenario) hear(h heard) {
	if h.Event == "" || h.life != s.nodes[h.node].life {
		return
	}
	about := s.now != nil && h.Member == name(s.now.victim)
	switch h.Event {
	case engine.EventDead.String():
		switch {
		case about && s.now.paused:
			s.result.PausedDead++
		case about && s.now.died != nil:
			if s.now.died[h.node] == 0 {
				s.now.died[h.node] = h.At
			}
		default:
			s.result.FalseDead++
		}
	case engine.EventSuspected.String():
		if !about {
			s.result.FalseSuspect++
		}
	}
}

// watch listens for a span.
func (s *scenario) watch(ctx context.Context, span time.Duration) error {
	end := time.NewTimer(span)
	defer end.Stop()
	for {
		select {
		case h := <-s.heard:
			s.hear(h)
		case <-end.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// kill kills one node, not the first, which the next life of it joins.
func (s *scenario) kill(ctx context.Context) error {
	victim := 1 + s.rand.IntN(len(s.nodes)-1)
	s.now = &trial{victim: victim, died: map[int]int64{}}
	s.now.at = time.Now().UnixNano()
	s.nodes[victim].cmd.Process.Kill()
	if err := s.untilAllKnow(ctx); err != nil {
		return err
	}
	<-s.nodes[victim].ended
	s.count()
	began := time.Now()
	next, err := s.launch(ctx, victim, s.nodes[victim].life+1)
	if err != nil {
		return err
	}
	s.nodes[victim] = next
	s.say(next, "join "+s.nodes[0].addr)
	if err := s.formed(ctx, s.hear); err != nil {
		return err
	}
	s.result.BackMs = append(s.result.BackMs, millis(time.Since(began)))
	err = s.watch(ctx, settleSpan)
	s.now = nil
	return err
}

// untilAllKnow listens until all others have said that the victim is dead.
func (s *scenario) untilAllKnow(ctx context.Context) error {
	limit := time.NewTimer(detectTimeout)
	defer limit.Stop()
	for len(s.now.died) < len(s.nodes)-1 {
		select {
		case h := <-s.heard:
			s.hear(h)
		case <-limit.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *scenario) count() {
	r := s.result
	r.Kills++
	r.Missed += len(s.nodes) - 1 - len(s.now.died)
	var times []int64
	for _, at := range s.now.died {
		times = append(times, at)
	}
	if len(times) == 0 {
		return
	}
	slices.Sort(times)
	r.DetectFirstMs = append(r.DetectFirstMs, millis(time.Duration(times[0]-s.now.at)))
	r.DetectAllMs = append(r.DetectAllMs, millis(time.Duration(times[len(times)-1]-s.now.at)))
}

// pause stops one node for a span, as a busy machine or a debugger does.
func (s *scenario) pause(ctx context.Context, span time.Duration) error {
	victim := s.rand.IntN(len(s.nodes))
	s.now = &trial{victim: victim, paused: true}
	p := s.nodes[victim].cmd.Process
	if err := stop(p); err != nil {
		return err
	}
	err := s.watch(ctx, span)
	if going := resume(p); err == nil {
		err = going
	}
	if err == nil {
		err = s.watch(ctx, settleSpan)
	}
	s.now = nil
	s.result.Pauses++
	return err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Passed is true if every kill was heard of by all, and nobody was taken for
// dead who was not.
func (k *Kill) Passed() bool { return k.Missed == 0 && k.FalseDead == 0 && k.PausedDead == 0 }
