package stream

import (
	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// post hands an event to the reactor, in order.
func (l *loop) post(e event) {
	if len(l.spill) > 0 || !l.s.events.Push(e) {
		l.spill = append(l.spill, e)
		l.spilled.Store(true)
	}
	l.s.setup.Wake()
}

// unspill hands over what found no room before.
func (l *loop) unspill() {
	if len(l.spill) == 0 {
		return
	}
	n := 0
	for n < len(l.spill) && l.s.events.Push(l.spill[n]) {
		n++
	}
	clear(l.spill[:n])
	if l.spill = l.spill[n:]; len(l.spill) == 0 {
		l.spill = nil
		l.spilled.Store(false)
	}
	if n > 0 {
		l.s.setup.Wake()
	}
}

// obey does what the reactor has ordered.
func (l *loop) obey() {
	l.s.ordered.Store(false) // before the look: a later order tells again
	l.unspill()
	if l.starved.Swap(false) {
		l.resume()
	}
	for {
		w, ok := l.s.orders.Pop()
		if !ok {
			return
		}
		switch w.what {
		case orderKeys:
			l.rekey()
		case orderFinish:
			if st := l.streams[w.id]; st != nil {
				st.finish = true
				st.pump()
				l.closeIfSettled(st)
			}
		case orderSend:
			l.send(&w)
		}
	}
}

// send queues one message.
func (l *loop) send(w *order) {
	st := l.streams[w.id]
	if st == nil || st.off {
		l.s.reactor.forget(w)
		return // its StreamDown, which ends the loan of the body, is said or on the way
	}
	if st.queued == outMax {
		panic("stream: more messages than there can be asks and answers")
	}
	if !w.head.answer {
		st.expect(w)
	}
	st.out[(st.from+st.queued)%outMax] = *w
	st.queued++
	st.pump()
	l.closeIfSettled(st)
}

func (l *loop) closeIfSettled(st *stream) {
	if l.settle(st) == gnet.Close {
		l.close(st, batch.StreamEnded)
	}
}

// resume goes on with streams that had waited for a slot.
func (l *loop) resume() {
	for st := l.first; st != nil; {
		next := st.next
		if st.state == up && st.c.InboundBuffered() > 0 && l.traffic(st) == gnet.Close {
			l.close(st, batch.StreamBroken)
		}
		st = next
	}
}

// rekey ends streams whose key is gone, and retires those whose key is not the
// primary one any more.
func (l *loop) rekey() {
	keys := l.s.cipherKeys()
	for st := l.first; st != nil; {
		next := st.next
		if st.state == up && st.keyID != 0 {
			if keys == nil {
				l.close(st, batch.StreamRotated)
			} else if _, held := keys.Mark(st.keyID, nil); !held {
				l.close(st, batch.StreamRotated)
			} else if keys.Primary() != st.keyID && st.opened {
				st.retire = true
				st.retired()
			}
		}
		st = next
	}
}

// retired ends a retired stream that has nothing to do.
func (st *stream) retired() {
	if st.retire && !st.due() {
		st.l.close(st, batch.StreamRotated)
	}
}

// due tells whether anything is open on the stream.
func (st *stream) due() bool {
	if st.queued > 0 || st.owed > 0 || st.in.open {
		return true
	}
	for i := range st.asks {
		if st.asks[i].open {
			return true
		}
	}
	return false
}
