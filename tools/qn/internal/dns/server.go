package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// Limits of the front.
const (
	streamsMax = 256             // TCP connections at once
	streamWait = 5 * time.Second // for the next question, and to take an answer
	sourcesMax = 4096            // that are counted
	sourceRate = 200             // questions a second of one source beyond loopback
)

// Options say where to listen and for which zone.
type Options struct {
	Addr   string
	Zone   string
	Logger *slog.Logger
}

// Server is the front. Close ends it.
type Server struct {
	respond *responder
	index   atomic.Pointer[index]
	udp     *net.UDPConn
	tcp     *net.TCPListener
	end     context.CancelFunc
	all     sync.WaitGroup
	streams chan struct{}
	counts  Counts

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// Counts are what the front did.
type Counts struct{ Questions, Unreadable, Limited, Refused atomic.Uint64 }

// Start listens on one port, UDP and TCP.
func Start(eng *engine.Engine, o Options) (*Server, error) {
	r, err := newResponder(o.Zone)
	if err != nil {
		return nil, fmt.Errorf("DNS zone %q: %w; fix: for example qn", o.Zone, err)
	}
	s := &Server{respond: r, streams: make(chan struct{}, streamsMax), conns: map[net.Conn]struct{}{}}
	if err := s.listen(o.Addr); err != nil {
		return nil, fmt.Errorf("DNS on %s: %w; fix: choose another address, or an empty one for none", o.Addr, err)
	}
	s.index.Store(makeIndex(eng))
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	s.all.Go(func() { keep(ctx, eng, &s.index) })
	s.all.Go(s.serveUDP)
	s.all.Go(s.serveTCP)
	return s, nil
}

// listen binds the same port twice. One that is free for UDP may be taken for TCP: a port that the
// system chose is tried again.
func (s *Server) listen(addr string) (err error) {
	at, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return err
	}
	for range 8 {
		if s.udp, err = net.ListenUDP("udp", at); err != nil {
			return err
		}
		port := s.udp.LocalAddr().(*net.UDPAddr).Port
		if s.tcp, err = net.ListenTCP("tcp", &net.TCPAddr{IP: at.IP, Port: port, Zone: at.Zone}); err == nil {
			return nil
		}
		s.udp.Close()
		if at.Port != 0 {
			return err
		}
	}
	return err
}

// Addr is where the front listens.
func (s *Server) Addr() net.Addr { return s.udp.LocalAddr() }

// Counts are what the front did.
func (s *Server) Counts() *Counts { return &s.counts }

// Close ends the front; its port is free afterwards.
func (s *Server) Close() error {
	s.end()
	err := errors.Join(s.udp.Close(), s.tcp.Close())
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
	return err
}

func (s *Server) serveUDP() {
	in, out := make([]byte, streamMax), make([]byte, 0, ednsMax)
	limit := limiter{seen: map[netip.Addr]int{}}
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(in)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of one datagram, such as an ICMP for an earlier one
		}
		s.counts.Questions.Add(1)
		room := 0
		if !from.Addr().Unmap().IsLoopback() {
			if !limit.admits(from.Addr(), time.Now()) {
				s.counts.Limited.Add(1)
				continue
			}
			room = min(3*n, ednsMax)
			if q, _, ok := parse(in[:n]); ok {
				room = min(room, q.room)
			}
		}
		answer := s.respond.answer(out, in[:n], s.index.Load(), room)
		if answer == nil {
			s.counts.Unreadable.Add(1)
			continue
		}
		_, _ = s.udp.WriteToUDPAddrPort(answer, from) // an asker asks again
	}
}

// limiter counts questions of sources within a second. It belongs to one goroutine.
type limiter struct {
	began time.Time
	seen  map[netip.Addr]int
}

func (l *limiter) admits(from netip.Addr, now time.Time) bool {
	if now.Sub(l.began) >= time.Second || len(l.seen) >= sourcesMax {
		l.began = now
		clear(l.seen)
	}
	l.seen[from]++
	return l.seen[from] <= sourceRate
}

func (s *Server) serveTCP() {
	for {
		c, err := s.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: others have to go first
			continue
		}
		select {
		case s.streams <- struct{}{}:
			s.mu.Lock()
			s.conns[c] = struct{}{}
			s.mu.Unlock()
			s.all.Go(func() { s.stream(c) })
		default:
			s.counts.Refused.Add(1)
			c.Close()
		}
	}
}

// stream answers the questions of one connection, one after the other.
func (s *Server) stream(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		<-s.streams
	}()
	var head [2]byte
	for {
		_ = c.SetDeadline(time.Now().Add(streamWait))
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		s.counts.Questions.Add(1)
		answer := s.respond.answer(make([]byte, 2, 512), question, s.index.Load(), streamMax)
		if answer == nil {
			s.counts.Unreadable.Add(1)
			return
		}
		binary.BigEndian.PutUint16(answer, uint16(len(answer)-2))
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}
