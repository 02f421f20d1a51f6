package simnet

import (
	"bytes"
	"crypto/sha256"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// streamEnd is a member's streams with their reactor.
type streamEnd struct {
	t    *testing.T
	p    *Poller
	s    *Streams
	salt [16]byte
	near batch.StreamPeer
}

func streamEnds(t *testing.T, net *Network) (ends [2]*streamEnd) {
	for i := range ends {
		p := net.Poller()
		c := listen(t, p)
		e := &streamEnd{t: t, p: p, s: p.Streams(), salt: [16]byte{byte(i + 1)}}
		if err := e.s.Start(batch.StreamSetup{Near: c.LocalAddr(), Salt: e.salt, Wake: p.Wake}); err != nil {
			t.Fatal(err)
		}
		e.near = batch.StreamPeer{Addr: c.LocalAddr(), Salt: e.salt}
		ends[i] = e
	}
	return ends
}

// connected are two ends with a stream between them: its number at the opener, and what the other
// one was told of it.
func connected(t *testing.T) (e [2]*streamEnd, id batch.StreamID, far batch.StreamEvent) {
	t.Helper()
	e = streamEnds(t, NewNetwork(1, Link{Delay: Delay{Min: sched.Millisecond, Max: 2 * sched.Millisecond}}))
	id, err := e[0].s.Open(e[1].near)
	if err != nil {
		t.Fatal(err)
	}
	e[0].want(batch.StreamUp)
	return e, id, e[1].want(batch.StreamUp)
}

func listen(t *testing.T, p *Poller) batch.Conn {
	c, err := p.Listen(netip.AddrPortFrom(p.Host(), 0), batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (e *streamEnd) next(limit sched.Instant) (ev batch.StreamEvent, ok bool) {
	var ready [4]batch.Conn
	for end := e.p.Now() + limit; ; {
		if e.s.Next(&ev) {
			return ev, true
		}
		if e.p.Now() >= end {
			return ev, false
		}
		e.p.Wait(end, ready[:])
	}
}

func (e *streamEnd) want(kind batch.StreamKind) batch.StreamEvent {
	e.t.Helper()
	ev, ok := e.next(30 * sched.Second)
	if !ok || ev.Kind != kind {
		e.t.Fatalf("%+v, want kind %d", ev, kind)
	}
	return ev
}

func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, id, far := connected(t)
		if far.Peer.Salt != e[0].salt || far.Opened {
			t.Errorf("%+v", far)
		}
		body := bytes.Repeat([]byte("body"), 1000)
		sum := sha256.Sum256(body)
		ask := func(tag uint32, f func(ev batch.StreamEvent)) {
			if err := e[0].s.Send(id, &batch.StreamMessage{Tag: tag, Head: []byte("?"), Want: len(body), Sum: &sum}); err != nil {
				t.Fatal(err)
			}
			f(e[1].want(batch.StreamAsked))
		}
		answer := func(b []byte) func(ev batch.StreamEvent) {
			return func(ev batch.StreamEvent) {
				if err := e[1].s.Send(far.Stream, &batch.StreamMessage{Answer: true, Tag: ev.Tag, Body: b}); err != nil {
					t.Fatal(err)
				}
				e[1].want(batch.StreamSent)
			}
		}
		ask(1, answer(body))
		if ev := e[0].want(batch.StreamAnswered); !bytes.Equal(ev.Body, body) || ev.Tag != 1 {
			t.Errorf("%+v", ev)
		}
		e[0].p.net.SetStreamFaults(StreamFaults{Forge: Always})
		ask(2, answer(body))
		if ev := e[0].want(batch.StreamForged); ev.Body != nil {
			t.Error("a forged body is told")
		}
		e[0].p.net.SetStreamFaults(StreamFaults{Rate: 1000})
		began := e[0].p.Now()
		ask(3, answer(body))
		e[0].want(batch.StreamAnswered)
		if took := e[0].p.Now() - began; took < 4*sched.Second {
			t.Errorf("4,000 bytes at 1,000 a second took %d", took)
		}
		e[0].p.net.SetStreamFaults(StreamFaults{Reset: Always})
		e[0].s.Send(id, &batch.StreamMessage{Tag: 4})
		if ev := e[0].want(batch.StreamDown); ev.Cause != batch.StreamTruncated {
			t.Errorf("%v", ev.Cause)
		}
		e[1].want(batch.StreamDown)
	})
}

func TestStreamsThatDoNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(cause batch.StreamCause, do func(net *Network, e [2]*streamEnd, to *batch.StreamPeer)) {
			t.Helper()
			net := NewNetwork(1, Link{Delay: Delay{Min: sched.Millisecond, Max: 2 * sched.Millisecond}})
			e := streamEnds(t, net)
			to := e[1].near
			do(net, e, &to)
			e[0].s.Open(to)
			if ev := e[0].want(batch.StreamDown); ev.Cause != cause {
				t.Errorf("%v, want %v", ev.Cause, cause)
			}
		}
		f(batch.StreamStranger, func(_ *Network, _ [2]*streamEnd, to *batch.StreamPeer) { to.Salt[3]++ })
		f(batch.StreamUnreachable, func(_ *Network, e [2]*streamEnd, _ *batch.StreamPeer) { e[1].s.Close() })
		f(batch.StreamLate, func(n *Network, _ [2]*streamEnd, _ *batch.StreamPeer) {
			n.SetStreamFaults(StreamFaults{HalfOpen: Always})
		})
		f(batch.StreamLate, func(n *Network, _ [2]*streamEnd, _ *batch.StreamPeer) {
			n.Do(func(m *Model) { m.Add(Rule{Cut: true}) })
		})
	})
}

// Who changes a body that a stream has, or reads what was given back, finds out here.
func TestStreamsTellWhoTouchesWhatIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, id, far := connected(t)
		body := []byte("body")
		for round := range 2 {
			e[0].s.Send(id, &batch.StreamMessage{Tag: 1, Want: len(body)})
			ev := e[1].want(batch.StreamAsked)
			e[1].s.Send(far.Stream, &batch.StreamMessage{Answer: true, Tag: ev.Tag, Body: body})
			if round == 1 {
				body[0]++
				defer func() {
					if recover() == nil {
						t.Error("a body was changed before StreamSent, and nobody said so")
					}
				}()
			}
			e[1].want(batch.StreamSent)
			got := e[0].want(batch.StreamAnswered)
			kept := got.Body
			if e[0].s.Release(&got); bytes.Equal(kept, body) {
				t.Error("a body is readable after Release")
			}
		}
	})
}
