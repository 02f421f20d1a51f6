package stream

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/panjf2000/gnet/v2"

	"github.com/quidnunc/quidnunc/batch"
)

// raw is a peer that holds to no rule.
type raw struct {
	tb   testing.TB
	conn net.Conn
	in   direction // what the member sends
	out  direction
}

func connect(tb testing.TB, to *end) *raw {
	tb.Helper()
	return connectFrom(tb, to, "127.0.0.1")
}

// connectFrom connects from an address of this host.
func connectFrom(tb testing.TB, to *end, from string) *raw {
	tb.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", to.peer().Addr.String())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{tb: tb, conn: conn}
}

func (r *raw) write(b []byte) {
	r.tb.Helper()
	if _, err := r.conn.Write(b); err != nil {
		r.tb.Fatal(err)
	}
}

func (r *raw) read(n int) []byte {
	r.tb.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r.conn, b); err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// closed waits for the member to hang up.
func (r *raw) closed() {
	r.tb.Helper()
	if _, err := io.Copy(io.Discard, r.conn); err != nil {
		if e, ok := err.(net.Error); ok && e.Timeout() {
			r.tb.Fatal("the member does not hang up")
		}
	}
}

func helloTo(to *end, keys batch.StreamKeys, salt [16]byte) hello {
	h := makeHello(keys.Primary(), testTag, &salt, &to.salt, &[nonceSize]byte{1})
	mark, _ := keys.Mark(keys.Primary(), h.marked())
	copy(h[markAt:], mark[:])
	return h
}

// greet is a handshake that is right.
func (r *raw) greet(to *end, keys batch.StreamKeys, salt [16]byte) {
	r.tb.Helper()
	h := helloTo(to, keys, salt)
	r.write(h[:])
	rep := reply(r.read(replySize))
	o, a, err := keys.Ciphers(keys.Primary(), transcript(&h, &rep))
	if err != nil {
		r.tb.Fatal(err)
	}
	r.out.aead, r.in.aead = o, a
}

func (r *raw) record(kind uint8, payload []byte) []byte {
	return r.out.seal(make([]byte, recordHead+len(payload)+tagMax), kind, payload)
}

// up brings a stream up.
func (r *raw) up(to *end, keys batch.StreamKeys) batch.StreamID {
	r.tb.Helper()
	r.greet(to, keys, [16]byte{0xaa})
	r.write(r.record(recOpen, []byte{0, 0, 16, 0}))
	return to.want(batch.StreamUp).Stream
}

// await reads records up to one of the type, and gives its text.
func (r *raw) await(kind uint8) []byte {
	r.tb.Helper()
	for {
		h := r.read(recordHead)
		text, err := r.in.open(nil, h[0], r.read(int(binary.LittleEndian.Uint32(h)>>8)))
		if err != nil {
			r.tb.Fatal(err)
		}
		if h[0] == kind {
			return text
		}
	}
}

func headOf(h head) []byte { return appendHead(nil, &h) }

// turn calls f between two turns of the member's loop: what it had begun is whole then.
func (e *end) turn(f func(l *loop)) {
	e.tb.Helper()
	over := make(chan struct{})
	if err := e.s.exec.Load().Execute(e.tb.Context(), gnet.RunnableFunc(func(context.Context) error {
		f(&e.s.loop)
		close(over)
		return nil
	})); err != nil {
		e.tb.Fatal(err)
	}
	<-over
}

// ended waits until the member has counted an end for the cause.
func ended(e *end, cause batch.StreamCause, n uint64) {
	e.tb.Helper()
	var st batch.StreamStats
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); {
		if e.s.Stats(&st); st.Ended[cause] >= n {
			return
		}
		select {
		case <-e.wake:
		case <-time.After(time.Millisecond):
		}
	}
	e.tb.Fatalf("%d streams ended for %v, want %d: %v", st.Ended[cause], cause, n, st.Ended)
}

