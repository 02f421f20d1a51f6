package stream

import (
	"context"
	"io"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/ring"
)

// loop is what gnet's one event loop owns: connections, ciphers, hashes,
// compressors. It implements gnet.EventHandler, whose calls all come from that
// loop's goroutine, but for OnBoot and OnTick.
type loop struct {
	gnet.BuiltinEventEngine
	s   *Streams
	run gnet.Runnable // what tell has executed

	streams map[batch.StreamID]*stream // those that are up, and those opened here
	first   *stream                    // of the list of all
	count   int                        // in the list
	door    door
	lastID  batch.StreamID // even: accepted here
	heads   ring.Slab      // of what is received
	pool    pool
	pack    packer
	unpack  unpacker
	scratch [recordHead + recordMax]byte
	watched bool // inspect is going to run

	spill   []event     // what found no room in events
	spilled atomic.Bool // tells the reactor
	starved atomic.Bool // a stream waits for a free slot of heads
}

const headsMax = 256 // asks and answers that wait for the reactor: 1 MiB

func (l *loop) init(s *Streams) {
	l.s, l.streams = s, map[batch.StreamID]*stream{}
	l.heads.Init(headsMax, batch.StreamHeadMax)
	l.pool.back = &s.reactor.back
	l.pack.how = s.opt.Compression
	l.door.init()
	l.run = gnet.RunnableFunc(func(context.Context) error { l.obey(); return nil })
}

// stream is one connection.
type stream struct {
	l          *loop
	c          gnet.Conn
	next, prev *stream
	id         batch.StreamID
	state      state
	opened     bool // by this side
	place      place
	ip         netip.Addr
	peer       batch.StreamPeer
	hello      hello
	keyID      uint8
	sealer     direction
	opener     direction
	since      time.Time // it began
	moved      time.Time // something last moved

	out         [outMax]order // what is to be sent: out[from:][:queued], round
	from        int
	queued      int
	headSent    bool
	sent        int // bytes of the body of out[from]
	window      int // bytes of bodies that may be sent
	theirs      int // what the other side sends without credit
	saidEnd     bool
	finish      bool // behind what is queued
	retire      bool // its key is not the primary any more
	heardEnd    bool
	asks        [batch.StreamAsksMax]ask
	owed        int // asks of the other side that are not answered
	in          inBody
	need        int // bytes of the record that is arriving, as far as is known
	taken       int // bytes of bodies that the other side has no credit for yet
	cause       batch.StreamCause
	caused, off bool // cause is set; it is gone
}

// state is how far a stream has come.
type state uint8

const (
	greeted   state = iota // opened here: the hello is out
	strange                // accepted: no hello yet
	confirmed              // accepted: the hello was right, the first record is due
	up
)

// outMax: as many asks and as many answers as there can be.
const outMax = 2 * batch.StreamAsksMax

// ask is one that this side has open.
type ask struct {
	open  bool
	check bool
	tag   uint32
	want  int
	sum   [batch.StreamSumSize]byte
}

// OnOpen implements gnet.EventHandler.
func (l *loop) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if l.s.exec.Load() == nil {
		l.s.exec.Store(&eventLoop{c.EventLoop()})
	}
	now := time.Now()
	switch d := c.Context().(type) {
	case *dialled:
		l.begin(c, d, now)
		return nil, gnet.None
	case *bell:
		return nil, gnet.None
	}
	st := &stream{l: l, c: c, state: strange, since: now, moved: now, window: l.s.opt.WindowBytes, ip: addrOf(c)}
	l.door.enter(st)
	c.SetContext(st)
	l.list(st)
	return nil, gnet.None
}

func (l *loop) list(st *stream) {
	st.next = l.first
	if l.first != nil {
		l.first.prev = st
	}
	l.first = st
	l.count++
	if !l.watched {
		l.watched = true
		l.inspectLater()
	}
}

func (l *loop) unlist(st *stream) {
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		l.first = st.next
	}
	if st.next != nil {
		st.next.prev = st.prev
	}
	l.count--
}

