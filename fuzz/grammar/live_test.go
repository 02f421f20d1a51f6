package grammar

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/fuzz/rogue"
	"github.com/quidnunc/quidnunc/sched"
)

const clusterName = "grammar"

// hidden is how long after its end a reader may still be shown an entry.
const hidden = 10 * time.Millisecond

// world is a cluster of two, a false member of it, and readers.
type world struct {
	*liar
	t      *testing.T
	c      *enginetest.Cluster
	poller batch.Poller
	conn   batch.Conn
	writes int
}

// pause lets virtual time pass.
func pause(d time.Duration) { <-time.NewTimer(d).C }

func newWorld(t *testing.T, input []byte) *world {
	net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 100 * sched.Microsecond}})
	w := &world{t: t, poller: net.Poller()}
	w.c = enginetest.NewCluster(t, 3, enginetest.Options{Transport: net.Poller(), Apart: true, Config: func(_ int, c *engine.Config) {
		c.Cluster, c.Logger = clusterName, slog.New(slog.NewTextHandler(io.Discard, nil))
	}})
	w.c.Join(1, 0)
	conn, err := w.poller.Listen(netip.MustParseAddrPort("127.0.0.1:0"), batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.conn = conn
	w.liar = &liar{script: &script{input}, spy: rogue.WithSalt(clusterName, "spy", 1, 0, nil, [16]byte{1})}
	w.spy.Addr = conn.LocalAddr()
	w.names = names[2:]
	if w.pick(2) == 1 {
		w.names = names
		for _, e := range w.c.Engines[:2] {
			w.honest = append(w.honest, codec.OriginID(e.ID()))
		}
	}
	w.meet()
	return w
}

func (w *world) meet() {
	w.spy.Met = false
	for range 20 {
		w.send(w.spy.Hello(512))
		pause(5 * time.Millisecond)
		if w.hear(); w.spy.Met {
			w.send(w.spy.Frame(true, codec.FlagPrints, codec.AppendSync(nil, codec.Sync{Kind: codec.SyncPush})))
			return
		}
		pause(100 * time.Millisecond)
	}
}

func (w *world) send(b []byte) {
	to := w.c.Engines[0].Addr()
	if _, err := w.conn.Send([]batch.Msg{{Buf: b, N: len(b), Addr: to}}); err != nil {
		w.t.Fatal(err)
	}
}

// hear takes what came, and answers greetings.
func (w *world) hear() {
	ms := [4]batch.Msg{}
	for i := range ms {
		ms[i].Buf = make([]byte, codec.FrameBytesMax)
	}
	for {
		n, err := w.conn.Recv(ms[:])
		if n == 0 || err != nil {
			return
		}
		for i := range ms[:n] {
			if b := w.spy.Hear(ms[i].Buf[:ms[i].N]); b != nil {
				w.send(b)
			}
		}
	}
}

// say sends a frame of what the script wants to say.
func (w *world) say() {
	how := w.pick(256)
	flags := codec.Flags(0)
	if how&1 != 0 {
		flags = codec.FlagPrints
	}
	h := w.spy.Header()
	h.Mark, h.Credit, h.StatePrint, h.LivePrint = codec.Mark(how>>1), uint16(how), uint64(how), uint64(how>>4)
	if how&2 != 0 {
		h.Ack, h.AckMap = choose(w.script, numbers), uint64(choose(w.script, numbers))
	}
	room := codec.FrameBytesDefault - 150
	var records [][]byte
	for range 1 + w.pick(4) {
		b := w.record(room)
		room -= len(b)
		records = append(records, b)
	}
	w.send(w.spy.Frame(how&4 != 0, flags, records...))
}

func (w *world) step() {
	switch k := w.pick(16); {
	case k < 11:
		w.say()
	case k == 11:
		w.hear()
		pause(time.Millisecond << w.pick(11))
	case k == 12:
		w.meet()
	case k == 13:
		w.write(w.c.Engines[w.pick(2)])
	default:
		w.read()
	}
}

func (w *world) write(e *engine.Engine) {
	w.writes++
	want := fmt.Sprint(w.writes)
	if _, err := e.Set("fresh", []byte(want)); err != nil {
		if w.forged { // a namesake may silence it for a while
			return
		}
		w.t.Fatalf("%s takes no write: %v", e.Name(), err)
	}
	if v, _, _ := e.Get(e.Name(), "fresh"); string(v) != want {
		w.t.Fatalf("%s shows %q of its own, not %q", e.Name(), v, want)
	}
}

