package resp

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/engine"
)

// conn is one client. Its fields belong to the event loop of the connection, but for those that say
// otherwise.
type conn struct {
	server *Server
	out    gnet.Conn
	id     int64
	remote string
	since  time.Time
	life   context.Context // ends with the connection
	end    context.CancelFunc

	name   string
	lib    [2]string // name and version of the client library
	authed bool
	quit   bool
	again  bool // the engine takes no write now: the request is served again in a moment
	need   int  // bytes that the next request takes at least
	held   int  // bytes that are not served yet, as counted in Server.held
	last   engine.Version
	reply  reply
	args   [][]byte
	value  [engine.EntryBytesMax]byte

	protocol atomic.Int32 // that of reply, for messages of subscriptions
	stalled  atomic.Int64 // since when answers are not taken, in nanoseconds; for OnTick
	half     atomic.Int64 // when the last bytes of a long request came that is not whole; 0: there is none

	// Of a command that takes its time, and of subscriptions: written by other goroutines.
	mu     sync.Mutex
	busy   bool
	answer []byte
	mail   []byte
	lost   bool
	subbed int // channels and patterns
}

// traffic serves what came. It stops where a command takes its time, and where answers are not
// taken.
func (c *conn) traffic() gnet.Action {
	if c.collect() {
		return c.greedy()
	}
	if !c.flushed() || c.out.InboundBuffered() < c.need { // to look at every piece of a long request would copy all of it each time
		return c.greedy()
	}
	in, _ := c.out.Peek(-1)
	used := 0
	for !c.quit && len(in)-used >= max(1, c.need) {
		n, need, args, err := parse(in[used:], c.args[:0])
		c.args = args
		if err != nil {
			return c.nonsense(err)
		}
		if c.need = need; n == 0 {
			break
		}
		c.need = 0
		if len(args) > 0 && c.serve(args) {
			used += n
			break
		}
		if c.again {
			c.again = false
			time.AfterFunc(againAfter, func() { _ = c.out.Wake(nil) })
			break
		}
		used += n
		if len(c.reply.b) > untakenMax/4 && !c.flushed() {
			break
		}
	}
	if used > 0 {
		_, _ = c.out.Discard(used)
	}
	c.flushed()
	if c.quit {
		return gnet.Close
	}
	return c.greedy()
}

// greedy closes a connection whose unserved requests are too much, or too much beside those of all
// others.
func (c *conn) greedy() gnet.Action {
	limit := unparsedMax
	if !c.authed {
		limit = strangerMax
	}
	n := c.out.InboundBuffered()
	all := c.holds(n)
	if n > limit || n > smallMax && all > heldMax {
		c.server.counts.Greedy.Add(1)
		return gnet.Close
	}
	half := int64(0)
	if n > smallMax && c.need > 0 {
		half = time.Now().UnixNano()
	}
	c.half.Store(half)
	return gnet.None
}

// holds keeps account of unserved bytes and returns those of all connections.
func (c *conn) holds(n int) (all int64) {
	all = c.server.held.Add(int64(n - c.held))
	c.held = n
	return all
}

// nonsense says what can't be parsed, and closes.
func (c *conn) nonsense(err error) gnet.Action {
	c.server.counts.Protocol.Add(1)
	if !errors.Is(err, errHTTP) {
		c.reply.fail("ERR " + err.Error())
		c.flushed()
	}
	return gnet.Close
}

// collect takes what other goroutines made. True: a command is still under way.
func (c *conn) collect() (busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer != nil {
		c.reply.b = append(c.reply.b, c.answer...)
		c.answer, c.busy = nil, false
	}
	if len(c.mail) > 0 && !c.busy && c.stalled.Load() == 0 {
		c.reply.b = append(c.reply.b, c.mail...)
		c.mail = c.mail[:0]
	}
	if c.busy && len(c.reply.b) > 0 {
		_, _ = c.out.Write(c.reply.b)
		c.reply.b = c.reply.b[:0]
	}
	return c.busy
}

// flushed hands answers to the socket and reports whether the client takes them.
func (c *conn) flushed() bool {
	if len(c.reply.b) > 0 {
		_, _ = c.out.Write(c.reply.b) // an error comes as OnClose
		if c.reply.b = c.reply.b[:0]; cap(c.reply.b) > untakenMax {
			c.reply.b = nil
		}
	}
	if c.out.OutboundBuffered() <= untakenMax {
		c.stalled.Store(0)
		return true
	}
	c.stalled.CompareAndSwap(0, time.Now().UnixNano())
	return false
}

// later runs a command that takes its time elsewhere. The connection's next commands wait for it.
func (c *conn) later(do func(ctx context.Context, r *reply)) (waits bool) {
	c.mu.Lock()
	c.busy = true
	c.mu.Unlock()
	r := &reply{proto: c.reply.proto}
	go func() {
		do(c.life, r)
		c.mu.Lock()
		c.answer = r.b
		if c.answer == nil {
			c.answer = []byte{}
		}
		c.mu.Unlock()
		_ = c.out.Wake(nil)
	}()
	return true
}

// post puts a message of a subscription into the mailbox. It is called by any goroutine.
func (c *conn) post(message []byte, resync []byte) {
	c.mu.Lock()
	first := len(c.mail) == 0
	switch {
	case len(c.mail)+len(message) > mailMax:
		c.server.counts.MessagesLost.Add(1)
		c.lost = true
	case c.lost && len(c.mail) < mailMax/2:
		c.mail, c.lost = append(append(c.mail, resync...), message...), false
	case c.lost:
		c.server.counts.MessagesLost.Add(1)
	default:
		c.mail = append(c.mail, message...)
	}
	c.mu.Unlock()
	if first {
		_ = c.out.Wake(nil)
	}
}

// is compares a word of a request with one in upper case.
func is(word []byte, upper string) bool { return bytes.EqualFold(word, []byte(upper)) }

// speak chooses the version of the protocol.
func (c *conn) speak(proto int) {
	c.reply.proto = proto
	c.protocol.Store(int32(proto))
}
