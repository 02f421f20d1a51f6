package stream

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// life is one run of gnet. It ends where gnet's acceptor can't accept, as when the process has no
// descriptor left, and with it all streams: another begins then.
type life struct {
	*loop
	engine  gnet.Engine
	booted  chan struct{}
	over    chan struct{} // closed when Run has returned, and err is why
	err     error
	leaving *atomic.Bool   // what gnet calls an error is Close
	bell    io.WriteCloser // rings the loop; nil where there is none
}

// OnBoot implements gnet.EventHandler.
func (x *life) OnBoot(e gnet.Engine) gnet.Action {
	x.engine = e
	return gnet.None
}

// OnTick implements gnet.EventHandler. Its first call is how gnet says that the
// loop runs; before, its Register is a data race. It is not needed again.
func (x *life) OnTick() (time.Duration, gnet.Action) {
	select {
	case <-x.booted:
	default:
		close(x.booted)
	}
	return 1 << 62, gnet.None
}

// begin starts gnet and waits until it listens.
func (s *Streams) begin() error {
	x := &life{loop: &s.loop, booted: make(chan struct{}), over: make(chan struct{}), leaving: new(atomic.Bool)}
	listening.Lock()
	defer listening.Unlock()
	go func() {
		defer close(x.over)
		x.err = gnet.Run(x, s.at,
			gnet.WithNumEventLoop(1), gnet.WithLoadBalancing(gnet.LeastConnections), gnet.WithReuseAddr(true), gnet.WithTicker(true),
			gnet.WithReadBufferCap(readBuffer), gnet.WithWriteBufferCap(chunkBytes), gnet.WithTCPNoDelay(gnet.TCPNoDelay),
			gnet.WithLogger(logger{s.opt.Logger, x.leaving}), gnet.WithLogLevel(logging.DebugLevel))
	}()
	select {
	case <-x.booted:
		x.hang()
		s.life.Store(x)
		listening.by[s.at] = s
		return nil
	case <-x.over:
		return x.err
	}
}

// hang gives the loop its bell. Without one it is told by Execute.
func (x *life) hang() {
	ring, hear, err := newBell()
	if err != nil {
		return
	}
	if done, err := x.engine.Register(gnet.NewNetConnContext(gnet.NewContext(x.s.ctx, &bell{}), hear)); err == nil {
		select {
		case r := <-done:
			if r.Err == nil {
				x.bell = ring
				return
			}
		case <-x.over:
		}
	}
	ring.Close()
	hear.Close()
}

// lifePause is how long nothing listens after a life that ended by itself, or could not begin.
const lifePause = 500 * time.Millisecond

// lookAfter begins another life where one ended by itself, on the same port: that is what others know.
func (s *Streams) lookAfter() {
	for {
		x := s.life.Load()
		select {
		case <-x.over:
		case <-s.ctx.Done():
			return
		}
		s.opt.Logger.Warn("streams: all have ended, since no connection can be accepted; they begin again once one can", "addr", s.at)
		s.loop.orphaned()
		s.forget()
		for err := error(nil); ; s.opt.Logger.Debug("streams: they can't begin again yet", "addr", s.at, "cause", err) {
			select {
			case <-time.After(lifePause):
			case <-s.ctx.Done():
				return
			}
			if err = spare(); err == nil {
				err = s.begin()
			}
			if err == nil {
				break
			}
		}
		if x.bell != nil {
			x.bell.Close()
		}
		s.opt.Logger.Warn("streams: they have begun again", "addr", s.at)
		s.ordered.Store(false)
		s.tell()
	}
}

// spareLeast is more descriptors than a life begins with. gnet that finds only some of them leaves a
// goroutine and its thread behind each time.
const spareLeast = 16

// spare tells whether there are descriptors to begin a life with.
func spare() error {
	for range spareLeast {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	return nil
}

// orphaned ends what a loop that has ended left behind.
func (l *loop) orphaned() {
	for st := l.first; st != nil; st = l.first {
		st.off = true
		st.fail(st.causeOf(nil))
		l.unlist(st)
		l.door.leave(st)
		st.drop()
	}
	l.watched = false
	l.s.exec.Store(nil)
}