// OnTraffic implements gnet.EventHandler.
func (l *loop) OnTraffic(c gnet.Conn) gnet.Action {
	switch st := c.Context().(type) {
	case *stream:
		return l.traffic(st)
	case *bell:
		_, _ = c.Discard(c.InboundBuffered())
		l.obey()
		return gnet.None
	}
	return gnet.Close
}

// traffic takes in what has arrived, as far as it is whole.
func (l *loop) traffic(st *stream) gnet.Action {
	if st.c.InboundBuffered() < st.need { // not even one record: gnet would copy it together for nothing
		return gnet.None
	}
	if st.need > 0 { // only the record that came in two parts is copied together
		l.takeIn(st, st.need)
	}
	if !st.off && !st.caused {
		l.takeIn(st, -1)
	}
	switch {
	case st.off:
		return gnet.None
	case st.caused:
		return gnet.Close
	case st.state < up && st.c.InboundBuffered() > halfOpenMax || st.c.InboundBuffered() > inboundMax:
		st.fail(batch.StreamBroken)
		return gnet.Close
	}
	if st.need > 0 {
		ackNow(st.c.Fd())
	}
	st.pump()
	return l.settle(st)
}

// takeIn takes in what is whole of the first n bytes; -1: of all.
func (l *loop) takeIn(st *stream, n int) {
	st.need = 0
	b, err := st.c.Peek(n)
	if err != nil {
		return
	}
	used := 0
	for !st.caused {
		n := st.take(b[used:])
		if n == 0 {
			break
		}
		used += n
	}
	if used > 0 && !st.off { // Discard(0) would drop all
		l.s.stats.wireReceived.Add(uint64(used))
		st.moved = time.Now()
		_, _ = st.c.Discard(used)
	}
}

const (
	halfOpenMax = 1 << 10   // bytes kept of a stream that is not up
	inboundMax  = 512 << 10 // bytes kept of one that is: a record, and asks that wait for a slot
)

// settle closes a stream whose ends are said, once all is with the kernel:
// what gnet still buffers would be lost.
func (l *loop) settle(st *stream) gnet.Action {
	switch {
	case st.off:
		return gnet.None
	case st.caused:
		return gnet.Close
	case st.saidEnd && st.heardEnd && st.c.OutboundBuffered() == 0:
		st.fail(batch.StreamEnded)
		return gnet.Close
	}
	return gnet.None
}

// close ends a stream from outside its own calls.
func (l *loop) close(st *stream, cause batch.StreamCause) {
	st.fail(cause)
	if !st.off {
		_ = st.c.EventLoop().Close(st.c)
	}
}

// OnClose implements gnet.EventHandler. gnet calls it from within Write, too.
func (l *loop) OnClose(c gnet.Conn, err error) gnet.Action {
	st, ok := c.Context().(*stream)
	if !ok || st.off {
		return gnet.None
	}
	st.off = true
	if !st.caused {
		st.fail(st.causeOf(err))
	}
	l.unlist(st)
	l.door.leave(st)
	st.drop()
	return gnet.None
}

// causeOf says why a connection ended that this side did not end.
func (st *stream) causeOf(err error) batch.StreamCause {
	switch {
	case st.l.s.ctx.Err() != nil:
		return batch.StreamHere
	case st.state == greeted: // it closed before it said anything
		return batch.StreamStranger
	case st.saidEnd && st.heardEnd:
		return batch.StreamEnded
	case st.state != up && err != io.EOF:
		return batch.StreamStranger
	}
	return batch.StreamTruncated
}

// fail sets the cause of the end, once.
func (st *stream) fail(cause batch.StreamCause) {
	if !st.caused {
		st.caused, st.cause = true, cause
	}
}

// drop gives back what a stream holds and tells the reactor.
func (st *stream) drop() {
	l := st.l
	for ; st.queued > 0; st.pop() {
	}
	l.pool.put(st.in.body)
	st.in = inBody{}
	l.s.stats.ended[st.cause].Add(1)
	if st.state == up {
		l.s.stats.up.Add(-1)
	}
	if st.id != 0 {
		delete(l.streams, st.id)
		l.post(event{kind: batch.StreamDown, id: st.id, cause: st.cause, opened: st.opened})
	}
}

func addrOf(c gnet.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}
