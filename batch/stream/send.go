package stream

import (
	"time"

	"github.com/quidnunc/quidnunc/batch"
)

// write seals one record and gives it to the socket. gnet copies what the socket
// does not take; the window bounds how much that is.
func (st *stream) write(kind uint8, payload []byte) {
	if st.off || st.caused {
		return
	}
	l := st.l
	b := st.sealer.seal(l.scratch[:], kind, payload)
	l.s.stats.wireSent.Add(uint64(len(b)))
	if _, err := st.c.Write(b); err != nil || st.off { // gnet has closed it then
		return
	}
	l.s.stats.buffered(st.c.OutboundBuffered())
	if st.sealer.number == numberMax {
		st.fail(batch.StreamRotated)
	}
}

// text is the place in the scratch where the payload of a record may be written.
func (l *loop) text() []byte { return l.scratch[recordHead:recordHead] }

// pump sends what is queued as far as there is credit.
func (st *stream) pump() {
	if st.state != up || st.off || st.caused || st.saidEnd {
		return
	}
	moved := false
	for st.queued > 0 && !st.off && !st.caused {
		m := &st.out[st.from]
		if !st.headSent {
			st.sendHead(m)
			moved = true
		}
		for st.sent < len(m.body) && !st.off && !st.caused {
			chunk := m.body[st.sent:min(st.sent+chunkBytes, len(m.body))]
			if len(chunk) > st.window {
				st.touch(moved)
				return
			}
			payload, kind := st.l.pack.packOf(chunk, st.sent, m)
			st.window -= len(chunk)
			st.sent += len(chunk)
			st.l.s.stats.sentBytes.Add(uint64(len(chunk)))
			st.write(kind, payload)
			moved = true
		}
		if st.off || st.caused {
			return
		}
		if m.body != nil {
			st.l.post(event{kind: batch.StreamSent, id: st.id, tag: m.head.tag})
		}
		if m.head.answer {
			st.owed--
		}
		st.pop()
	}
	st.touch(moved)
	if st.finish && !st.due() && !st.off {
		st.write(recEnd, nil)
		st.saidEnd = true
	} else if st.retire {
		st.retired()
	}
}

func (st *stream) touch(moved bool) {
	if moved {
		st.moved = time.Now()
	}
}

func (st *stream) sendHead(m *order) {
	l := st.l
	m.head.bytes = l.s.reactor.headOf(m)
	text := appendHead(l.text(), &m.head)
	m.head.bytes = nil
	st.headSent = true
	st.write(recHead, text)
}

// pop takes the first message off the queue and gives its slot back.
func (st *stream) pop() {
	m := &st.out[st.from]
	st.l.s.reactor.forget(m)
	*m = order{}
	st.from = (st.from + 1) % outMax
	st.queued--
	st.headSent, st.sent = false, 0
}
