package resp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/tools/qn/internal/space"
)

// Limits of the front.
const (
	connsMax     = 10_000
	unparsedMax  = requestMax // bytes that wait behind a command that takes its time
	strangerMax  = 64 << 10   // the same before AUTH
	smallMax     = 64 << 10   // who holds no more is not closed for what others hold
	heldMax      = 64 << 20   // of all connections together
	untakenMax   = 256 << 10  // bytes that the client has not read: above it nothing more is done for it
	mailMax      = 1 << 20    // of subscriptions
	patience     = 10 * time.Second
	halfPatience = 30 * time.Second // with a long request of which no more comes
	againAfter   = 500 * time.Microsecond
	sweepEvery   = 5 * time.Millisecond
	subscribeMax = 1024 // channels and patterns of one connection
)

// Options say where to listen and who may come.
type Options struct {
	Addr     string // host:port
	Password string // what AUTH must say; "" lets everybody in
	Version  string // of the program, for INFO and HELLO
	Logger   *slog.Logger
}

// Server is the front. Close ends it.
type Server struct {
	gnet.BuiltinEventEngine

	space   *space.Space
	opt     Options
	started time.Time
	secret  [sha256.Size]byte
	end     context.CancelFunc
	life    context.Context
	booted  chan gnet.Engine
	ended   chan struct{}
	engine  gnet.Engine
	addr    net.Addr
	subs    subscriptions
	counts  Counts
	ids     atomic.Int64
	up      atomic.Bool  // it listened
	leaving *atomic.Bool // no part of the server, which gnet would hold by it
	held    atomic.Int64 // bytes of requests that are not served yet

	mu    sync.Mutex
	conns map[*conn]struct{}
}

// Counts are what the front did since its start.
type Counts struct {
	Conns, Refused, Commands, Errors atomic.Uint64
	Slow, Greedy, Protocol           atomic.Uint64 // connections that were closed: too slow, too much at once, nonsense
	MessagesLost                     atomic.Uint64
}

// Start listens. The error says what to do if the address can't be had.
func Start(s *space.Space, o Options) (*Server, error) {
	v := &Server{
		space: s, opt: o, started: time.Now(), secret: sha256.Sum256([]byte(o.Password)),
		booted: make(chan gnet.Engine, 1), ended: make(chan struct{}), conns: map[*conn]struct{}{}, leaving: new(atomic.Bool),
	}
	if err := free(o.Addr); err != nil {
		return nil, err
	}
	v.subs.init()
	v.life, v.end = context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		defer close(v.ended)
		err := gnet.Run(
			v, "tcp://"+o.Addr, gnet.WithNumEventLoop(min(4, runtime.NumCPU())), gnet.WithReuseAddr(true),
			gnet.WithTicker(true), gnet.WithLogger(quiet{o.Logger, v.leaving}), gnet.WithTCPKeepAlive(time.Minute),
		)
		if failed <- err; err != nil && v.up.Load() && v.life.Err() == nil && o.Logger != nil {
			o.Logger.Error("RESP: the front has ended, since it can't accept connections; fix: let the process have more descriptors (ulimit -n), and start it again", "addr", o.Addr, "cause", err)
		}
	}()
	select {
	case err := <-failed:
		v.end()
		return nil, fmt.Errorf("RESP front on %s: %w; fix: choose another address", o.Addr, err)
	case v.engine = <-v.booted:
	}
	if err := v.findAddr(); err != nil {
		v.Close()
		return nil, err
	}
	go v.subs.run(v.life, v)
	return v, nil
}

// free says why nobody can listen at an address: gnet names its own mishap afterwards.
func free(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		return fmt.Errorf("RESP on %s: %w; fix: choose another address, or an empty one for none", addr, err)
	}
	return nil
}

