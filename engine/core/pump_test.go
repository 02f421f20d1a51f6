package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// pump drives the first two cores of a net by hand, so that nothing but them can allocate.
type pump struct {
	a, b    *Core
	now     sched.Instant
	version uint64
	op      Op
	ev      Event
	buf     [codec.FrameBytesMax]byte
}

func newPump(w *net, key string) *pump {
	return &pump{
		a: &w.nodes[0].core, b: &w.nodes[1].core, now: w.now, version: w.nodes[0].version,
		op: Op{Kind: Set, Key: []byte(key), Value: []byte("value")},
	}
}

// write lets a millisecond pass, and the first one write.
func (x *pump) write(t *testing.T) {
	x.now += sched.Millisecond
	x.version++
	x.op.Version = x.version
	if x.a.Write(x.now, &x.op) != Written {
		t.Fatal("refused")
	}
}

func (x *pump) tick() {
	x.a.Tick(x.now, 0)
	x.b.Tick(x.now, 0)
}

// there hands the second one what the first has to send, back the other way round.
func (x *pump) there() { x.pass(x.a, x.b, addrOf(0)) }
func (x *pump) back()  { x.pass(x.b, x.a, addrOf(1)) }

func (x *pump) pass(c, other *Core, from netip.AddrPort) {
	for n, _, ok := c.Transmit(x.now, x.buf[:]); ok; n, _, ok = c.Transmit(x.now, x.buf[:]) {
		other.Receive(x.now, from, x.buf[:n])
	}
	for c.NextEvent(&x.ev) {
	}
}

// held is how far the second one has what the first wrote.
func (x *pump) held() uint64 { return x.b.store.Max(x.b.store.Find(x.a.me.ID)) }

// levelsOverLoss has eight nodes write while a tenth of all frames is lost, and become level.
func levelsOverLoss(t *testing.T, change func(c *Config)) {
	w := newNet(t, 8, 7, func(_ int, c *Config) { change(c) })
	w.joinAll()
	w.loss, w.dup = 0.1, 0.05
	for k := range 40 {
		for i := range 8 {
			w.set(i, fmt.Sprint("key", k%13), fmt.Sprintf("%d/%d", i, k))
		}
		w.run(3 * sched.Millisecond)
	}
	w.loss = 0
	d := w.converge(60 * sched.Second)
	t.Logf("%d ms", d/sched.Millisecond)
}
