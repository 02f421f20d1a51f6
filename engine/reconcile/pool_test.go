package reconcile

import "testing"

// TestPool: a peer keeps its answer until it is dropped, there are so many and no more,
// and who gets none is counted.
func TestPool(t *testing.T) {
	var busy uint64
	var p Pool[Job, *Job]
	p.Init(2, 3, &Parts{Busy: &busy})
	var a, b, c uint8
	one, fresh := p.Take(&a)
	if again, more := p.Take(&a); !fresh || more || again != one || p.At(a) != one || one.Room() != 3 {
		t.Errorf("fresh %v, %v, room %d", fresh, more, one.Room())
	}
	p.Take(&b)
	if x, fresh := p.Take(&c); x != nil || fresh || c != 0 || busy != 1 || p.Held() != 2 {
		t.Errorf("a third: %v %v %d; busy %d, held %d", x, fresh, c, busy, p.Held())
	}
	if p.Next(0) != a || p.Next(a) != b || p.Next(b) != 0 {
		t.Errorf("%d and %d: %d %d %d", a, b, p.Next(0), p.Next(a), p.Next(b))
	}
	p.Drop(&a)
	p.Drop(&a)
	if x, fresh := p.Take(&c); x != one || !fresh || a != 0 || p.Held() != 2 {
		t.Errorf("%v %v, held %d", x, fresh, p.Held())
	}
}

// TestAnswersAreMadeOnce: the memory of an answer serves all that follow in its place.
func TestAnswersAreMadeOnce(t *testing.T) {
	var busy uint64
	var p Pool[Job, *Job]
	p.Init(2, 3, &Parts{Busy: &busy})
	turn := func() {
		var a, b uint8
		p.Take(&a)
		p.Take(&b)
		p.Drop(&a)
		p.Drop(&b)
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocations for answers that follow others", n)
	}
}
