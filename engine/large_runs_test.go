package engine_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// askedRuns are the tags of asks for runs that a test sends beside the engine's own.
const askedRuns = 1 << 30

// asksRuns has a member ask for all that another one has, so often on one stream, as soon as that is
// up. answered is called with each answer.
func asksRuns(s *bentStreams, times int, answered func(codec.AnswerStatus, *batch.StreamEvent)) {
	s.next = func(ev *batch.StreamEvent) {
		switch {
		case ev.Kind == batch.StreamUp && ev.Opened:
			var w codec.DigestWriter
			w.Begin(codec.AppendAskRuns(nil, 1), batch.StreamHeadMax, 0, 0)
			m := batch.StreamMessage{Head: w.End(^codec.OriginID(0)), Want: 1 << 20}
			for i := range times {
				m.Tag = askedRuns + uint32(i)
				if err := s.Streams.Send(ev.Stream, &m); err != nil {
					panic(err)
				}
			}
		case ev.Kind == batch.StreamAnswered && ev.Tag >= askedRuns:
			status, _, _ := codec.ParseAnswer(ev.Head)
			answered(status, ev)
		}
	}
}

// An answer with runs that found a stream full is sent after a while, as those with contents are: the
// asker does not have to wait until the stream ends.
func TestRunsThatFoundAStreamFullAreSentLater(t *testing.T) {
	var bent [2]bentStreams
	var full, bytes atomic.Int64
	virtualStreams(t, 2, func(i int, c *engine.Config) {
		bent[i].Streams = c.Streams
		c.Streams = &bent[i]
		if i == 0 {
			bent[i].send = func(_ batch.StreamID, m *batch.StreamMessage) error {
				if m.Answer && m.Dense && full.Add(1) <= 3 {
					return batch.ErrStreamFull
				}
				return nil
			}
			return
		}
		asksRuns(&bent[i], 1, func(_ codec.AnswerStatus, ev *batch.StreamEvent) { bytes.Add(int64(len(ev.Body))) })
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		if _, err := c.Engines[0].Set("k", value(50_000, 1)); err != nil { // so that a stream opens
			t.Fatal(err)
		}
		pause(time.Second)
		if bytes.Load() == 0 || full.Load() <= 3 {
			t.Errorf("%d bytes of runs came after %d times", bytes.Load(), full.Load())
		}
	})
}

// Who asks for runs and is slow to read them keeps no more than a few answers in the memory of who
// serves, and is told when to ask again.
func TestSlowReadersOfRunsHoldLittle(t *testing.T) {
	const asks = 12 // as many as may be open, but for those of the engine
	var bent [2]bentStreams
	var busy, here, given atomic.Int64
	virtualStreams(t, 2, func(i int, c *engine.Config) {
		bent[i].Streams = c.Streams
		c.Streams = &bent[i]
		if i == 0 {
			bent[i].send = func(_ batch.StreamID, m *batch.StreamMessage) error {
				if m.Answer && m.Dense && m.Body != nil {
					given.Add(1)
				}
				return nil
			}
			return
		}
		asksRuns(&bent[i], asks, func(status codec.AnswerStatus, _ *batch.StreamEvent) {
			if status == codec.AnswerBusy {
				busy.Add(1)
			} else if status == codec.AnswerHere {
				here.Add(1)
			}
		})
	}, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		for k := range 100 {
			set(t, c.Engines[0], fmt.Sprint("k", k), "v")
		}
		net.SetStreamFaults(simnet.StreamFaults{Rate: 1000})
		if _, err := c.Engines[0].Set("k", value(1000, 1)); err != nil { // so that a stream opens
			t.Fatal(err)
		}
		pause(time.Second)
		if given.Load() > 4 {
			t.Errorf("%d answers are held for one slow reader", given.Load())
		}
		pause(2 * time.Minute)
		if n := busy.Load() + here.Load(); n != asks || busy.Load() == 0 || here.Load() == 0 {
			t.Errorf("%d asks are answered, %d with runs, %d times that there is no time", n, here.Load(), busy.Load())
		}
	})
}

// Who gives the same runs again and again, or rubbish, or less than was asked for at the least, or says
// for ever that it has no time, is not asked for ever: what it lacks comes by datagrams, or from others.
func TestWhoRepeatsItsRunsIsNotAskedForEver(t *testing.T) {
	for _, how := range []string{"repeats", "rubbish", "empty", "busy", "drips"} {
		t.Run(how, func(t *testing.T) {
			var asked atomic.Int64
			for seed := uint64(0); seed < 20 && asked.Load() == 0; seed++ { // datagrams may be faster
				synctest.Test(t, func(t *testing.T) {
					link := simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: sched.Millisecond}}
					net := simnet.NewNetwork(seed, link)
					poller := net.Poller()
					var first []byte
					var author atomic.Pointer[engine.Engine]
					c := enginetest.NewCluster(t, 2, enginetest.Options{Transport: poller, Timeout: 3 * time.Minute, Config: func(i int, c *engine.Config) {
						bent := &bentStreams{Streams: poller.Streams()}
						if c.Streams = bent; i == 1 {
							return
						}
						bent.next = func(ev *batch.StreamEvent) {
							if ev.Kind == batch.StreamAsked && codec.AskKind(ev.Head[0]) == codec.AskRuns {
								if asked.Add(1); how == "drips" {
									_, window, _ := codec.ParseAskRuns(ev.Head)
									ev.Head = append(codec.AppendAskRuns(nil, 1), window...)
									for k := range 5 { // a little for the next ask
										if _, err := author.Load().Set(fmt.Sprint("more", k), []byte("v")); err != nil {
											t.Error(err)
										}
									}
								}
							}
						}
						bent.send = func(_ batch.StreamID, m *batch.StreamMessage) error {
							if !m.Answer || !m.Dense {
								return nil
							}
							if m.Body != nil && first == nil {
								first = bytes.Clone(m.Body)
							}
							switch {
							case first == nil:
							case how == "repeats":
								m.Head, m.Body = codec.AppendAnswer(nil, codec.AnswerHere, 0), first
							case how == "drips":
							case how == "busy":
								m.Head, m.Body = codec.AppendAnswer(nil, codec.AnswerBusy, 0), nil
							case how == "rubbish":
								m.Head, m.Body = codec.AppendAnswer(nil, codec.AnswerHere, 0), value(100_000, 7)
							default:
								m.Head, m.Body = codec.AppendAnswer(nil, codec.AnswerHere, 0), nil
							}
							return nil
						}
					}})
					author.Store(c.Engines[0])
					c.Kill(1)
					for k := range 5000 {
						set(t, c.Engines[0], fmt.Sprint("k", k), fmt.Sprintf("%040d", k))
						if k%500 == 0 {
							pause(50 * time.Millisecond)
						}
					}
					link.Loss = simnet.Probability(0.6)
					net.Do(func(m *simnet.Model) { m.SetLink(link) })
					net.SetStreamFaults(simnet.StreamFaults{Policed: true})
					c.Restart(1)
					c.Join(1, 0)
					pause(20 * time.Second)
					t.Logf("asked %d times", asked.Load())
					if n := asked.Load(); n > 100 {
						t.Errorf("asked %d times", n)
					}
					link.Loss = 0
					net.Do(func(m *simnet.Model) { m.SetLink(link) })
					c.WaitConverged()
				})
			}
			if asked.Load() == 0 {
				t.Error("nobody was asked for runs")
			}
		})
	}
}
