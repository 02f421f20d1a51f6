package sim

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

const checksumBytes = 4

// rewrite changes the bodies of records of one type in a frame that is not sealed, and
// makes its checksum right again: a fault in the node that sent it looks like that.
func rewrite(f *Frame, typ codec.Type, change func(body []byte)) {
	var h codec.Header
	records, err := codec.ParseFrame(f.Data, &h)
	if err != nil || h.KeyID != 0 {
		return
	}
	for t, body, rest := codec.NextRecord(records); t != 0; t, body, rest = codec.NextRecord(rest) {
		if t == typ {
			change(body)
		}
	}
	codec.AppendChecksum(f.Data[:len(f.Data)-checksumBytes], 0)
}

// plainPlan is one in which nothing goes wrong.
func plainPlan() *Plan {
	return &Plan{
		Seed: 5, Nodes: 4, Until: 2 * sched.Second, Gap: 20 * sched.Millisecond, Keys: 4, Value: 20, Link: lan,
		Node: NodePlan{Frame: 1400, Interval: 50 * sched.Millisecond},
	}
}

// TestLawsCanBeBroken: each law tells of the fault that it is about.
func TestLawsCanBeBroken(t *testing.T) {
	if out := Try(plainPlan()); out.Violation != nil {
		t.Fatal("without a fault:", out.Violation)
	}
	f := func(law string, fault func(w *World, p *Plan)) {
		t.Helper()
		p := plainPlan()
		out := TryWith(p, func(w *World) { fault(w, p) })
		if out.Violation == nil || out.Violation.Law != law {
			t.Errorf("law %s: %v", law, out.Violation)
		}
	}
	onFrame := func(change func(w *World, f *Frame) bool) func(*World, *Plan) {
		return func(w *World, _ *Plan) { w.OnFrame = func(f *Frame) bool { return change(w, f) } }
	}
	f("acknowledged", onFrame(func(w *World, f *Frame) bool { // node 2 says that it holds what is still on its way
		w.opt.Late = 0
		rewrite(f, codec.TypeHave, func(b []byte) {
			if f.From == 2 && f.To == 1 && f.At > sched.Second {
				setMax(b, w.Nodes[1].Core.Parts().Store.Max(w.Nodes[1].Core.Parts().Own))
			}
		})
		rewrite(f, codec.TypeRun, func([]byte) {
			if f.To == 2 && f.At > sched.Second {
				f.Fate.At[0] += 300 * sched.Millisecond
			}
		})
		return true
	}))
	f("acks", onFrame(func(w *World, f *Frame) bool { // node 2 confirms nothing
		w.opt.Late = 0
		says := true
		rewrite(f, codec.TypeHave, func([]byte) { says = f.From != 2 || f.At < sched.Second })
		return says
	}))
	f("late", onFrame(func(_ *World, f *Frame) bool {
		if f.From == 0 && f.At > sched.Second && f.Fate != nil {
			f.Fate.At[0] += 30 * sched.Millisecond
		}
		return true
	}))
	f("counted", onFrame(func(w *World, f *Frame) bool {
		w.opt.Late = 0
		if f.From == 0 && f.At/(100*sched.Millisecond) == 15 {
			f.Data[len(f.Data)-1]++
		}
		return true
	}))
	f("frame", func(w *World, _ *Plan) {
		w.At(sched.Second, func() { w.Nodes[2].cfg.Frame = 100 })
	})
	f("quiet", func(w *World, p *Plan) { // who asks without end
		var again func()
		again = func() {
			n := w.Nodes[0]
			w.do(n, func(s *shard) {
				n.Core.Ask(n.now, true)
				w.pump(s, n)
			})
			w.After(2*sched.Millisecond, again)
		}
		w.At(p.Until+5*sched.Second, again)
	})
	f("amplified", onFrame(func(w *World, f *Frame) bool { // who answers a greeting twenty times
		rewrite(f, codec.TypeHelloReply, func([]byte) {
			for range 19 {
				w.amplified(w.Nodes[f.From], w.Nodes[f.To].Addr, f.Data)
			}
		})
		return true
	}))
	f("storm", func(w *World, p *Plan) {
		w.OnFrame = func(f *Frame) bool {
			if f.At > sched.Second {
				w.Stats.Frames += 500 // as if each was echoed
			}
			return true
		}
	})
	f("forged", func(w *World, _ *Plan) {
		w.At(sched.Second, func() {
			for k, v := range w.Nodes[1].log.newest {
				if !w.Nodes[1].log.gone[k] {
					w.Nodes[1].log.hash[v]++
				}
			}
		})
	})
	f("torn", func(w *World, _ *Plan) { // one that was written by halves
		w.At(sched.Second, func() {
			w.Set(1, "half", "of a batch")
			w.Nodes[1].log.end[w.Nodes[1].log.max()]++
		})
	})
	f("level", func(w *World, _ *Plan) { // a key that its author never saw
		w.At(sched.Second, func() { w.Nodes[1].log.dead[w.Nodes[1].log.max()] = true })
	})
	for _, law := range [...]string{"ended", "kept"} {
		f(law, func(w *World, _ *Plan) {
			w.At(sched.Second, func() {
				number := w.Grant(1, 500*sched.Millisecond)
				w.Write(1, core.Op{Kind: core.Set, Key: []byte("held"), Lease: number})
				w.After(200*sched.Millisecond, func() { // its author says more than others heard, or less
					if l := w.Nodes[1].log.leases[number]; law == "ended" {
						l.begun -= 100 * sched.Millisecond
					} else {
						l.times[0] += 100 * sched.Millisecond
						w.Stop(1)
					}
				})
			})
		})
	}
	for what, count := range map[string]func(c *core.Counters){ // a node that counts what it did not do, or not all that it did
		"frames": func(c *core.Counters) { c.FramesSent++ }, "bytes": func(c *core.Counters) { c.BytesReceived-- },
		"entries": func(c *core.Counters) { c.EntriesSent++ }, "frames with entries": func(c *core.Counters) { c.RunFrames-- },
		"digests": func(c *core.Counters) { c.DigestsSent++ }, "pulls": func(c *core.Counters) { c.PullsSent++ },
		"frames of the detector": func(c *core.Counters) { c.DetectorFrames-- }, "runs": func(c *core.Counters) { c.RunsReceived += 1 << 20 },
	} {
		t.Log(what)
		f("tally", func(w *World, _ *Plan) { w.At(sched.Second, func() { count(w.Nodes[1].Core.Counters()) }) })
	}
	f("missing", func(w *World, _ *Plan) { // a write that its author does not hold
		w.At(sched.Second, func() {
			h := w.Nodes[1].log
			h.write(&codec.Entry{Version: h.max() + 1, Key: []byte("lost")})
		})
	})
}

