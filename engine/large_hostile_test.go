package engine_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// bentStreams are streams of a member that does not do as it should.
type bentStreams struct {
	batch.Streams
	send func(id batch.StreamID, m *batch.StreamMessage) error // what Send does before; nil: nothing
	next func(ev *batch.StreamEvent)                           // and Next behind it
}

func (s *bentStreams) Next(ev *batch.StreamEvent) bool {
	ok := s.Streams.Next(ev)
	if ok && s.next != nil {
		s.next(ev)
	}
	return ok
}

func (s *bentStreams) Send(id batch.StreamID, m *batch.StreamMessage) error {
	if s.send != nil {
		if err := s.send(id, m); err != nil {
			return err
		}
	}
	return s.Streams.Send(id, m)
}

// An author that says that it is busy each time, or ends each stream on which it is asked, keeps a
// content from nobody: others are asked.
func TestWhoPutsOffKeepsNothing(t *testing.T) {
	for _, how := range []string{"busy", "ends"} {
		t.Run(how, func(t *testing.T) {
			var times atomic.Int64
			virtualStreams(t, 3, func(i int, c *engine.Config) {
				if i > 0 {
					return
				}
				bent := &bentStreams{Streams: c.Streams}
				if c.Streams = bent; how == "busy" {
					bent.send = func(_ batch.StreamID, m *batch.StreamMessage) error {
						if m.Answer {
							m.Head, m.Body, m.Sum = codec.AppendAnswer(nil, codec.AnswerBusy, 10_000), nil, nil
							times.Add(1)
						}
						return nil
					}
				} else {
					bent.next = func(ev *batch.StreamEvent) {
						if ev.Kind == batch.StreamAsked {
							bent.Finish(ev.Stream)
							times.Add(1)
						}
					}
				}
			}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
				liar, author, reader := c.Engines[0], c.Engines[1], c.Engines[2]
				want := value(50_000, 1)
				if _, err := liar.Set("k", want); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				if _, err := author.Set("k", want); err != nil {
					t.Fatal(err)
				}
				pause(time.Minute)
				if !reads(reader, "node-1", "k", want) {
					t.Errorf("put off %d times, it did not come; %+v", times.Load(), reader.Large())
				}
				if n := times.Load(); n < 3 || n > 200 {
					t.Errorf("put off %d times", n)
				}
			})
		})
	}
}

// A member that answers all but one ask keeps its stream from stalling, and that content from nobody:
// another is asked, and of whoever holds back many nothing more is asked on that stream.
func TestWhoHoldsBackOneAskKeepsNothing(t *testing.T) {
	const keys, size, others = 6, 50_000, 5000
	var held atomic.Int64
	virtualStreams(t, 3, func(i int, c *engine.Config) {
		if i > 0 {
			return
		}
		c.Streams = &bentStreams{Streams: c.Streams, send: func(_ batch.StreamID, m *batch.StreamMessage) error {
			if m.Answer && len(m.Body) == size {
				held.Add(1)
				return batch.ErrClosed // as if it were sent
			}
			return nil
		}}
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		liar, author, reader := c.Engines[0], c.Engines[1], c.Engines[2]
		for n := range keys {
			if _, err := liar.Set(fmt.Sprint("k", n), value(size, byte(n))); err != nil {
				t.Fatal(err)
			}
		}
		pause(time.Second)
		for n := range keys {
			if _, err := author.Set(fmt.Sprint("k", n), value(size, byte(n))); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 600 {
			if _, err := liar.Set(fmt.Sprint("other", n%50), uniqueValue(others, n)); err != nil {
				t.Fatal(err)
			}
			pause(100 * time.Millisecond)
		}
		pause(20 * time.Second)
		for n := range keys {
			if !reads(reader, "node-1", fmt.Sprint("k", n), value(size, byte(n))) {
				t.Errorf("k%d did not come; %d held back; %+v", n, held.Load(), reader.Large())
			}
		}
		if n := held.Load(); n == 0 || n > 500 {
			t.Errorf("%d held back", n)
		}
	})
}

// What found a stream full is tried again after a while, though nothing happens on that stream: its
// queue may have been full of what others sent.
func TestWhatFoundAStreamFullIsTriedAgain(t *testing.T) {
	for _, answers := range []bool{false, true} {
		t.Run(fmt.Sprint("answers ", answers), func(t *testing.T) {
			var bent [2]bentStreams
			var full atomic.Int64
			var on atomic.Bool
			virtualStreams(t, 2, func(i int, c *engine.Config) {
				bent[i].Streams = c.Streams
				bent[i].send = func(_ batch.StreamID, m *batch.StreamMessage) error {
					if on.Load() && m.Answer == answers && full.Add(1) <= 3 {
						return batch.ErrStreamFull
					}
					return nil
				}
				c.Streams = &bent[i]
			}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
				pause(10 * time.Second)
				on.Store(true)
				if _, err := c.Engines[0].Set("k", value(50_000, 1)); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				if b := c.Engines[1]; !reads(b, "node-0", "k", value(50_000, 1)) || full.Load() <= 3 {
					t.Errorf("full %d times, and the value is not here after a second; %+v", full.Load(), b.Large())
				}
			})
		})
	}
}

// Who sends something else than the content that it was asked for is named in the log, and another
// is asked.
func TestWhoForgesContentsIsNamed(t *testing.T) {
	var lines heardLines
	virtualStreams(t, 3, func(i int, c *engine.Config) {
		switch i {
		case 0:
			c.Streams = &bentStreams{Streams: c.Streams, send: func(_ batch.StreamID, m *batch.StreamMessage) error {
				if m.Answer && m.Body != nil {
					m.Body = bytes.Clone(m.Body)
					m.Body[0] ^= 1
				}
				return nil
			}}
		case 2:
			c.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		}
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		want := value(50_000, 1)
		for _, e := range c.Engines[:2] {
			if _, err := e.Set("k", want); err != nil {
				t.Fatal(err)
			}
			pause(time.Second)
		}
		if b := c.Engines[2]; !reads(b, "node-0", "k", want) || b.Large().Streams.Forged == 0 {
			t.Errorf("it does not come from another; %+v", b.Large())
		}
		s := c.Engines[2].Stats().Large
		if len(s.Forgers) != 1 || s.Forgers[0] != (engine.Forger{Member: "node-0", Bodies: s.Streams.Forged}) {
			t.Errorf("%d forged bodies, of %+v", s.Streams.Forged, s.Forgers)
		}
		if text := lines.String(); strings.Count(text, "is not what") != 1 || !strings.Contains(text, "peer=node-0") {
			t.Errorf("who forged it is not named once:\n%s", text)
		}
	})
}
