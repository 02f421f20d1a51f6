package stream

import (
	"net"
	"testing"

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