// A hello that is not for this member, life, cluster and key gets no answer,
// and none that the member itself could have sent does.
func TestStrangersGetNoAnswer(t *testing.T) {
	keys := keysOf(t, 1, 1, 2)
	e := open(t, Options{}, keys)
	salt := [16]byte{9}
	good := helloTo(e, keys, salt)
	spoil := func(at int) []byte { h := good; h[at] ^= 1; return h[:] }
	own := helloTo(e, keys, e.salt) // its own, reflected, with the names exchanged
	theirs := helloTo(e, keysOf(t, 3, 3), salt)
	n := uint64(0)
	for name, b := range map[string][]byte{
		"magic": spoil(0), "version": spoil(3), "another key": spoil(4), "reserved": spoil(6), "cluster": spoil(8),
		"another author": spoil(ownSaltAt), "another member": spoil(peerSaltAt), "nonce": spoil(nonceAt), "mark": spoil(markAt),
		"reflected": own[:], "a key that is not held": theirs[:],
	} {
		r := connect(t, e)
		r.write(b)
		got, _ := io.ReadAll(r.conn)
		if len(got) != 0 {
			t.Errorf("%s: %d bytes of answer", name, len(got))
		}
		n++
		ended(e, batch.StreamStranger, n)
	}
	r := connect(t, e)
	r.write(good[:])
	r.read(replySize) // the one that is right
}

// What a key holder does against the rules ends its stream, is counted by its
// cause, and gives the reactor nothing.
func TestBreachesEndTheStream(t *testing.T) {
	keys := keysOf(t, 1, 1)
	f := func(name string, cause batch.StreamCause, do func(r *raw, e *end, id batch.StreamID)) {
		t.Run(name, func(t *testing.T) {
			e := open(t, Options{}, keys)
			r := connect(t, e)
			id := r.up(e, keys)
			do(r, e, id)
			ev := e.next()
			for ev.Kind == batch.StreamAsked {
				e.s.Release(&ev)
				ev = e.next()
			}
			if ev.Kind != batch.StreamDown || ev.Cause != cause {
				t.Errorf("%+v, want down for %v", ev, cause)
			}
			r.closed()
		})
	}
	ask := func(r *raw) []byte { return r.record(recHead, headOf(head{tag: 1, want: 10})) }
	f("replay", batch.StreamAltered, func(r *raw, _ *end, _ batch.StreamID) {
		b := ask(r)
		r.write(b)
		r.write(b)
	})
	f("reordering", batch.StreamAltered, func(r *raw, _ *end, _ batch.StreamID) {
		first := ask(r)
		r.write(ask(r))
		r.write(first)
	})
	f("loss", batch.StreamAltered, func(r *raw, _ *end, _ batch.StreamID) { ask(r); r.write(ask(r)) })
	f("altered", batch.StreamAltered, func(r *raw, _ *end, _ batch.StreamID) {
		b := ask(r)
		b[len(b)-1]++
		r.write(b)
	})
	f("altered type", batch.StreamAltered, func(r *raw, _ *end, _ batch.StreamID) {
		b := r.record(recCredit, make([]byte, 4))
		b[0] = recEnd
		r.write(b)
	})
	f("cut", batch.StreamTruncated, func(r *raw, _ *end, _ batch.StreamID) { r.write(ask(r)); r.conn.Close() })
	f("unknown type", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) { r.write(r.record(recTypes, nil)) })
	f("too long", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) { r.write([]byte{recRaw, 0xff, 0xff, 0xff}) })
	f("too many asks", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) {
		for range batch.StreamAsksMax + 1 {
			r.write(ask(r))
		}
	})
	f("an ask with a body", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) {
		r.write(r.record(recHead, headOf(head{body: 5})))
	})
	f("an answer to nothing", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) {
		r.write(r.record(recHead, headOf(head{answer: true})))
	})
	f("a chunk of nothing", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) { r.write(r.record(recRaw, []byte("x"))) })
	f("credit for nothing", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) { r.write(r.record(recCredit, []byte{1, 0, 0, 0})) })
	f("after its end", batch.StreamBroken, func(r *raw, _ *end, _ batch.StreamID) {
		b := ask(r)
		r.write(append(append(b, r.record(recEnd, nil)...), ask(r)...))
	})
	f("more than wanted", batch.StreamBroken, func(r *raw, e *end, id batch.StreamID) {
		e.send(id, &batch.StreamMessage{Tag: 4, Want: 9})
		r.await(recHead)
		r.write(r.record(recHead, headOf(head{tag: 4, answer: true, body: 10})))
	})
	f("another message in a body", batch.StreamBroken, func(r *raw, e *end, id batch.StreamID) {
		e.send(id, &batch.StreamMessage{Tag: 4, Want: 9})
		r.await(recHead)
		r.write(r.record(recHead, headOf(head{tag: 4, answer: true, body: 9})))
		r.write(ask(r))
	})
	zero := make([]byte, 64<<20)
	z, _ := zstd.NewWriter(nil)
	bombZ, bombS := z.EncodeAll(zero, nil), s2.Encode(nil, zero[:4<<20])
	bomb := func(kind uint8, payload []byte) func(*raw, *end, batch.StreamID) {
		return func(r *raw, e *end, id batch.StreamID) {
			e.send(id, &batch.StreamMessage{Tag: 4, Want: 9})
			r.await(recHead)
			r.write(r.record(recHead, headOf(head{tag: 4, answer: true, body: 9})))
			r.write(r.record(kind, payload))
		}
	}
	f("zstd bomb", batch.StreamBroken, bomb(recZstd, bombZ))
	f("s2 bomb", batch.StreamBroken, bomb(recS2, bombS[:min(len(bombS), chunkBytes)]))
	f("rubbish", batch.StreamBroken, bomb(recZstd, []byte("rubbish")))
	f("skippable frame", batch.StreamBroken, bomb(recZstd, []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}))
}