// read lets all readers of all engines look at everything.
func (w *world) read() {
	for _, e := range w.c.Engines {
		for m := range e.Members() {
			if name := []byte(m.Name); len(name) == 0 || len(name) > codec.NameBytesMax || codec.Unprintable(name) >= 0 {
				w.t.Fatalf("%s has a member %q", e.Name(), m.Name)
			}
			w.readMember(e, m.Name)
		}
		e.Stats()
	}
}

func (w *world) readMember(e *engine.Engine, name string) {
	var buf []byte
	for k, v := range e.Range(name) {
		if len(k) == 0 || codec.Reserved(k) || len(k)+len(v.Value) > codec.EntryBytesMax {
			w.t.Fatalf("%s shows %q of %q, %d bytes", e.Name(), k, name, len(v.Value))
		}
		if v.Meta.TTL > 0 && v.Meta.Age >= v.Meta.TTL+hidden {
			w.t.Fatalf("%s shows %q of %q, which ended %v ago", e.Name(), k, name, v.Meta.Age-v.Meta.TTL)
		}
		got, _, ok := e.AppendGet(buf[:0], name, string(k))
		if buf = got; ok && len(got) > codec.EntryBytesMax {
			w.t.Fatalf("%s holds %d bytes for %q of %q", e.Name(), len(got), k, name)
		}
	}
	for _, k := range append([][]byte{nil}, keys...) {
		if got, _, ok := e.AppendGet(buf[:0], name, string(k)); ok && (len(k) == 0 || codec.Reserved(k)) {
			w.t.Fatalf("%s gives %q for the key %q of %q", e.Name(), got, k, name)
		}
	}
}

// watch looks at what comes until ctx ends.
func (w *world) watch(ctx context.Context) {
	for _, e := range w.c.Engines {
		for _, k := range []string{"k", "fresh", "a", string(keys[9])} {
			go func() {
				for range e.Watch(ctx, k) {
				}
			}()
		}
		go func() {
			for range e.Events(ctx) {
			}
		}()
		go func() {
			for range e.Changes(ctx) {
			}
		}()
		go func() {
			for range e.Subscribe(ctx, "spy") {
			}
		}()
	}
}

const stepsMax = 60

// play runs a script: the lies, then a newcomer that asks those who were lied to. It returns how
// many entries of the liar were taken.
func play(t *testing.T, input []byte) (taken uint64) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, input)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.watch(ctx)
		for i := 0; i < stepsMax && len(w.b) > 0; i++ {
			w.step()
		}
		pause(500 * time.Millisecond)
		w.read()
		taken = w.c.Engines[0].Stats().EntriesNew
		join, done := context.WithTimeout(ctx, 5*time.Second)
		_, err := w.c.Engines[2].Join(join, w.c.Engines[1].Addr().String())
		if done(); err != nil && !w.forged {
			t.Errorf("a newcomer: %v", err)
		}
		pause(time.Second)
		w.read()
		for _, e := range w.c.Engines {
			w.write(e)
		}
		w.arrives()
		if err := w.conn.Close(); err != nil {
			t.Error(err)
		}
		_ = w.poller.Close()
	})
	return taken
}

// arrives checks that the last writes are everywhere, if nobody lied about their authors.
func (w *world) arrives() {
	if w.forged {
		return
	}
	for range 100 {
		missing := ""
		for i, author := range w.c.Engines {
			want := fmt.Sprint(w.writes - 2 + i)
			for _, e := range w.c.Engines {
				if v, _, _ := e.Get(author.Name(), "fresh"); string(v) != want {
					missing = fmt.Sprintf("%s shows %q of %s, not %q", e.Name(), v, author.Name(), want)
				}
			}
		}
		if missing == "" {
			return
		}
		pause(100 * time.Millisecond)
		w.hear()
	}
	w.t.Error("after 10 s an honest write has not arrived")
}

// random is a script of a seed.
func random(seed, i uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, i))
	input := make([]byte, 100+rnd.IntN(900))
	for at := range input {
		input[at] = byte(rnd.Uint32())
	}
	return input
}

var scripts = flag.Int("scripts", 120, "how many scripts of random content TestScripts plays")

func TestScripts(t *testing.T) {
	n := *scripts
	if testing.Short() {
		n = min(n, 30)
	}
	seed, taken := rand.Uint64(), uint64(0)
	for i := range n {
		taken += play(t, random(seed, uint64(i)))
		if t.Failed() {
			t.Fatalf("seed %d, script %d", seed, i)
		}
	}
	if taken < uint64(n) {
		t.Errorf("seed %d: %d entries were taken in %d scripts: the lies do not come through", seed, taken, n)
	}
}

func FuzzLive(f *testing.F) {
	f.Add([]byte{})
	for i := range uint64(16) {
		f.Add(random(1, i))
	}
	f.Fuzz(func(t *testing.T, input []byte) { play(t, input) })
}
