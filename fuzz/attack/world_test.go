package attack

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	clusterName = "attacked"
	patience    = 30 * time.Second // for what has to happen; nothing is measured in it
)

func secret(id uint8) []byte { return bytes.Repeat([]byte{id, 0x35}, 16) }

func key(id uint8) engine.Secret { return engine.Secret{ID: id, Bytes: secret(id)} }

// world is a few honest engines behind a tap.
type world struct {
	t       *testing.T
	tap     *tap
	reactor *engine.Reactor
	nodes   []*engine.Engine
	rnd     *rand.Rand
	change  func(*engine.Config)
}

// newWorld starts n engines, sealed with keys or in clear without, joins them
// and gives each a few keys.
func newWorld(t *testing.T, n int, change func(*engine.Config), keys ...uint8) *world {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	tap, lock := newTap()
	w := &world{t: t, tap: tap, rnd: rand.New(rand.NewPCG(seed, 1)), change: change}
	w.reactor = engine.NewReactor(engine.ReactorOptions{Transport: tap, LockThread: lock})
	t.Cleanup(w.close)
	for i := range n {
		w.start(fmt.Sprint("node-", i), keys...)
	}
	w.settle()
	for i, e := range w.nodes {
		for k := range 20 {
			w.set(e, fmt.Sprint("k", k), fmt.Sprint("honest ", i))
		}
	}
	w.settle()
	return w
}

func (w *world) close() {
	for _, e := range w.nodes {
		e.Close()
	}
	w.reactor.Close()
	w.tap.Close()
}

// start adds an engine and joins it to the first.
func (w *world) start(name string, keys ...uint8) *engine.Engine {
	w.t.Helper()
	c := engine.Local()
	c.Name, c.Cluster, c.Reactor, c.LeaveTimeout = name, clusterName, w.reactor, -1
	c.AuditInterval = -1 // members that audit each other send runs: what an attack brings could not be told from them
	for _, id := range keys {
		c.Secrets = append(c.Secrets, key(id))
	}
	if w.change != nil {
		w.change(&c)
	}
	e, err := engine.Start(context.Background(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.nodes = append(w.nodes, e)
	if len(w.nodes) > 1 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := e.Join(ctx, w.nodes[0].Addr().String()); err != nil {
			w.t.Fatal(err)
		}
	}
	return e
}

func (w *world) set(e *engine.Engine, key, value string) {
	w.t.Helper()
	if _, err := e.Set(key, []byte(value)); err != nil {
		w.t.Fatal(err)
	}
}

// eventually waits for something that has to happen.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	for !cond() {
		pause := time.NewTimer(5 * time.Millisecond)
		select {
		case <-pause.C:
		case <-end.C:
			t.Fatalf("never: %s", what)
		}
	}
}

// rest lets the world run for a while.
func rest(d time.Duration) { <-time.NewTimer(d).C }

// settle waits until all engines are alive to each other and hold the same.
func (w *world) settle() {
	w.t.Helper()
	eventually(w.t, "the honest members agree", func() bool {
		first := w.nodes[0].Stats()
		for _, e := range w.nodes {
			s := e.Stats()
			if s.Fingerprint != first.Fingerprint || s.Staged > 0 || s.Alive < len(w.nodes) {
				return false
			}
		}
		return true
	})
}

// holds is everything that an engine shows of honest members.
func holds(e *engine.Engine) string {
	var b bytes.Buffer
	for m := range e.Members() {
		fmt.Fprintln(&b, m.Name, m.Generation)
		for k, v := range e.Range(m.Name) {
			fmt.Fprintf(&b, "%s=%s %d\n", k, v.Value, v.Meta.Version.Seq)
		}
	}
	return b.String()
}

// throw forges datagrams and waits until the engine has dealt with them.
func (w *world) throw(at *engine.Engine, list []seen) {
	w.t.Helper()
	for len(list) > 0 {
		n := min(len(list), 256)
		before := at.Stats().FramesReceived
		for _, d := range list[:n] {
			w.tap.forge(d.from, at.Addr(), d.data)
		}
		eventually(w.t, "what was thrown has arrived", func() bool { return at.Stats().FramesReceived >= before+uint64(n) })
		list = list[n:]
	}
}

// record gives datagrams that the engine gets while writes go on.
func (w *world) record(at *engine.Engine, n int) []seen {
	w.t.Helper()
	w.tap.recordAt(at.Addr(), n)
	for k := 0; len(w.tap.recorded(at.Addr())) < n; k++ {
		for i, e := range w.nodes {
			w.set(e, fmt.Sprint("k", k%20), fmt.Sprint("recorded ", i, " ", k))
		}
		rest(time.Millisecond)
	}
	w.settle()
	return w.tap.recorded(at.Addr())
}

// taken is how much an engine has accepted of what carries state.
func taken(s *engine.Stats) uint64 { return s.EntriesNew + s.EntriesOld + s.RunsReceived }

// quiet waits until an engine has compared what it holds with its owners' checkpoints, and
// is told nothing any more.
func (w *world) quiet(at *engine.Engine) {
	w.t.Helper()
	was, since := uint64(0), time.Now()
	eventually(w.t, "nothing is compared any more", func() bool {
		s := at.Stats()
		if is := taken(&s); is != was {
			was, since = is, time.Now()
		}
		return time.Since(since) > 700*time.Millisecond
	})
}

// unmoved runs an attack on an engine that may change nothing: what it holds,
// which members it knows, what it took.
func (w *world) unmoved(at *engine.Engine, attack func()) engine.Stats {
	w.t.Helper()
	w.quiet(at)
	before, held := at.Stats(), holds(at)
	attack()
	after := at.Stats()
	if held != holds(at) || after.Fingerprint != before.Fingerprint || after.Members != before.Members {
		w.t.Errorf("%s holds something else now", at.Name())
	}
	if taken(&after) != taken(&before) {
		w.t.Errorf("%s has taken %d records of state", at.Name(), taken(&after)-taken(&before))
	}
	return after
}

// dropped is the growth of some reasons.
func dropped(before, after engine.Stats, reasons ...string) (n uint64) {
	for _, r := range reasons {
		n += after.Drops[r] - before.Drops[r]
	}
	return n
}

// heap is what lives on the heap.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// raw is a socket of nobody: it counts what comes and never answers.
type raw struct {
	*net.UDPConn
	addr netip.AddrPort
}

func newRaw(t *testing.T) *raw {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &raw{c, c.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// hear reads one datagram, nil if none comes for a while.
func (r *raw) hear() []byte {
	b := make([]byte, 2048)
	r.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	n, err := r.Read(b)
	if err != nil {
		return nil
	}
	return b[:n]
}

func (r *raw) throw(t *testing.T, to netip.AddrPort, b []byte) {
	t.Helper()
	if _, err := r.WriteToUDPAddrPort(b, to); err != nil {
		t.Fatal(err)
	}
}
