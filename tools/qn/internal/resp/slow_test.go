package resp

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// slowConn is a client's connection of which the test says how much waits to be taken.
type slowConn struct {
	gnet.Conn
	waits int
}

func (c *slowConn) Wake(gnet.AsyncCallback) error { return nil }

func (c *slowConn) Write(b []byte) (int, error) { return len(b), nil }

func (c *slowConn) OutboundBuffered() int { return c.waits }

// TestASlowClientIsSlowForAsLongAsItIs: a listener that lost messages is told once to look anew, before what
// comes next, however often that happens; and a client counts as stalled from when it takes nothing until it
// does, each time anew.
func TestASlowClientIsSlowForAsLongAsItIs(t *testing.T) {
	out := &slowConn{}
	c := &conn{server: &Server{}, out: out, life: context.Background(), reply: reply{proto: 2}}
	message, resync := bytes.Repeat([]byte("m"), mailMax/100), []byte("RESYNC")
	for round := range 3 {
		for range 200 {
			c.post(message, resync)
		}
		if c.collect(); bytes.Contains(c.reply.b, resync) || len(c.reply.b) > mailMax {
			t.Errorf("round %d: it has lost nothing yet: %d bytes", round, len(c.reply.b))
		}
		c.reply.b = nil
		for range 5 {
			c.post(message, resync)
		}
		c.collect()
		if n := bytes.Count(c.reply.b, resync); n != 1 || !bytes.HasPrefix(c.reply.b, resync) || len(c.reply.b) != len(resync)+5*len(message) {
			t.Errorf("round %d: it is told %d times to look anew, in %d bytes", round, n, len(c.reply.b))
		}
		c.reply.b = nil
	}
	last := int64(0)
	for round := range 3 {
		out.waits = untakenMax + 1
		if c.flushed() || c.stalled.Load() <= last {
			t.Errorf("round %d: it takes nothing, stalled %d after %d", round, c.stalled.Load(), last)
		}
		since := c.stalled.Load()
		for time.Now().UnixNano() == since {
		}
		if c.flushed(); c.stalled.Load() != since {
			t.Errorf("round %d: it is stalled since %d, it was %d", round, c.stalled.Load(), since)
		}
		out.waits = untakenMax
		if !c.flushed() || c.stalled.Load() != 0 {
			t.Errorf("round %d: it takes all, stalled %d", round, c.stalled.Load())
		}
		last = since
	}
}
