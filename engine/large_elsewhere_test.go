package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// elsewhere are streams of a member that tells others another port than its own.
type elsewhere struct {
	batch.Streams
	port func(own uint16) uint16
}

func (s *elsewhere) Port() uint16 { return s.port(s.Streams.Port()) }

// Who tells others a TCP port at which somebody else answers keeps nothing from anybody, and whoever
// can't reach it by streams says so once.
func TestAnotherMemberAtThePort(t *testing.T) {
	var lines heardLines
	var taken atomic.Uint32
	virtualStreams(t, 3, func(i int, c *engine.Config) {
		switch i {
		case 2:
			c.Streams = &elsewhere{c.Streams, func(uint16) uint16 { return uint16(taken.Load()) }}
		case 0:
			c.Streams = &elsewhere{c.Streams, func(own uint16) uint16 {
				taken.Store(uint32(own))
				return own
			}}
		case 1:
			c.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		}
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		other, b, a := c.Engines[0], c.Engines[1], c.Engines[2]
		if _, err := a.Set("k", value(9000, 3)); err != nil {
			t.Fatal(err)
		}
		pause(2 * time.Minute)
		set(t, a, "small", "goes on")
		pause(time.Second)
		if !reads(b, "node-2", "small", []byte("goes on")) {
			t.Error("datagrams do not go on")
		}
		if _, err := other.Set("same", value(9000, 3)); err != nil {
			t.Fatal(err)
		}
		pause(2 * time.Minute)
		if !reads(b, "node-2", "k", value(9000, 3)) {
			t.Errorf("it does not come from another; %+v", b.Large())
		}
		if text := lines.String(); strings.Count(text, "is not that member") != 1 || !strings.Contains(text, "cause=stranger") {
			t.Errorf("want one line that says so:\n%s", text)
		}
	})
}

// Other services at the port that a member tells: what they say, and their silence, costs nobody
// anything, and a content comes from others.
func TestOtherServicesAtThePort(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "no gossip here") }))
	defer page.Close()
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	chatty := listens(t, func(conn net.Conn) {
		b := bytes.Repeat([]byte("go away! "), 1<<12)
		for {
			if _, err := conn.Write(b); err != nil {
				return
			}
		}
	})
	for name, at := range map[string]net.Addr{"page": page.Listener.Addr(), "silent": silent.Addr(), "chatty": chatty.Addr()} {
		t.Run(name, func(t *testing.T) {
			all := largeCluster(t, 3, func(i int, c *engine.Config) {
				if i == 1 {
					c.Streams = &elsewhere{c.Streams, func(uint16) uint16 { return uint16(at.(*net.TCPAddr).Port) }}
				}
			})
			want := value(200_000, 7)
			for _, e := range all[:2] {
				if _, err := e.Set("k", want); err != nil {
					t.Fatal(err)
				}
			}
			see(t, all[2], "m1", "k", want)
			set(t, all[1], "small", "s")
			see(t, all[2], "m1", "small", []byte("s"))
		})
	}
}

// listens serves each connection until it, or the test, ends.
func listens(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l
}

// A proxy before a member's port that passes single bytes on, or turns bits over now and then, costs
// time, and shows nobody anything but the value.
func TestAProxyBeforeThePort(t *testing.T) {
	for name, pass := range map[string]func(dst net.Conn, b []byte) error{
		"splits": func(dst net.Conn, b []byte) error {
			for i := range b {
				if _, err := dst.Write(b[i : i+1]); err != nil {
					return err
				}
			}
			return nil
		},
		"corrupts": func(dst net.Conn, b []byte) error {
			if len(b) > 20_000 {
				b[len(b)/2] ^= 4
			}
			_, err := dst.Write(b)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var own atomic.Uint32
			proxy := listens(t, func(conn net.Conn) {
				back, err := net.Dial("tcp4", fmt.Sprint("127.0.0.1:", own.Load()))
				if err != nil {
					return
				}
				defer back.Close()
				through := func(dst, src net.Conn) {
					b := make([]byte, 64<<10)
					for {
						n, err := src.Read(b)
						if err != nil || pass(dst, b[:n]) != nil {
							break
						}
					}
					dst.Close()
				}
				go through(back, conn)
				through(conn, back)
			})
			all := largeCluster(t, 2, func(i int, c *engine.Config) {
				if i == 0 {
					c.Streams = &elsewhere{c.Streams, func(port uint16) uint16 {
						own.Store(uint32(port))
						return uint16(proxy.Addr().(*net.TCPAddr).Port)
					}}
				}
			})
			want := value(15_000, 1)
			all[0].Set("first", want)
			see(t, all[1], "m0", "first", want)
			if name == "splits" {
				return
			}
			all[0].Set("k", value(1<<20, 2))
			all[0].Set("last", value(10_000, 3))
			see(t, all[1], "m0", "last", value(10_000, 3))
			if got, _, ok := all[1].Get("m0", "k"); ok && !bytes.Equal(got, value(1<<20, 2)) {
				t.Error("a value that is none was shown")
			}
		})
	}
}