// A decompressor writes nothing behind the place that it is given and takes no
// memory for what a payload claims.
func TestBombsTakeNoMemory(t *testing.T) {
	zero := make([]byte, 64<<20)
	w, _ := zstd.NewWriter(nil)
	var p packer
	lying := p.encoder().EncodeAll(make([]byte, 100), nil)
	var u unpacker
	defer u.close()
	dst := make([]byte, 100, 200)
	for name, b := range map[string][]byte{"honest": w.EncodeAll(zero, nil), "s2": s2.Encode(nil, zero[:1<<20])} {
		for _, kind := range []uint8{recS2, recZstd} {
			u.unpack(dst, kind, lying) // make it, once
			if n := testing.AllocsPerRun(100, func() {
				if u.unpack(dst, kind, b) == nil {
					t.Fatalf("%s is taken as kind %d", name, kind)
				}
			}); n > 3 {
				t.Errorf("%s as kind %d: %v allocations", name, kind, n)
			}
		}
	}
	if err := u.unpack(dst, recZstd, lying); err != nil {
		t.Errorf("a frame of 100 bytes: %v", err)
	}
	if u.unpack(dst[:99], recZstd, lying) == nil {
		t.Error("a frame of 100 bytes fills 99")
	}
}

// A body that is not what was asked for is dropped and told; the stream goes on.
func TestForgedBodyIsDropped(t *testing.T) {
	keys := keysOf(t, 1, 1)
	a, b := open(t, Options{}, keys), open(t, Options{}, keys)
	ida, idb := pair(t, a, b)
	truth := body(200_000, 1)
	sum := sha256.Sum256(truth)
	for i, sent := range [][]byte{body(200_000, 2), truth} {
		a.send(ida, &batch.StreamMessage{Tag: 1, Want: len(truth), Sum: &sum})
		ev := b.want(batch.StreamAsked)
		b.s.Release(&ev)
		b.send(idb, &batch.StreamMessage{Answer: true, Tag: 1, Body: sent})
		b.want(batch.StreamSent)
		ev = a.next()
		if want := [2]batch.StreamKind{batch.StreamForged, batch.StreamAnswered}[i]; ev.Kind != want || i == 0 && ev.Body != nil {
			t.Errorf("body %d: kind %d, want %d", i, ev.Kind, want)
		}
		a.s.Release(&ev)
	}
	var st batch.StreamStats
	if a.s.Stats(&st); st.Forged != 1 {
		t.Errorf("%d forged bodies are counted", st.Forged)
	}
}

