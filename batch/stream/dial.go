package stream

import (
	"net"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// dial connects to a member, within the time for opening, and hands the
// connection to the loop. gnet's own dial has no deadline.
func (s *Streams) dial(id batch.StreamID, to batch.StreamPeer) {
	d := net.Dialer{Timeout: s.opt.times.open}
	conn, err := d.DialContext(s.ctx, "tcp", to.Addr.String())
	if err != nil {
		s.undialled(id, batch.StreamUnreachable)
		return
	}
	done, err := s.engine.Register(gnet.NewNetConnContext(gnet.NewContext(s.ctx, &dialled{id, to}), conn))
	if err != nil {
		conn.Close()
		s.undialled(id, batch.StreamHere)
		return
	}
	select {
	case r := <-done:
		if r.Err != nil {
			s.undialled(id, batch.StreamUnreachable)
		}
	case <-s.ctx.Done(): // the loop may have ended before it took the connection
	}
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
