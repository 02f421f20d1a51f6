package stream

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
)

// TestARefusedSendTakesNothing: a message for which there is no room takes no slot, no place of an ask
// and no answer that is owed, so what the loop takes out is all that was taken in.
func TestARefusedSendTakesNothing(t *testing.T) {
	s := &Streams{opt: Options{}.with()}
	s.ctx = context.Background()
	s.orders.Init(ordersMax)
	s.reactor.init(s.opt)
	s.ordered.Store(true) // nobody is to be told: the test takes the orders out
	r := &s.reactor
	const streams = 40
	for id := range batch.StreamID(streams) {
		r.streams[id] = &outlook{up: true, owed: 1 << 20}
	}
	type state struct{ free, asks, owed int }
	look := func() (x state) {
		x.free = r.heads.Free()
		for _, o := range r.streams {
			x.asks, x.owed = x.asks+o.asks, x.owed+o.owed
		}
		return x
	}
	rng := rand.New(rand.NewPCG(1, 65))
	long, refused := 0, 0 // messages under way with a long head
	for step := range 20_000 {
		if w, ok := (order{}), false; rng.IntN(3) == 0 {
			if w, ok = s.orders.Pop(); ok {
				if w.size > shortHead {
					long--
				}
				r.forget(&w)
			}
			if rng.IntN(300) == 0 {
				for id := range r.streams {
					r.streams[id].asks = 0 // they were answered
				}
			}
			continue
		}
		m := batch.StreamMessage{Answer: rng.IntN(2) == 0, Head: make([]byte, rng.IntN(2*shortHead))}
		before := look()
		err := s.Send(batch.StreamID(rng.IntN(streams)), &m)
		if err == nil && len(m.Head) > shortHead {
			long++
		}
		if after := look(); err != nil && after != before {
			t.Fatalf("step %d: a message that was refused (%v) took something: %+v, before %+v", step, err, after, before)
		}
		if err != nil {
			refused++
		}
		if free := r.heads.Free(); free != ordersMax-long {
			t.Fatalf("step %d: %d slots are free, and %d of %d are under way", step, free, long, ordersMax)
		}
	}
	if refused < 100 {
		t.Errorf("only %d were refused", refused)
	}
}
