package interval

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
)

// ask has a peer ask one node for so many of the first keys, each by itself.
func (w *pair) ask(n *node, peer uint32, id codec.OriginID, times int) {
	var iw codec.IntervalWriter
	iw.Begin(nil, 1400, codec.TypeIntervalPull, id, 103)
	for i := range uint64(times) {
		if !iw.Ask(&codec.IntervalPull{From: i, To: i + 1, Step: 1}) {
			w.t.Fatal("the frame is too short")
		}
	}
	n.mender.Receive(&reconcile.Frame{Now: w.now, Peer: peer}, codec.TypeIntervalPull, iw.End()[codec.RecordBytes:])
}

// answers are the bytes that a peer is answered with, until nothing is left.
func (w *pair) answers(n *node, peer uint32) (bytes int) {
	for range 1000 {
		out, done := n.mender.Append(nil, &reconcile.Page{Now: w.now, Limit: frameBytes, Peer: peer})
		if bytes += len(out); done {
			return bytes
		}
	}
	w.t.Fatal("the answers do not end")
	return bytes
}

// TestQuestionsAreBounded: of one peer and of all; those that wait for too long are dropped, and
// make room.
func TestQuestionsAreBounded(t *testing.T) {
	w := newPair(t, 100)
	w.forget([]int{5, 6, 7})
	n := w.nodes[1]
	waiting := func(peer uint32) (of int) {
		for i := range n.mender.asks.list {
			if n.mender.asks.list[i].peer == peer {
				of++
			}
		}
		return of
	}
	if w.ask(n, 3, 9, 1); waiting(3) != 0 {
		t.Error("a question of an origin that is not here waits")
	}
	for range asksPeer {
		w.ask(n, 3, 1, 3)
	}
	if got := waiting(3); got != asksPeer {
		t.Errorf("%d questions of one peer wait", got)
	}
	for peer := uint32(4); peer < 8; peer++ {
		w.ask(n, peer, 1, asksPeer/2)
	}
	if got := len(n.mender.asks.list); got != asksMax || waiting(7) != 0 {
		t.Errorf("%d questions wait, %d of the last", got, waiting(7))
	}
	one := w.answers(n, 4)
	if one == 0 || waiting(4) != 0 || waiting(3) != asksPeer || waiting(5) != asksPeer/2 {
		t.Errorf("one peer is answered with %d bytes: %d, %d and %d are left", one, waiting(4), waiting(3), waiting(5))
	}
	if w.now += asksAge - 1; len(n.mender.asks.list) == 0 {
		t.Error("they are dropped at once")
	}
	w.ask(n, 7, 1, 1)
	if waiting(3) != asksPeer {
		t.Error("they are dropped too soon")
	}
	w.now++
	w.ask(n, 7, 1, 1)
	if waiting(3)+waiting(5)+waiting(6) != 0 || waiting(7) != 2 {
		t.Errorf("old ones wait: %d, %d, %d; and %d new ones", waiting(3), waiting(5), waiting(6), waiting(7))
	}
	if got := w.answers(n, 3); got != 0 {
		t.Errorf("old ones are answered with %d bytes", got)
	}
}

// TestDoubtsAreBounded: each log once, from the lowest version that was in doubt, whole if one was;
// those for which there is no place are left out, and one that is gone meanwhile is passed over.
func TestDoubtsAreBounded(t *testing.T) {
	w := newPair(t, 100)
	n := w.nodes[0]
	m, a := &n.mender, &n.mender.audit
	o := n.o
	if m.Doubt(w.now, o, 40, false); !a.doubted || a.id != 1 || a.from != 40 || a.end != 100 || a.whole {
		t.Fatalf("%+v", a)
	}
	if m.Doubt(w.now, o, 7, true); len(a.doubts) != 0 || a.from != 40 {
		t.Error("a log that is gone through already begins anew")
	}
	a.doubts = append(a.doubts, doubt{id: 77, from: 9}, doubt{id: 1, from: 60})
	a.id = 5 // it goes through another one
	m.Doubt(w.now, o, 50, false)
	m.Doubt(w.now, o, 70, true)
	if len(a.doubts) != 2 || a.doubts[1] != (doubt{1, 50, true}) {
		t.Errorf("%+v", a.doubts)
	}
	for len(a.doubts) < doubtsMax {
		a.doubts = append(a.doubts, doubt{id: 1000})
	}
	a.doubts[1].id = 1000
	if m.Doubt(w.now, o, 1, false); len(a.doubts) != doubtsMax {
		t.Errorf("%d logs wait", len(a.doubts))
	}
	a.doubts = append(a.doubts[:0], doubt{id: 77}, doubt{1, 100, true})
	m.doubtNext(w.now)
	if a.origin != o || !a.doubted || !a.whole || a.from != 0 || len(a.doubts) != 0 {
		t.Errorf("what has nothing above is gone through from the beginning: %+v", a)
	}
	m.doubtNext(w.now)
	if a.doubted || a.whole || a.origin != 0 || a.at != w.now+max(a.every, 0) {
		t.Errorf("nothing is in doubt any more: %+v", a)
	}
	if got := m.auditPace(1); got < again {
		t.Errorf("the audit asks each %v", got)
	}
	a.doubted = true
	if got := m.auditPace(1); got != n.rtt.RTO(patience, patienceMost) {
		t.Errorf("a doubt asks each %v", got)
	}
}