// Half-open connections have 4 places an address, and some time; then the door is free
// again, and meanwhile streams that are up go on.
func TestHalfOpenFlood(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e, friend := patientOpen(t, keys), open(t, Options{}, keys)
	ida, _ := pair(t, friend, e)
	var st batch.StreamStats
	const flood = 40
	for i := range flood {
		r := connect(t, e)
		if i%2 == 0 {
			h := helloTo(e, keys, [16]byte{1})
			h[markAt]++ // slow loris: all but the last bytes
			r.conn.Write(h[:helloSize-1])
		}
		e.s.Stats(&st)
		if st.HalfOpen > halfOpenAddress {
			t.Fatalf("%d half-open from one address", st.HalfOpen)
		}
	}
	friend.send(ida, &batch.StreamMessage{Tag: 1, Want: 0})
	ev := e.want(batch.StreamAsked)
	e.s.Release(&ev)
	for limit := time.Now().Add(20 * time.Second); st.Refused < flood-halfOpenAddress && time.Now().Before(limit); {
		e.turn(func(*loop) {})
		e.s.Stats(&st)
	}
	e.turn(func(l *loop) { l.inspect(time.Now().Add(l.s.opt.times.open / 2)) })
	if e.s.Stats(&st); st.HalfOpen != halfOpenAddress || st.Ended[batch.StreamLate] != 0 {
		t.Errorf("%d half-open, and %d late, before their time", st.HalfOpen, st.Ended[batch.StreamLate])
	}
	e.turn(func(l *loop) { l.inspect(time.Now().Add(2 * l.s.opt.times.open)) })
	ended(e, batch.StreamLate, halfOpenAddress)
	if e.s.Stats(&st); st.HalfOpen != 0 || st.Refused != flood-halfOpenAddress {
		t.Errorf("%d half-open and %d refused of %d", st.HalfOpen, st.Refused, flood)
	}
}

// A peer that does not read gets its window and no more, and another stream is
// served at once.
func TestSlowPeerHoldsBackItself(t *testing.T) {
	keys := keysOf(t, 1, 1)
	const window = 256 << 10
	e, friend := open(t, Options{WindowBytes: window, Compression: Off}, keys), open(t, Options{WindowBytes: window}, keys)
	r := connect(t, e)
	r.conn.(*net.TCPConn).SetReadBuffer(4096)
	id := r.up(e, keys)
	big := body(4<<20, 1)
	for tag := range uint32(4) {
		r.write(r.record(recHead, headOf(head{tag: tag, want: len(big)})))
		ev := e.want(batch.StreamAsked)
		e.s.Release(&ev)
		e.send(id, &batch.StreamMessage{Answer: true, Tag: tag, Body: big})
	}
	ida, idb := pair(t, friend, e)
	for range 20 {
		friend.send(ida, &batch.StreamMessage{Tag: 1, Want: len(big)})
		ev := e.want(batch.StreamAsked)
		e.s.Release(&ev)
		e.send(idb, &batch.StreamMessage{Answer: true, Tag: 1, Body: big})
		e.want(batch.StreamSent)
		ev = friend.want(batch.StreamAnswered)
		friend.s.Release(&ev)
	}
	var st batch.StreamStats
	if e.s.Stats(&st); st.BufferedMax > window+chunkBytes {
		t.Errorf("%d bytes were buffered for a peer, the window is %d", st.BufferedMax, window)
	}
	if st.SentBytes > uint64(20*len(big)+window) {
		t.Errorf("%d bytes sent: more than the window went to a peer that reads nothing", st.SentBytes)
	}
}

