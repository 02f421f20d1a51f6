package stream

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/ring"
)

// order is what the reactor tells the loop.
type order struct {
	what  uint8
	dense bool
	check bool
	id    batch.StreamID
	slot  ring.Handle // of a head that is not short, in reactor.heads
	head  head        // without its bytes, but for their number
	size  int
	short [shortHead]byte
	body  []byte
	sum   [batch.StreamSumSize]byte
}

// shortHead is how long a head may be that goes with its order: asks for a body by its sum, and
// answers. They need no slot, of which peers that do not read would keep all from the others.
const shortHead = 40

// The orders.
const (
	orderSend = iota
	orderFinish
	orderKeys
)

// event is what the loop tells the reactor.
type event struct {
	kind   batch.StreamKind
	cause  batch.StreamCause
	opened bool
	id     batch.StreamID
	tag    uint32
	want   int
	slot   ring.Handle // of the head, in loop.heads
	size   int
	body   []byte
	peer   batch.StreamPeer
}

// reactor is what the reactor knows of its streams.
type reactor struct {
	heads   ring.Slab // of what it sends
	back    homeward
	streams map[batch.StreamID]*outlook
	lastID  batch.StreamID // odd: opened here
	open    int            // streams that were opened here
	max     int
	unsaid  []batch.StreamID // Finish that found no room
}

// outlook is one stream as the reactor has seen it.
type outlook struct {
	up, opened, finished bool
	asks                 int // that have no answer
	owed                 int // asks of the other side without an answer of ours
}

func (r *reactor) init(o Options) {
	r.heads.Init(ordersMax, batch.StreamHeadMax)
	r.back.queue.Init(64)
	r.streams = map[batch.StreamID]*outlook{}
	r.lastID, r.max = 1<<32-1, o.StreamsOut
}

// Open implements batch.Streams.
func (s *Streams) Open(to batch.StreamPeer) (batch.StreamID, error) {
	r := &s.reactor
	switch {
	case s.ctx == nil || s.ctx.Err() != nil:
		return 0, batch.ErrClosed
	case r.open >= r.max:
		return 0, batch.ErrStreamsFull
	}
	r.lastID += 2
	for r.streams[r.lastID] != nil {
		r.lastID += 2
	}
	r.streams[r.lastID] = &outlook{opened: true}
	r.open++
	id := r.lastID
	s.dials.Go(func() { s.dial(id, to) })
	return r.lastID, nil
}

// Send implements batch.Streams.
func (s *Streams) Send(id batch.StreamID, m *batch.StreamMessage) error {
	r := &s.reactor
	o := r.streams[id]
	switch {
	case o == nil || !o.up || o.finished:
		return batch.ErrClosed
	case len(m.Head) > batch.StreamHeadMax || len(m.Body) > batch.StreamBodyMax || m.Want > batch.StreamBodyMax || m.Want < 0:
		panic("stream: a message above the limits of package batch")
	case m.Answer && o.owed == 0 || m.Answer && m.Want != 0 || !m.Answer && m.Body != nil:
		panic("stream: an answer to nothing, or an ask with a body")
	case !m.Answer && o.asks == batch.StreamAsksMax:
		return batch.ErrStreamFull
	}
	w := order{what: orderSend, id: id, dense: m.Dense, body: m.Body, size: len(m.Head)}
	if !r.keepHead(&w, m.Head) {
		return batch.ErrStreamFull
	}
	w.head = head{tag: m.Tag, answer: m.Answer, body: len(m.Body), want: m.Want}
	if m.Sum != nil {
		w.check, w.sum = true, *m.Sum
	}
	if !s.orders.Push(w) {
		if w.slot != 0 {
			r.heads.Put(w.slot)
		}
		return batch.ErrStreamFull
	}
	if m.Answer {
		o.owed--
	} else {
		o.asks++
	}
	s.tell()
	return nil
}

// keepHead copies a head to where the loop finds it; false: there is no room.
func (r *reactor) keepHead(w *order, head []byte) (ok bool) {
	if len(head) <= shortHead {
		copy(w.short[:], head)
		return true
	}
	if w.slot, ok = r.heads.Get(); ok {
		copy(r.heads.Bytes(w.slot), head)
	}
	return ok
}

