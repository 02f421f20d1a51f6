package attack

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
)

// middle is a member's streams with somebody on the path to them: the port that the member tells
// is theirs.
type middle struct {
	*stream.Streams
	listener net.Listener
	mu       sync.Mutex
	way      func(m *middle, in net.Conn) // what becomes of a connection; nil: it is passed on
	left     int                          // so many connections go that way
	said     [][]byte                     // what openers said, of each connection that was passed on and is over
	open     map[net.Conn]bool            // those that are not
}

func newMiddle() *middle {
	return &middle{Streams: stream.New(stream.Options{PortsTried: 1 << 10}), open: map[net.Conn]bool{}}
}

func (m *middle) Start(s batch.StreamSetup) (err error) {
	if err = m.Streams.Start(s); err != nil {
		return err
	}
	if m.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	go func() {
		for {
			in, err := m.listener.Accept()
			if err != nil {
				return
			}
			go m.serve(in)
		}
	}()
	return nil
}

func (m *middle) Port() uint16 { return portOf(m.listener) }

func (m *middle) Close() error {
	m.listener.Close()
	return m.Streams.Close()
}

func portOf(l net.Listener) uint16 { return l.Addr().(*net.TCPAddr).AddrPort().Port() }

// real is where the member itself takes streams.
func (m *middle) real() string {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), m.Streams.Port()).String()
}

// take has the next n connections go a way, and ends those that are open.
func (m *middle) take(n int, way func(m *middle, in net.Conn)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.way, m.left = way, n
	for in := range m.open {
		in.Close()
	}
}

// taken tells whether all of them came.
func (m *middle) taken() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left == 0
}

func (m *middle) serve(in net.Conn) {
	defer in.Close()
	m.mu.Lock()
	way := m.way
	if m.left == 0 {
		way = nil
	} else {
		m.left--
	}
	m.open[in] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.open, in)
		m.mu.Unlock()
	}()
	if way != nil {
		way(m, in)
		return
	}
	m.pass(in, m.real(), nil)
}

// pass passes a connection on, and what comes back through a filter, if there is one.
func (m *middle) pass(in net.Conn, to string, filter func(b []byte) (out []byte, more bool)) {
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		defer out.Close()
		var said bytes.Buffer
		io.Copy(out, io.TeeReader(in, &said))
		m.mu.Lock()
		m.said = append(m.said, said.Bytes())
		m.mu.Unlock()
	}()
	b := make([]byte, 16<<10)
	for more := true; more; {
		n, err := out.Read(b)
		text := b[:n]
		if filter != nil {
			text, more = filter(text)
		}
		if _, failed := in.Write(text); failed != nil || err != nil {
			return
		}
	}
}

// between runs an attack on the way of what b asks of a: whatever it does, b reads no part of a
// value and nothing that a did not write, something is counted at b, nothing stays, and the value
// comes when the attack is over.
func between(t *testing.T, attack func(w *world, m *middle), counted ...batch.StreamCause) {
	run := func(t *testing.T, keys ...uint8) {
		var all []*middle
		w := newWorld(t, 2, func(c *engine.Config) {
			m := newMiddle()
			all = append(all, m)
			c.Streams = m
		}, keys...)
		a, b := w.nodes[0], w.nodes[1]
		before, held := b.Large().Streams, heap()
		attack(w, all[0])
		w.large(a, []*engine.Engine{b}, "k", 300_000)
		if !all[0].taken() {
			t.Error("nobody came by")
		}
		after, n := b.Large().Streams, uint64(0)
		for _, c := range counted {
			n += after.Ended[c] - before.Ended[c]
		}
		if n == 0 {
			t.Errorf("nothing is counted for %v: %+v", counted, after.Ended)
		}
		w.large(b, []*engine.Engine{a}, "back", 300_000)
		if grown := heap() - held; grown > 8<<20 {
			t.Errorf("%d bytes more are held", grown)
		}
		w.honest("somebody between streams")
	}
	t.Run("sealed", func(t *testing.T) { run(t, 1) })
	t.Run("clear", func(t *testing.T) { run(t) })
}