// Who stops in the middle is given up, and what was borrowed comes back.
func TestStalledStreamEnds(t *testing.T) {
	keys := keysOf(t, 1, 1)
	o := Options{}
	o.times = timesDefault
	o.times.stall = time.Hour
	e := open(t, o, keys)
	r := connect(t, e)
	id := r.up(e, keys)
	e.send(id, &batch.StreamMessage{Tag: 4, Want: 1 << 20})
	r.await(recHead)
	r.write(r.record(recHead, headOf(head{tag: 4, answer: true, body: 1 << 20})))
	r.write(r.record(recRaw, make([]byte, chunkBytes)))
	var st batch.StreamStats
	for limit := time.Now().Add(20 * time.Second); st.ReceivedBytes < chunkBytes && time.Now().Before(limit); {
		e.turn(func(*loop) {})
		e.s.Stats(&st)
	}
	e.turn(func(l *loop) { l.inspect(time.Now().Add(l.s.opt.times.stall / 2)) })
	if e.s.Stats(&st); st.Up != 1 {
		t.Error("ended before its time")
	}
	e.turn(func(l *loop) { l.inspect(time.Now().Add(2 * l.s.opt.times.stall)) })
	if ev := e.want(batch.StreamDown); ev.Cause != batch.StreamStalled {
		t.Errorf("%v", ev.Cause)
	}
}

// Rotation reaches streams that run: see batch.Streams.SetKeys.
func TestRotation(t *testing.T) {
	both, next := keysOf(t, 1, 1, 2), keysOf(t, 2, 1, 2)
	a, b := open(t, Options{}, both), open(t, Options{}, both)
	ida, idb := pair(t, a, b)
	a.send(ida, &batch.StreamMessage{Tag: 1, Want: 5})
	ev := b.want(batch.StreamAsked)
	b.s.Release(&ev)
	a.s.SetKeys(next) // the ask is open: the stream waits for its answer
	b.s.SetKeys(next)
	b.send(idb, &batch.StreamMessage{Answer: true, Tag: 1, Body: []byte("hello")})
	b.want(batch.StreamSent)
	ev = a.want(batch.StreamAnswered)
	a.s.Release(&ev)
	if ev := a.want(batch.StreamDown); ev.Cause != batch.StreamRotated {
		t.Errorf("under the old key: %v", ev.Cause)
	}
	b.want(batch.StreamDown)
	pair(t, a, b)
	b.s.SetKeys(keysOf(t, 3, 3)) // removed
	if ev := b.want(batch.StreamDown); ev.Cause != batch.StreamRotated {
		t.Errorf("under a key that is gone: %v", ev.Cause)
	}
}

func TestNobodyThere(t *testing.T) {
	e := open(t, Options{}, keysOf(t, 1, 1))
	gone := open(t, Options{}, keysOf(t, 1, 1))
	peer := gone.peer()
	gone.s.Close()
	id, err := e.s.Open(peer)
	if err != nil {
		t.Fatal(err)
	}
	if ev := e.want(batch.StreamDown); ev.Stream != id || ev.Cause != batch.StreamUnreachable {
		t.Errorf("%+v", ev)
	}
	if err := e.s.Send(id, &batch.StreamMessage{}); err != batch.ErrClosed {
		t.Errorf("Send on it: %v", err)
	}
}