// TestRatesThatNobodyGave: nodes take no more of each other's rates than they give, and where one
// says that it gave more, that is told.
func TestRatesThatNobodyGave(t *testing.T) {
	try := func(more int64) (given uint64, v *Violation) {
		p := plainPlan()
		p.Node.Flow, p.Node.Rate, p.Node.Shares = tune.FlowOn, 4000, true
		v = TryWith(p, func(w *World) {
			for k := range sched.Instant(400) { // one wishes for much more than the others
				w.At(sched.Second/2+k*sched.Millisecond, func() { w.Set(1, fmt.Sprint("much", k%50), filler[:k%64]) })
			}
			w.At(p.Until, func() {
				for _, n := range w.Nodes {
					given += n.Core.Parts().Flow.Ledger().Given
				}
			})
			w.OnFrame = func(f *Frame) bool {
				var h codec.Header
				if _, err := codec.ParseFrame(f.Data, &h); err == nil && h.Flags&codec.FlagRates != 0 && h.Rates.Given > 0 {
					h.Rates.Given += more
					codec.AppendHeader(f.Data[:0], &h)
					codec.AppendChecksum(f.Data[:len(f.Data)-checksumBytes], 0)
				}
				return true
			}
		}).Violation
		return given, v
	}
	if given, v := try(0); v != nil || given == 0 {
		t.Errorf("%d given, %v", given, v)
	}
	if _, v := try(100); v == nil || v.Law != "ledger" {
		t.Errorf("rates of nobody: %v", v)
	}
}

// TestAnswersToWhatWasHeldUpAreNoStorm: a clog that ends brings everything at once, and all of it
// may be answered.
func TestAnswersToWhatWasHeldUpAreNoStorm(t *testing.T) {
	many := func(late uint64) *Violation {
		return TryWith(plainPlan(), func(w *World) {
			w.opt.Late = 0
			w.At(sched.Second+stormSpan/2, func() {
				w.Stats.Frames += 8500 // of four nodes, 500 too many
				w.storm.late[uint64(w.now/stormSpan)] += late
			})
		}).Violation
	}
	if v := many(0); v == nil || v.Law != "storm" {
		t.Errorf("nothing was held up: %v", v)
	}
	if v := many(1000); v != nil {
		t.Error("a thousand were held up:", v)
	}
}

// setMax changes a Have if that does not change its length.
func setMax(body []byte, max uint64) {
	if h, err := codec.ParseHave(body); err == nil {
		h.Max = max
		if b := codec.AppendHave(nil, h)[codec.RecordBytes:]; len(b) == len(body) {
			copy(body, b)
		}
	}
}

// TestNumbersOfFramesBeginAnew: in plans every other node's frames pass number 2^32, and all laws hold.
func TestNumbersOfFramesBeginAnew(t *testing.T) {
	type pair struct{ from, to int }
	last, passed := map[pair]uint32{}, map[int]bool{}
	out := TryWith(plainPlan(), func(w *World) {
		w.OnFrame = func(f *Frame) bool {
			var h codec.Header
			if _, err := codec.ParseFrame(f.Data, &h); err == nil && h.Flags&codec.FlagFlow != 0 {
				at := pair{f.From, f.To}
				if h.Seq < last[at] {
					passed[f.From] = true
				}
				last[at] = h.Seq
			}
			return true
		}
	})
	if out.Violation != nil || len(passed) != 2 {
		t.Errorf("the numbers of %d nodes passed 2^32, want 2: %v", len(passed), out.Violation)
	}
}
