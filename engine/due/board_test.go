package due

import (
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// model is a board as its laws say it.
type model struct {
	due, held [peers + 1]uint32
	order     []uint32
}

const peers = 6

func (m *model) want(p uint32, bits uint32) {
	m.due[p] |= bits &^ m.held[p]
	if m.due[p] != 0 && !slices.Contains(m.order, p) {
		m.order = append(m.order, p)
	}
}

// A board against its model, for random calls.
func TestBoardAgainstAModel(t *testing.T) {
	const seed = 11
	var r sched.Rand
	r.Seed(seed)
	var b Board
	var m model
	b.Init(peers)
	for step := range 20_000 {
		p, bits := 1+r.Uint32n(peers), uint32(r.Uint32n(16))
		switch r.Uint32n(6) {
		case 0, 1:
			b.Want(p, bits)
			m.want(p, bits)
		case 2:
			was := b.Done(p, bits)
			if was != (m.due[p]&bits != 0) {
				t.Fatalf("seed %d, step %d: done %x: %v", seed, step, bits, was)
			}
			m.due[p] &^= bits
		case 3:
			bits &= b.Of(p)
			any := b.Hold(p, bits)
			m.due[p], m.held[p] = m.due[p]&^bits, m.held[p]|bits
			if any != (m.held[p] != 0) {
				t.Fatalf("seed %d, step %d: held %v", seed, step, any)
			}
		case 4:
			b.Release(p)
			held := m.held[p]
			m.held[p] = 0
			if held != 0 {
				m.want(p, held)
			}
		case 5:
			if len(m.order) > 0 {
				m.due[m.order[0]] = 0
				b.End()
				m.order = m.order[1:]
			}
		}
		first := uint32(0)
		if len(m.order) > 0 {
			first = m.order[0]
		}
		if b.Next() != first {
			t.Fatalf("seed %d, step %d: it is the turn of %d, want %d", seed, step, b.Next(), first)
		}
		for h := uint32(1); h <= peers; h++ {
			if b.Of(h) != m.due[h] || b.Held(h) != m.held[h] || b.turns.Has(h) != slices.Contains(m.order, h) {
				t.Fatalf("seed %d, step %d: %d has due %x, held %x", seed, step, h, b.Of(h), b.Held(h))
			}
		}
	}
}

func TestDropKeepsOnlyWhatItIsTold(t *testing.T) {
	var b Board
	b.Init(1)
	b.Want(1, 7)
	b.Hold(1, 4)
	b.Drop(1, 2)
	if b.Of(1) != 2 || b.Held(1) != 0 {
		t.Errorf("due %x, held %x", b.Of(1), b.Held(1))
	}
}

func TestBoardAllocatesNothing(t *testing.T) {
	var b Board
	b.Init(2)
	if n := testing.AllocsPerRun(1000, func() {
		b.Want(1, 3)
		b.Hold(1, 1)
		b.Release(1)
		b.Done(1, 1)
		b.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