// The next free port is taken when the datagrams' is not free, and that is said.
func TestPortTaken(t *testing.T) {
	a := open(t, Options{}, nil)
	b := New(Options{})
	near := a.peer().Addr
	err := b.Start(batch.StreamSetup{Near: near, Cluster: testTag, Salt: [16]byte{1}, Wake: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Port() == near.Port() || len(b.Notices()) != 1 {
		t.Errorf("port %d beside %d, notices %q", b.Port(), near.Port(), b.Notices())
	}
	if err := New(Options{PortsTried: 1}).Start(batch.StreamSetup{Near: near, Wake: func() {}}); err == nil {
		t.Error("a port that is taken was bound")
	}
	var seen [4]byte
	binary.LittleEndian.PutUint32(seen[:], uint32(b.Port()))
}

// Two ends may have windows of any sizes: none waits for credit that the other one keeps back.
func TestWindowsOfTwoSizes(t *testing.T) {
	keys := keysOf(t, 1, 1)
	for _, sizes := range [][2]int{{windowLeast, 16 << 20}, {16 << 20, windowLeast}} {
		a, b := open(t, Options{WindowBytes: sizes[0], Compression: Off}, keys), open(t, Options{WindowBytes: sizes[1]}, keys)
		ida, idb := pair(t, a, b)
		for tag := range uint32(3) {
			a.send(ida, &batch.StreamMessage{Tag: tag, Want: 3 << 20})
			ev := b.want(batch.StreamAsked)
			b.s.Release(&ev)
			b.send(idb, &batch.StreamMessage{Answer: true, Tag: tag, Body: body(3<<20, 1)})
			b.want(batch.StreamSent)
			ev = a.want(batch.StreamAnswered)
			a.s.Release(&ev)
		}
	}
}

// Where all places are taken, an idle stream ends for a new one, and one that has something to
// do does not; one member has few places, whatever it does.
func TestIdleStreamsGivePlace(t *testing.T) {
	keys := keysOf(t, 1, 1)
	e := open(t, Options{StreamsIn: 2}, keys)
	var others [4]*end
	var ids [4]batch.StreamID
	for i := range others {
		others[i] = open(t, Options{}, keys)
	}
	ids[0], _ = pair(t, others[0], e)
	ids[1], _ = pair(t, others[1], e)
	others[0].send(ids[0], &batch.StreamMessage{Tag: 1, Want: 9})
	ev := e.want(batch.StreamAsked)
	e.s.Release(&ev)
	ids[2] = others[2].open(e)
	if ev := others[1].want(batch.StreamDown); ev.Cause != batch.StreamEnded {
		t.Errorf("the idle stream: %v", ev.Cause)
	}
	others[2].want(batch.StreamUp)
	others[2].send(ids[2], &batch.StreamMessage{Tag: 1, Want: 9})
	for asked := 0; asked < 1; {
		ev := e.next()
		if ev.Kind == batch.StreamAsked {
			asked++
		}
		e.s.Release(&ev)
	}
	others[3].open(e)
	if ev := others[3].want(batch.StreamDown); ev.Cause != batch.StreamBusy {
		t.Errorf("both are at work: %v", ev.Cause)
	}
	one := open(t, Options{StreamsOut: 20}, keys)
	many := open(t, Options{}, keys)
	up, down := 0, 0
	for range 10 {
		for one.open(many); ; {
			ev := one.next()
			if ev.Kind == batch.StreamUp {
				up++
				break
			}
			if down++; ev.Cause != batch.StreamEnded {
				t.Errorf("%v", ev.Cause)
			}
		}
	}
	for ; down < 10-upSalt; down++ {
		if ev := one.want(batch.StreamDown); ev.Cause != batch.StreamEnded {
			t.Errorf("%v", ev.Cause)
		}
	}
}

// open begins a stream to another end.
func (e *end) open(to *end) batch.StreamID {
	e.tb.Helper()
	id, err := e.s.Open(to.peer())
	if err != nil {
		e.tb.Fatal(err)
	}
	return id
}

// TestAnswersGivePlacesBack: each answer gives back the place that its ask took, whatever became of
// it: forged, whole, without a body or refused by its size.
func TestAnswersGivePlacesBack(t *testing.T) {
	keys := keysOf(t, 1, 1)
	a, b := open(t, Options{}, keys), open(t, Options{}, keys)
	ida, idb := pair(t, a, b)
	truth := body(3000, 1)
	sum := sha256.Sum256(truth)
	bodies := [][]byte{body(3000, 2), truth, nil}
	for i := range uint32(4 * batch.StreamAsksMax) {
		a.send(ida, &batch.StreamMessage{Tag: i + 1, Want: len(truth), Sum: &sum})
		ev := b.want(batch.StreamAsked)
		b.s.Release(&ev)
		sent := bodies[int(i)%len(bodies)]
		b.send(idb, &batch.StreamMessage{Answer: true, Tag: i + 1, Body: sent})
		if sent != nil {
			b.want(batch.StreamSent)
		}
		ev = a.next()
		if want := [...]batch.StreamKind{batch.StreamForged, batch.StreamAnswered, batch.StreamAnswered}[int(i)%len(bodies)]; ev.Kind != want {
			t.Fatalf("answer %d: kind %d, want %d", i, ev.Kind, want)
		}
		a.s.Release(&ev)
	}
}
