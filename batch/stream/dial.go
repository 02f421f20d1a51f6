package stream

import (
	"crypto/rand"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// dialled is a connection that this side opened, on its way to the loop, and what was said on it.
type dialled struct {
	id    batch.StreamID
	to    batch.StreamPeer
	keyID uint8
	hello hello
}

// dial connects to a member, within the time for opening, says hello, and hands the connection to
// the loop. gnet's own dial has no deadline. The hello does not wait for the loop: it is what tells
// a member from strangers at a door where they stand in line.
func (s *Streams) dial(id batch.StreamID, to batch.StreamPeer) {
	x := &dialled{id: id, to: to}
	d := net.Dialer{Timeout: s.opt.times.open, Control: withHello}
	conn, err := d.DialContext(s.ctx, "tcp", to.Addr.String())
	if err != nil {
		s.undialled(id, undialledFor(err))
		return
	}
	if !x.introduce(s) {
		conn.Close()
		s.undialled(id, batch.StreamRotated)
		return
	}
	if _, err := conn.Write(x.hello[:]); err != nil { // it never waits: nothing was sent before
		conn.Close()
		s.undialled(id, batch.StreamTruncated)
		return
	}
	life := s.life.Load()
	done, err := life.engine.Register(gnet.NewNetConnContext(gnet.NewContext(s.ctx, x), conn))
	if err != nil {
		conn.Close()
		s.undialled(id, batch.StreamHere)
		return
	}
	select {
	case r := <-done: // Close waits for it: the loop runs until then
		if r.Err != nil {
			s.undialled(id, batch.StreamUnreachable)
		}
	case <-life.over: // it ended by itself, and may not have taken the connection
		conn.Close()
		s.undialled(id, batch.StreamHere)
	}
}

// undialledFor says why a connection did not come about. One that was cut in the middle met
// somebody: whose door was full.
func undialledFor(err error) batch.StreamCause {
	if errors.Is(err, syscall.ECONNRESET) {
		return batch.StreamTruncated
	}
	return batch.StreamUnreachable
}

// introduce makes the hello; false: the key is gone.
func (x *dialled) introduce(s *Streams) (ok bool) {
	keys := s.cipherKeys()
	if keys != nil {
		x.keyID = keys.Primary()
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails
	x.hello = makeHello(x.keyID, s.setup.Cluster, &s.setup.Salt, &x.to.Salt, &nonce)
	if keys == nil {
		return true
	}
	mark, ok := keys.Mark(x.keyID, x.hello.marked())
	copy(x.hello[markAt:], mark[:])
	return ok
}

// begin takes over a stream that this side opened.
func (l *loop) begin(c gnet.Conn, x *dialled, now time.Time) {
	st := &stream{
		l: l, c: c, state: greeted, opened: true, id: x.id, peer: x.to, keyID: x.keyID, hello: x.hello,
		since: now, moved: now, window: l.s.opt.WindowBytes,
	}
	if keys := l.s.cipherKeys(); keys != nil && keys.Primary() != x.keyID {
		st.retire = true // it changed since the hello
	}
	c.SetContext(st)
	l.list(st)
	l.streams[st.id] = st
}

// undialled tells the reactor of a stream that never reached the loop. It is
// the dialer's goroutine, which may wait for room.
func (s *Streams) undialled(id batch.StreamID, cause batch.StreamCause) {
	s.stats.ended[cause].Add(1)
	for !s.events.Push(event{kind: batch.StreamDown, id: id, cause: cause, opened: true}) {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(time.Millisecond):
		}
	}
	s.setup.Wake()
}