// Streams that are cut, at whatever byte, give no part of a value.
func TestStreamsThatAreCut(t *testing.T) {
	between(t, func(w *world, m *middle) {
		m.take(2, func(m *middle, in net.Conn) {
			left := 100 + w.rnd.IntN(200_000)
			m.pass(in, m.real(), func(b []byte) ([]byte, bool) {
				b = b[:min(len(b), left)]
				left -= len(b)
				return b, left > 0
			})
		})
	}, batch.StreamTruncated)
}

// A bit that turns over on the way ends the stream, and nothing of it is taken.
func TestStreamsThatAreAltered(t *testing.T) {
	between(t, func(w *world, m *middle) {
		m.take(2, func(m *middle, in net.Conn) {
			at := 40 + w.rnd.IntN(200_000)
			m.pass(in, m.real(), func(b []byte) ([]byte, bool) {
				if at >= 0 && at < len(b) {
					b[at] ^= 1 << w.rnd.IntN(8)
				}
				at -= len(b)
				return b, true
			})
		})
	}, batch.StreamAltered, batch.StreamBroken, batch.StreamStranger, batch.StreamStalled)
}

// Handshakes that are turned back to their author, who then talks to themselves, or to another
// member than they are meant for, bring no stream up.
func TestReflectedHandshakes(t *testing.T) {
	between(t, func(w *world, m *middle) {
		own := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), w.nodes[1].Large().Port).String()
		m.take(2, func(m *middle, in net.Conn) { m.pass(in, own, nil) })
	}, batch.StreamStranger)
	between(t, func(w *world, m *middle) {
		m.take(1, func(_ *middle, in net.Conn) { io.Copy(in, in) })
	}, batch.StreamStranger, batch.StreamLate, batch.StreamAltered, batch.StreamBroken)
}

// Whoever repeats all that a member said on its streams gets places at the door, and no stream.
func TestRepeatedStreams(t *testing.T) {
	var at *middle
	w := newWorld(t, 2, func(c *engine.Config) {
		m := newMiddle()
		if at == nil {
			at = m
		}
		c.Streams = m
	}, 1)
	a, b := w.nodes[0], w.nodes[1]
	w.large(a, []*engine.Engine{b}, "k", 300_000)
	for _, step := range []func(e *engine.Engine) error{
		func(e *engine.Engine) error { return e.AddSecret(key(2)) },
		func(e *engine.Engine) error { return e.UseSecret(2) }, // the former is still held
	} {
		for _, e := range w.nodes {
			if err := step(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	var said [][]byte
	eventually(t, "the stream under the former key ends", func() bool {
		at.mu.Lock()
		defer at.mu.Unlock()
		said = at.said
		return len(said) > 0
	})
	before := a.Large()
	held := heap()
	for i := range 60 {
		conn, err := net.Dial("tcp", at.real())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.Write(said[i%len(said)])
	}
	w.large(a, []*engine.Engine{b}, "k", 200_000)
	w.large(b, []*engine.Engine{a}, "k", 200_000)
	eventually(t, "the door is free again", func() bool { return a.Large().Streams.HalfOpen == 0 })
	after := a.Large()
	if up := after.Streams.Accepted - before.Streams.Accepted; up > 1 { // b's
		t.Errorf("%d streams came up", up)
	}
	if after.Served-before.Served > 2 {
		t.Errorf("%d contents were served", after.Served-before.Served)
	}
	if grown := heap() - held; grown > 8<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
}

// clearEnd is the acceptor's end of a stream without keys, in the hands of somebody who holds to
// no rule.
type clearEnd struct {
	net.Conn
	number uint64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *clearEnd) record(kind byte, text []byte) {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(text)+4)<<8|uint32(kind))
	nonce := binary.LittleEndian.AppendUint64(make([]byte, 4), c.number)
	c.number++
	sum := crc32.Update(crc32.Update(crc32.Update(0, castagnoli, nonce), castagnoli, head), castagnoli, text)
	c.Write(binary.LittleEndian.AppendUint32(append(head, text...), sum))
}

// ask reads up to the next ask, and gives its tag and how much it wants.
func (c *clearEnd) ask() (tag, want uint32, ok bool) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return 0, 0, false
		}
		text := make([]byte, binary.LittleEndian.Uint32(head[:])>>8)
		if _, err := io.ReadFull(c, text); err != nil {
			return 0, 0, false
		}
		if head[0] == 3 {
			return binary.LittleEndian.Uint32(text), binary.LittleEndian.Uint32(text[9:]), true
		}
	}
}

