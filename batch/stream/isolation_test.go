package stream

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// However many peers read nothing of what they asked for, another one's answer is taken at once: no
// event of its stream would tell its member that there is room again.
func TestSlowPeersHoldBackNobodysAnswers(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e, friend := open(t, Options{Compression: Off}, keys), open(t, Options{}, keys)
	big := body(4<<20, 1)
	for i := range ordersMax/batch.StreamAsksMax + 1 {
		r := connect(t, e)
		r.conn.(*net.TCPConn).SetReadBuffer(4096)
		r.greet(e, keys, [16]byte{0xaa, byte(i)})
		r.write(r.record(recOpen, []byte{0, 0, 2, 0}))
		id := e.want(batch.StreamUp).Stream
		for tag := range uint32(batch.StreamAsksMax) {
			r.write(r.record(recHead, headOf(head{tag: tag, want: len(big)})))
			ev := e.want(batch.StreamAsked)
			e.s.Release(&ev)
			e.send(id, &batch.StreamMessage{Answer: true, Tag: tag, Body: big})
		}
	}
	ida, idb := pair(t, friend, e)
	friend.send(ida, &batch.StreamMessage{Tag: 1, Want: 100})
	ev := e.want(batch.StreamAsked)
	e.s.Release(&ev)
	e.send(idb, &batch.StreamMessage{Answer: true, Tag: 1, Body: big[:100]})
	ev = friend.want(batch.StreamAnswered)
	friend.s.Release(&ev)
}

// What waited for the reactor comes in when it is through with the rest, though it orders nothing.
func TestHeadsThatWaitedComeIn(t *testing.T) {
	keys := keysOf(t, 1, 1)
	const streams = headsMax/batch.StreamAsksMax + 2
	o := Options{StreamsOut: streams}
	a, b := open(t, o, keys), open(t, Options{}, keys)
	others := []*end{b}
	for len(others) < (streams+upSalt-1)/upSalt {
		others = append(others, open(t, Options{}, keys))
	}
	type way struct {
		to       *end
		ida, idb batch.StreamID
	}
	var all []way
	for i := range streams {
		to := others[i/upSalt]
		ida, idb := pair(t, a, to)
		all = append(all, way{to, ida, idb})
	}
	for _, w := range all {
		for tag := range uint32(batch.StreamAsksMax) {
			a.send(w.ida, &batch.StreamMessage{Tag: tag})
			ev := w.to.want(batch.StreamAsked)
			w.to.s.Release(&ev)
			w.to.send(w.idb, &batch.StreamMessage{Answer: true, Tag: tag})
		}
	}
	for limit := time.Now().Add(10 * time.Second); !a.s.loop.starved.Load() && time.Now().Before(limit); {
		runtime.Gosched()
	}
	begun := time.Now()
	for range streams * batch.StreamAsksMax {
		ev := a.want(batch.StreamAnswered)
		a.s.Release(&ev)
	}
	if took := time.Since(begun); took > timesDefault.stall/2 {
		t.Errorf("it took %v", took)
	}
}