// headOf is a message's head, for the loop.
func (r *reactor) headOf(w *order) []byte {
	if w.slot == 0 {
		return w.short[:w.size]
	}
	return r.heads.Bytes(w.slot)[:w.size]
}

// forget gives back what an order holds, for the loop.
func (r *reactor) forget(w *order) {
	if w.slot != 0 {
		r.heads.GiveBack(w.slot)
	}
}

// Finish implements batch.Streams.
func (s *Streams) Finish(id batch.StreamID) {
	o := s.reactor.streams[id]
	if o == nil || o.finished {
		return
	}
	if o.finished = true; o.up {
		s.sayFinish(id)
	}
}

func (s *Streams) sayFinish(id batch.StreamID) {
	if !s.orders.Push(order{what: orderFinish, id: id}) {
		s.reactor.unsaid = append(s.reactor.unsaid, id)
	}
	s.tell()
}

// SetKeys implements batch.Streams.
func (s *Streams) SetKeys(k batch.StreamKeys) {
	s.keys.Store(&keysBox{k})
	s.orders.Push(order{what: orderKeys}) // without room, the next look at all streams does it
	s.tell()
}

// tell makes the loop look at its orders, once for as many as there are then.
func (s *Streams) tell() {
	if s.ordered.Load() || !s.ordered.CompareAndSwap(false, true) {
		return
	}
	if bell := s.life.Load().bell; bell != nil {
		_, _ = bell.Write(one)
		return
	}
	if el := s.exec.Load(); el == nil || el.Execute(s.ctx, s.loop.run) != nil {
		s.ordered.Store(false) // it is closing: what was ordered goes with it
	}
}

var one = binary.NativeEndian.AppendUint64(nil, 1) // an eventfd takes a number

// Ready implements batch.Streams.
func (s *Streams) Ready() bool { return !s.events.Empty() }

// Next implements batch.Streams.
func (s *Streams) Next(ev *batch.StreamEvent) bool {
	for {
		e, ok := s.events.Pop()
		if !ok {
			if s.loop.spilled.Load() {
				s.tell()
			}
			return false
		}
		if s.note(&e) {
			*ev = batch.StreamEvent{
				Kind: e.kind, Stream: e.id, Opened: e.opened, Cause: e.cause, Tag: e.tag, Want: e.want, Peer: e.peer,
				Body: e.body, Lent: uint32(e.slot),
			}
			if e.slot != 0 {
				ev.Head = s.loop.heads.Bytes(e.slot)[:e.size:e.size]
			}
			return true
		}
	}
}

// note keeps the reactor's view in step with an event. It is false for what the
// caller of Finish does not expect any more.
func (s *Streams) note(e *event) bool {
	r := &s.reactor
	for len(r.unsaid) > 0 && s.orders.Push(order{what: orderFinish, id: r.unsaid[0]}) {
		r.unsaid = r.unsaid[1:]
	}
	o := r.streams[e.id]
	switch e.kind {
	case batch.StreamUp:
		if o == nil {
			o = &outlook{}
			r.streams[e.id] = o
		}
		if o.up = true; o.finished {
			s.sayFinish(e.id)
			return false
		}
	case batch.StreamAsked:
		o.owed++
	case batch.StreamAnswered, batch.StreamForged:
		o.asks--
	case batch.StreamDown:
		if o == nil { // it was said already, by the loop or by who dialled
			return false
		}
		if o.opened {
			r.open--
		}
		delete(r.streams, e.id)
	}
	return true
}

// Release implements batch.Streams.
func (s *Streams) Release(ev *batch.StreamEvent) {
	if ev.Lent != 0 {
		s.loop.heads.GiveBack(ring.Handle(ev.Lent))
		if s.loop.starved.Load() { // a stream waits for a slot, and may be all that is left
			s.tell()
		}
	}
	if ev.Body != nil && ev.Kind == batch.StreamAnswered {
		s.Recycle(ev.Body)
	}
	ev.Head, ev.Body, ev.Lent = nil, nil, 0
}

// Recycle implements batch.Streams.
func (s *Streams) Recycle(body []byte) {
	if s.stats.up.Load() > 0 { // else nobody needs it, and nobody lets go of it
		s.reactor.back.push(body)
	}
}
