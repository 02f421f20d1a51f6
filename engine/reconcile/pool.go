package reconcile

// Pool holds the answers under way of a comparison, to all peers. A peer keeps the
// number of its own; 0 is none. The memory of one is made when it is first taken.
type Pool[T any, P interface {
	*T
	Init(max int)
	Spend()     // one of the frames that it may still take
	Done() bool // nothing of it is left, or nothing more may leave
}] struct {
	slots   []slot[T] // 0 unused
	max     int       // of what one may hold
	busy    *uint64
	count   *Counters
	budgets Budgets
}

type slot[T any] struct {
	of         T
	busy, made bool
}

// Init makes room for n answers that hold up to max things each.
func (p *Pool[T, P]) Init(n, max int, parts *Parts) {
	*p = Pool[T, P]{slots: make([]slot[T], n+1), max: max, busy: parts.Busy, count: parts.Count, budgets: parts.Budgets}
}

// Take gives the answer that *at names, or a free one, which *at names from then on:
// fresh, so that the caller begins it. It is nil if all are busy.
func (p *Pool[T, P]) Take(at *uint8) (t *T, fresh bool) {
	if *at != 0 {
		return &p.slots[*at].of, false
	}
	for i := 1; i < len(p.slots); i++ {
		s := &p.slots[i]
		if s.busy {
			continue
		}
		if !s.made {
			P(&s.of).Init(p.max)
		}
		s.busy, s.made, *at = true, true, uint8(i)
		return &s.of, true
	}
	*p.busy++
	return nil, false
}

// At is the answer with a number that Take gave.
func (p *Pool[T, P]) At(at uint8) *T { return &p.slots[at].of }

// Next is the number of the first busy answer after one, 0 if there is none.
func (p *Pool[T, P]) Next(after uint8) uint8 {
	for i := int(after) + 1; i < len(p.slots); i++ {
		if p.slots[i].busy {
			return uint8(i)
		}
	}
	return 0
}

// Piece is what one frame carries of an answer.
type Piece struct{ Bytes, Entries int }

// Sent accounts for a piece at the end of frame b, of the answer that *at names. It
// drops the answer, and reports that, where nothing more of it is to leave, or what is
// next does not fit a frame of its own.
func (p *Pool[T, P]) Sent(g *Page, b []byte, at *uint8, is Piece) (done bool) {
	p.count.EntriesSent += uint64(is.Entries)
	p.budgets.Sent(g.Now, g.Peer, is.Entries)
	a := P(p.At(*at))
	if is.Bytes > 0 {
		a.Spend()
	}
	if !a.Done() && (is.Bytes > 0 || !g.Empty(b)) {
		return false
	}
	p.Drop(at)
	return true
}

// Drop gives back the answer that *at names, if any.
func (p *Pool[T, P]) Drop(at *uint8) {
	if *at != 0 {
		p.slots[*at].busy = false
		*at = 0
	}
}

// Held is how many are busy.
func (p *Pool[T, P]) Held() (n int) {
	for i := p.Next(0); i != 0; i = p.Next(i) {
		n++
	}
	return n
}
