package attack

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

// streaming runs an attack on two members with streams, sealed and in clear.
func streaming(t *testing.T, attack func(t *testing.T, w *world)) {
	with := func(c *engine.Config) { c.Streams = stream.New(stream.Options{PortsTried: 1 << 10}) }
	t.Run("sealed", func(t *testing.T) { attack(t, newWorld(t, 2, with, 1)) })
	t.Run("clear", func(t *testing.T) { attack(t, newWorld(t, 2, with)) })
}

// dialStreams connects to where a member takes streams.
func (w *world) dialStreams(at *engine.Engine) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", netip.AddrPortFrom(at.Addr().Addr(), at.Large().Port).String())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// large writes a value of a size and waits until the others have it whole.
func (w *world) large(from *engine.Engine, others []*engine.Engine, key string, size int) {
	w.t.Helper()
	value := make([]byte, size)
	for i := range value {
		value[i] = byte(w.rnd.Uint32())
	}
	if _, err := from.Set(key, value); err != nil {
		w.t.Fatal(err)
	}
	for _, e := range others {
		eventually(w.t, "a large value arrives", func() bool {
			got, _, ok := e.Get(from.Name(), key)
			return ok && bytes.Equal(got, value)
		})
	}
}

// Whoever has no key can open connections and send what they like: of each
// address there are four at a time, for two seconds; nothing of it stays, no
// goroutine is spent on it, and members' streams go on meanwhile.
func TestStreamsFromStrangers(t *testing.T) {
	streaming(t, func(t *testing.T, w *world) {
		a, b := w.nodes[0], w.nodes[1]
		w.large(a, []*engine.Engine{b}, "before", 300_000)
		first := a.Large().Streams
		runtime.GC()
		var was, is runtime.MemStats
		runtime.ReadMemStats(&was)
		goroutines := runtime.NumGoroutine()
		floods := map[string]func(conn net.Conn){
			"silent":     func(net.Conn) {},
			"slow loris": func(conn net.Conn) { conn.Write([]byte("qns\x01\x01\x00")) },
			"garbage": func(conn net.Conn) {
				b := make([]byte, 1+w.rnd.IntN(5000))
				for i := range b {
					b[i] = byte(w.rnd.Uint32())
				}
				conn.Write(b)
			},
			"a hello of zeros": func(conn net.Conn) { conn.Write(append([]byte("qns\x01"), make([]byte, 72)...)) },
			"an endless record": func(conn net.Conn) {
				conn.Write(append(append([]byte("qns\x01"), make([]byte, 72)...), bytes.Repeat([]byte{4, 0xff, 0xff, 0}, 20_000)...))
			},
			"a request of the web": func(conn net.Conn) { io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") },
		}
		opened := uint64(0)
		for _, flood := range floods {
			for range 30 {
				flood(w.dialStreams(a))
				opened++
				if half := a.Large().Streams.HalfOpen; half > 4 {
					t.Fatalf("%d half-open streams from one address", half)
				}
			}
		}
		w.large(a, []*engine.Engine{b}, "under attack", 300_000)
		w.large(b, []*engine.Engine{a}, "under attack", 300_000)
		eventually(t, "the door is free again", func() bool { return a.Large().Streams.HalfOpen == 0 })
		s := a.Large().Streams
		ended := s.Refused - first.Refused
		for i := range s.Ended {
			ended += s.Ended[i] - first.Ended[i]
		}
		if ended < opened || s.Accepted > first.Accepted+2 {
			t.Errorf("%d connections of strangers, %d counted; %+v", opened, ended, s)
		}
		runtime.GC()
		runtime.ReadMemStats(&is)
		if grown := int64(is.HeapAlloc) - int64(was.HeapAlloc); grown > 4<<20 {
			t.Errorf("%d bytes more are held", grown)
		}
		if n := runtime.NumGoroutine(); n > goroutines+10 {
			t.Errorf("%d goroutines, and %d before", n, goroutines)
		}
		w.honest("streams from strangers")
	})
}

// Whoever connects and vanishes, over and over, costs the door nothing that stays.
func TestStreamsThatVanish(t *testing.T) {
	streaming(t, func(t *testing.T, w *world) {
		a := w.nodes[0]
		for range 200 {
			conn := w.dialStreams(a)
			conn.Write([]byte("qns"))
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}
		eventually(t, "the door is free again", func() bool { return a.Large().Streams.HalfOpen == 0 })
		w.large(a, w.nodes[1:], "after", 100_000)
	})
}
