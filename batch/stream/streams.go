package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/ring"
)

// Streams implements batch.Streams. See the package documentation.
type Streams struct {
	opt     Options
	setup   batch.StreamSetup
	port    uint16
	at      string // as gnet has it
	notices []string
	life    atomic.Pointer[life] // nil: before Start
	dials   sync.WaitGroup       // and what looks after the life; Close waits
	ctx     context.Context
	cancel  context.CancelFunc
	keys    atomic.Pointer[keysBox]
	stats   counters

	// From the reactor to the loop.
	orders  ring.SPSC[order]
	ordered atomic.Bool               // the loop has been told that there are some
	exec    atomic.Pointer[eventLoop] // known once there is a connection
	// From the loop, and from those who dial, to the reactor.
	events ring.MPSC[event]

	reactor reactor
	loop    loop
}

type (
	keysBox   struct{ batch.StreamKeys }
	eventLoop struct{ gnet.EventLoop }
	bell      struct{} // the context of the connection that is one
)

var (
	_ batch.Streams = (*Streams)(nil)
	_ batch.Noticer = (*Streams)(nil)
)

const (
	ordersMax = 512 // that wait for the loop; what finds no room is tried again
	eventsMax = 512 // that wait for the reactor; the loop keeps what finds no room
)

// New makes streams for one engine, for its Config.Streams. Nothing is bound or
// run until the engine starts.
func New(o Options) *Streams { return &Streams{opt: o.with()} }

// Start implements batch.Streams.
func (s *Streams) Start(setup batch.StreamSetup) error {
	if err := s.opt.check(); err != nil {
		return err
	}
	if s.life.Load() != nil {
		return errors.New("stream: Start of an instance that was started before; fix: New for each engine")
	}
	s.setup = setup
	s.orders.Init(ordersMax)
	s.events.Init(eventsMax)
	s.keys.Store(&keysBox{setup.Keys})
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.reactor.init(s.opt)
	s.loop.init(s)
	if err := s.listen(); err != nil {
		s.cancel()
		return err
	}
	s.dials.Go(s.lookAfter)
	return nil
}

// listen binds the datagrams' port or the next that is free.
func (s *Streams) listen() error {
	near := s.setup.Near
	var first error
	for i := range s.opt.PortsTried {
		port := int(near.Port()) + i
		if port > 65535 || near.Port() == 0 {
			break
		}
		err := s.run(netip.AddrPortFrom(near.Addr(), uint16(port)))
		if err == nil {
			if s.port = uint16(port); i > 0 {
				s.notices = append(s.notices, fmt.Sprintf(
					"TCP port %d is taken: streams use TCP port %d, datagrams UDP port %d; open all to the other members", near.Port(), port, near.Port()))
			}
			return nil
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if first == nil {
		first = errors.New("not a port")
	}
	return fmt.Errorf("stream: cannot bind TCP %v: %w; fix: free one of %d ports from there, or allow more by Options.PortsTried", near, first, s.opt.PortsTried)
}

// listening are the instances of this process by the address that gnet knows them by. gnet keeps
// each instance that it ever ran, and all that hangs on it, until its Stop is called with that
// address, and then ends whoever has the address: so starts and ends take turns.
var listening = struct {
	sync.Mutex
	by map[string]*Streams
}{by: map[string]*Streams{}}

// forget has gnet forget an instance that has ended, unless another has its address now, in whose
// favour it was forgotten.
func (s *Streams) forget() {
	listening.Lock()
	defer listening.Unlock()
	if listening.by[s.at] == s {
		delete(listening.by, s.at)
		//lint:ignore SA1019 nothing else forgets
		_ = gnet.Stop(s.ctx, s.at) // says that it has ended already
	}
}

// run starts gnet on an address and waits until it listens.
func (s *Streams) run(at netip.AddrPort) error {
	network := "tcp4"
	switch {
	case at.Addr() == netip.IPv6Unspecified():
		network = "tcp"
	case at.Addr().Is6() && !at.Addr().Is4In6():
		network = "tcp6"
	}
	s.at = network + "://" + net.JoinHostPort(at.Addr().Unmap().String(), strconv.Itoa(int(at.Port())))
	return s.begin()
}

// readBuffer is what the loop reads at a time: more than a record, so that most
// are parsed where they arrived.
const readBuffer = 256 << 10

// Port implements batch.Streams.
func (s *Streams) Port() uint16 { return s.port }

// Notices implements batch.Noticer.
func (s *Streams) Notices() []string { return s.notices }

// deafenWait is how long Close waits for what it does not hope for: that an acceptor without its
// listener goes on. Stop ends it too, and may leave a connection open.
const deafenWait = 5 * time.Second

// Close implements batch.Streams. It returns when the loop has ended.
func (s *Streams) Close() error {
	x := s.life.Load()
	if x == nil || s.ctx.Err() != nil {
		return batch.ErrClosed
	}
	s.cancel()
	s.dials.Wait() // the loop takes what they have for it: later it would stay with gnet for ever
	x = s.life.Load()
	if s.deafen(x) {
		select {
		case <-x.over:
		case <-time.After(deafenWait):
		}
	}
	// With a context that has ended, Stop does not poll for the end: Run tells it.
	_ = x.engine.Stop(s.ctx)
	<-x.over
	x.leaving.Store(false)
	s.forget()
	s.loop.unpack.close()
	if x.bell != nil {
		x.bell.Close()
	}
	return x.err
}

// cipherKeys is the present set of keys, nil in clear.
func (s *Streams) cipherKeys() batch.StreamKeys { return s.keys.Load().StreamKeys }