// findAddr asks the system which port it chose.
func (v *Server) findAddr() error {
	fd, err := v.engine.Dup()
	if err != nil {
		return fmt.Errorf("RESP front: %w", err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("RESP front: %w", err)
	}
	v.addr = l.Addr()
	return l.Close()
}

// Addr is where the front listens.
func (v *Server) Addr() net.Addr { return v.addr }

// Counts are what the front did.
func (v *Server) Counts() *Counts { return &v.counts }

// deafenWait is how long Close waits for the acceptor's own end. Stop ends it too, and may leave a
// connection open.
const deafenWait = 5 * time.Second

// Close ends all connections and returns when the port is free.
func (v *Server) Close() error {
	v.end()
	if v.deafen() {
		select {
		case <-v.ended:
		case <-time.After(deafenWait):
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // Run ends in any case; its answer is awaited below instead of polled
	_ = v.engine.Stop(ctx)
	<-v.ended
	v.subs.close()
	return nil
}

// OnBoot is gnet's: it listens.
func (v *Server) OnBoot(e gnet.Engine) gnet.Action {
	v.up.Store(true)
	v.booted <- e
	return gnet.None
}

// OnOpen is gnet's: somebody came.
func (v *Server) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.conns) >= connsMax {
		v.counts.Refused.Add(1)
		return []byte("-ERR max number of clients reached\r\n"), gnet.Close
	}
	c := &conn{server: v, out: g, id: v.ids.Add(1), since: time.Now(), authed: v.opt.Password == ""}
	c.speak(2)
	c.remote = g.RemoteAddr().String()
	c.life, c.end = context.WithCancel(v.life)
	g.SetContext(c)
	v.conns[c] = struct{}{}
	v.counts.Conns.Add(1)
	return nil, gnet.None
}

// OnClose is gnet's: somebody went.
func (v *Server) OnClose(g gnet.Conn, _ error) gnet.Action {
	if c, ok := g.Context().(*conn); ok {
		c.end()
		c.holds(0)
		v.subs.drop(c)
		v.mu.Lock()
		delete(v.conns, c)
		v.mu.Unlock()
	}
	return gnet.None
}

// OnTraffic is gnet's: bytes came, or Wake was called.
func (v *Server) OnTraffic(g gnet.Conn) gnet.Action {
	c, ok := g.Context().(*conn)
	if !ok {
		return gnet.Close
	}
	return c.traffic()
}

// OnTick is gnet's: it wakes those whose answers were not taken, to see whether they are now.
func (v *Server) OnTick() (time.Duration, gnet.Action) {
	now := time.Now()
	v.mu.Lock()
	for c := range v.conns {
		since, half := c.stalled.Load(), c.half.Load()
		switch {
		case half != 0 && now.UnixNano()-half > int64(halfPatience):
			v.counts.Slow.Add(1)
			_ = c.out.Close()
		case since == 0:
		case now.UnixNano()-since > int64(patience):
			v.counts.Slow.Add(1)
			_ = c.out.Close()
		default:
			_ = c.out.Wake(nil)
		}
	}
	v.mu.Unlock()
	return sweepEvery, gnet.None
}

// admits compares a password in constant time.
func (v *Server) admits(password []byte) bool {
	given := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(given[:], v.secret[:]) == 1
}

// quiet brings gnet's log to ours: nothing of it is for standard output, and no word of it ends the
// process.
type quiet struct {
	log     *slog.Logger
	leaving *atomic.Bool // what gnet calls an error is Close
}

func (q quiet) say(level slog.Level, format string, args []any) {
	if q.leaving.Load() {
		level = slog.LevelDebug
	}
	if q.log != nil {
		q.log.Log(context.Background(), level, fmt.Sprintf("RESP: "+format, args...))
	}
}

func (q quiet) Debugf(format string, args ...any) {}
func (q quiet) Infof(format string, args ...any)  { q.say(slog.LevelDebug, format, args) }
func (q quiet) Warnf(format string, args ...any)  { q.say(slog.LevelWarn, format, args) }
func (q quiet) Errorf(format string, args ...any) { q.say(slog.LevelError, format, args) }
func (q quiet) Fatalf(format string, args ...any) { q.say(slog.LevelError, format, args) }