// answer begins an answer that fills what is wanted.
func (c *clearEnd) answer(tag, want uint32) {
	head := append(binary.LittleEndian.AppendUint32(nil, tag), 1)
	head = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(head, want), 0)
	c.record(3, codec.AppendAnswer(head, codec.AnswerHere, 0))
}

// explode answers one ask of a stream with a bomb, and waits until the stream ends.
func explode(in net.Conn, bomb []byte) {
	c := &clearEnd{Conn: in}
	io.ReadFull(in, make([]byte, 76))
	c.Write(append([]byte("qns\x01"), make([]byte, 16)...))
	c.record(1, []byte{0, 0, 16, 0})
	if tag, want, ok := c.ask(); ok {
		c.answer(tag, want)
		c.record(6, bomb)
	}
	io.Copy(io.Discard, in)
}

// Bodies that blow up when they are decompressed take no more memory than was asked for.
func TestStreamsWithBombs(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 512<<20), nil)
	if len(bomb) > 60_000 {
		bomb = bomb[:60_000]
	}
	var at *middle
	w := newWorld(t, 2, func(c *engine.Config) {
		m := newMiddle()
		if at == nil {
			at = m
		}
		c.Streams = m
	})
	a, b := w.nodes[0], w.nodes[1]
	before, held := b.Large().Streams, heap()
	at.take(3, func(_ *middle, in net.Conn) { explode(in, bomb) })
	w.large(a, []*engine.Engine{b}, "k", 300_000)
	after := b.Large().Streams
	if n := after.Ended[batch.StreamBroken] - before.Ended[batch.StreamBroken]; n != 3 || !at.taken() {
		t.Errorf("%d bombs are counted of 3: %+v", n, after.Ended)
	}
	if grown := heap() - held; grown > 8<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
}

// A key that is removed ends the streams that run under it, whoever holds them.
func TestRotationEndsStreams(t *testing.T) {
	w := newWorld(t, 2, func(c *engine.Config) { c.Streams = stream.New(stream.Options{PortsTried: 1 << 10}) }, 1)
	a, b := w.nodes[0], w.nodes[1]
	w.large(a, []*engine.Engine{b}, "k", 300_000)
	before := a.Large().Streams
	if before.Up == 0 {
		t.Fatal("no stream is up")
	}
	for _, step := range []func(e *engine.Engine) error{
		func(e *engine.Engine) error { return e.AddSecret(key(2)) },
		func(e *engine.Engine) error { return e.UseSecret(2) },
		func(e *engine.Engine) error { return e.RemoveSecret(1) },
	} {
		for _, e := range w.nodes {
			if err := step(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "streams under the former key end", func() bool {
		s, o := a.Large().Streams, b.Large().Streams
		ended := 0 // at a: others may be up already, under the key that is used now
		for c := range s.Ended {
			ended += int(s.Ended[c] - before.Ended[c])
		}
		return ended >= before.Up && s.Ended[batch.StreamRotated]+o.Ended[batch.StreamRotated] > 0
	})
	w.large(a, []*engine.Engine{b}, "k", 200_000)
}
